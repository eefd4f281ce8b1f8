/** The server under fire, in a process of its own: prints its port, and tells its memory when asked. From the build, as users have it. */
import { serveFetch } from '@async/protocol-http'
import { listenTcp } from '@async/transport-tcp'

const piece = new Uint8Array(65_536).fill(0x2e)

/** @param {number} left */
function dots(left) {
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close()
      const bytes = Math.min(left, piece.length)
      left -= bytes
      controller.enqueue(piece.slice(0, bytes))
    },
  }, { highWaterMark: 0 })
}

/** @param {Request} request */
async function count(request) {
  let bytes = 0
  const reader = request.body?.getReader()
  for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) bytes += read.value.length
  return bytes
}

const serve = serveFetch(async (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/memory') {
    globalThis.gc?.()
    return Response.json({ rss: process.memoryUsage.rss(), connections: serve.connectionCount })
  }
  if (pathname === '/count') return new Response(String(await count(request)))
  if (pathname === '/refuse') return new Response('refused', { status: 403 })
  if (pathname.startsWith('/dots/')) return new Response(dots(Number(pathname.slice(6))))
  return new Response('well')
}, { headTimeoutMs: Number(process.env['HEAD_TIMEOUT_MS'] ?? 600_000) })
const listener = await listenTcp({ port: 0, backlog: 4096 }, serve)
console.log(listener.port)
