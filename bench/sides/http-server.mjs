/** HTTP servers that say hello. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import { httpServer } from '@async/protocol-http'
import { listenTcp } from '@async/transport-tcp'

const host = '127.0.0.1'
const text = 'hello, world\n'
const headers = /** @type {const} */ ([['Content-Type', 'text/plain']])

/** @param {import('node:net').Server} server */
async function listening(server) {
  server.listen(0, host)
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

export const node = () =>
  listening(createServer((_, response) => {
    response.setHeader('Content-Type', 'text/plain')
    response.end(text)
  }))

/** The floor: what Node's sockets alone take. It looks for the ends of heads, and neither parses nor checks, limits or times anything. */
export function floor() {
  const answer = () => `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
  let made = answer()
  setInterval(() => (made = answer()), 1000).unref()
  return listening(createNetServer({ noDelay: true }, (socket) => {
    let rest = ''
    socket.on('error', () => {}).on('data', (data) => {
      const heads = (rest + data.toString('latin1')).split('\r\n\r\n')
      rest = heads.pop() ?? ''
      if (heads.length > 0) socket.write(heads.length === 1 ? made : made.repeat(heads.length), 'latin1')
    })
  }))
}

/** @param {(exchange: import('@async/protocol-http').HttpServerExchange) => void | Promise<void>} onExchange */
async function ours(onExchange) {
  const listener = await listenTcp({}, httpServer({ onExchange }))
  return { port: listener.port }
}

/** @param {import('@async/protocol-http').HttpServerExchange} exchange */
function answer(exchange) {
  // Nobody who measures posts: this is for the limits of bodies.
  if (exchange.request.method === 'POST') return exchange.start({ dataReceived() {}, eofReceived: () => say(exchange) })
  say(exchange)
}

/** @param {import('@async/protocol-http').HttpServerExchange} exchange */
function say(exchange) {
  exchange.respond({ status: 200, headers })
  exchange.write(text)
  exchange.close()
}

export const sync = () => ours(answer)

export const async = () =>
  ours(async (exchange) => {
    await undefined
    answer(exchange)
  })

// ── fetch handlers, and a Hono app ──

const answerOf = () => new Response(text, { headers: { 'Content-Type': 'text/plain' } })

/** @param {Request} request */
const respond = (request) => (request.method === 'POST' ? request.text().then(answerOf) : answerOf())

async function app() {
  const { Hono } = await import('hono')
  return new Hono().get('/', (context) => context.text(text)).post('*', async (context) => {
    await context.req.text()
    return context.text(text)
  })
}

/** @param {(request: Request) => Response | Promise<Response>} fetch */
async function onNodeServer(fetch) {
  const { createAdaptorServer } = await import('@hono/node-server')
  return listening(/** @type {import('node:net').Server} */ (createAdaptorServer({ fetch })))
}

/** @param {(request: Request) => Response | Promise<Response>} fetch */
async function onServeFetch(fetch) {
  const { installLightResponse, serveFetch } = await import('@async/protocol-http')
  // @hono/node-server puts its own class there by itself.
  installLightResponse()
  return { port: (await listenTcp({}, serveFetch(fetch))).port }
}

export const nodeFetch = () => onNodeServer(respond)
export const asyncFetch = () => onServeFetch(respond)
export const nodeHono = async () => onNodeServer((await app()).fetch)
export const asyncHono = async () => onServeFetch((await app()).fetch)
