/** HTTP clients with 64 requests in flight, against one and the same server, which does as little as it can. */
import { once } from 'node:events'
import { createServer } from 'node:net'

const host = '127.0.0.1'
const target = '/'
const text = 'hello, world\n'
const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: ${text.length}\r\n\r\n${text}`

/** Answers each read with as many answers as it has requests: clients here send a request in one write. */
export async function answering() {
  const server = createServer({ noDelay: true }, (socket) => {
    let rest = ''
    socket.on('error', () => {}).on('data', (data) => {
      const heads = (rest + data.toString('latin1')).split('\r\n\r\n')
      rest = heads.pop() ?? ''
      if (heads.length > 0) socket.write(answer.repeat(heads.length), 'latin1')
    })
  })
  server.listen(0, host)
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

/** @typedef {{ port: number, connections: number, seconds: number }} How */

/** Keeps `connections` requests going. @param {How} how @param {() => Promise<string>} request */
async function requests({ connections, seconds }, request) {
  const end = performance.now() + seconds * 1000
  let operations = 0
  await Promise.all(Array.from({ length: connections }, async () => {
    while (performance.now() < end) {
      if ((await request()) !== text) throw new Error('not the body')
      operations++
    }
  }))
  return { operations }
}

/** @type {Promise<() => Promise<string>> | undefined} */
let requesting

/** The client of this process, from the first call on: its connections stay open. @param {How} how @param {() => Promise<() => Promise<string>>} make */
async function client(how, make) {
  return requests(how, await (requesting ??= make()))
}

/** @param {How} how */
export const undici = (how) => client(how, async () => {
  const { Pool } = await import('undici')
  const pool = new Pool(`http://${host}:${how.port}`, { connections: how.connections, pipelining: 1 })
  return async () => (await pool.request({ path: target, method: 'GET' })).body.text()
})

/** @param {How} how */
export const ours = (how) => client(how, async () => {
  const [{ httpConnector }, { tcpConnector }] = await Promise.all([import('@async/protocol-http'), import('@async/transport-tcp')])
  const decoder = new TextDecoder()
  const http = httpConnector(tcpConnector({ host, port: how.port }), { target, method: 'GET', host: `${host}:${how.port}`, maxConnectionCount: how.connections })
  return async () => {
    const exchange = await http.connect()
    return new Promise((resolve, reject) => {
      let body = ''
      exchange.start({
        dataReceived: (data) => void (body += decoder.decode(data)),
        connectionLost: (reason) => ('error' in reason ? reject(reason.error) : resolve(body)),
      })
      exchange.halfClose()
    })
  }
})

/** @param {How} how */
export const builtInFetch = (how) => client(how, async () => {
  const url = `http://${host}:${how.port}${target}`
  return async () => (await fetch(url)).text()
})

/** @param {How} how */
export const ourFetch = (how) => client(how, async () => {
  const [{ createFetch }, { tcpConnector }] = await Promise.all([import('@async/protocol-http'), import('@async/transport-tcp')])
  const url = `http://${host}:${how.port}${target}`
  const get = createFetch(() => tcpConnector({ host, port: how.port }))
  return async () => (await get(url)).text()
})
