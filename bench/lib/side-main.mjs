/** The process of a side: answers calls of its module's functions. */
import { readFileSync } from 'node:fs'

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
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss(), peakBytes: peakBytes() }
}

/** The most memory of this program. (On Linux `maxRSS` is also that of the process that forked it, until it became this program.) */
function peakBytes() {
  try {
    const kib = /^VmHWM:\s+([0-9]+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    if (kib !== undefined) return Number(kib) * 1024
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024
}
