/** HTTP servers that say hello. */
import { once } from 'node:events'
import { createServer } from 'node:http'
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

/** @param {(exchange: import('@async/protocol-http').HttpServerExchange) => void | Promise<void>} onExchange */
async function ours(onExchange) {
  const listener = await listenTcp({}, httpServer({ onExchange }))
  return { port: listener.port }
}

/** @param {import('@async/protocol-http').HttpServerExchange} exchange */
function answer(exchange) {
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

/** As it would be written for node-server: Hono, with its own adapter. */
export async function honoNode() {
  const [{ Hono }, { createAdaptorServer }] = await Promise.all([import('hono'), import('@hono/node-server')])
  const app = new Hono().get('/', (context) => context.text(text))
  return listening(/** @type {any} */ (createAdaptorServer({ fetch: app.fetch })))
}
