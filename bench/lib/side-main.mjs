/** The process of a side: answers calls of its module's functions. */
const module = await import(process.argv[2] ?? '')

process.on('message', async (/** @type {any} */ { id, name, args }) => {
  try {
    const result = name === '#usage' ? usage() : await module[name](...args)
    process.send?.({ id, result })
  } catch (error) {
    process.send?.({ id, error: String(/** @type {Error} */ (error).stack ?? error) })
  }
})
// The one who measures has gone: nobody needs us.
process.on('disconnect', () => process.exit())

function usage() {
  const { user, system } = process.cpuUsage()
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss(), peakBytes: process.resourceUsage().maxRSS * 1024 }
}
