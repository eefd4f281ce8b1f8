/** Bodies of many bytes, down (`GET /bytes`) and up (POST, answered with the count): servers, and a load on bare sockets. */
import { once } from 'node:events'
import { connect } from 'node:net'

const host = '127.0.0.1'
const block = Buffer.alloc(64 * 1024, 'x')

// Each server loads no more than it needs: its memory is part of what is measured.

export async function node() {
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let bytes = 0
      request.on('data', (data) => (bytes += data.length)).on('end', () => response.end(String(bytes)))
      return
    }
    let rest = Number(request.url?.slice(1))
    response.setHeader('Content-Length', rest)
    const fill = () => {
      while (rest > 0) {
        const piece = rest < block.length ? block.subarray(0, rest) : block
        rest -= piece.length
        if (!response.write(piece) && rest > 0) return
      }
      response.off('drain', fill)
      response.end()
    }
    response.on('drain', fill)
    fill()
  })
  server.listen(0, host)
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

export async function ours() {
  const [{ httpServer }, { listenTcp }] = await Promise.all([import('@async/protocol-http'), import('@async/transport-tcp')])
  const listener = await listenTcp({}, httpServer({ onExchange: (exchange) => (exchange.request.method === 'POST' ? count(exchange) : send(exchange)) }))
  return { port: listener.port }
}

/** @param {import('@async/protocol-http').HttpServerExchange} exchange */
function count(exchange) {
  let bytes = 0
  exchange.start({
    dataReceived: (data) => void (bytes += data.length),
    eofReceived() {
      exchange.write(String(bytes))
      exchange.close()
    },
  })
}

/** @param {import('@async/protocol-http').HttpServerExchange} exchange */
function send(exchange) {
  let rest = Number(exchange.request.target.slice(1))
  let on = true
  const fill = () => {
    while (on && rest > 0) {
      const piece = rest < block.length ? block.subarray(0, rest) : block
      rest -= piece.length
      exchange.write(piece)
    }
    if (rest === 0) exchange.close()
  }
  exchange.respond({ status: 200, headers: [['Content-Length', String(rest)]] })
  exchange.register({ halfRegister() {}, pause: () => void (on = false), resume: () => ((on = true), fill()), stop: () => void (on = false) })
  fill()
}

/** A hand-made loop: it looks for the method, the length and the end of the head, and takes what follows for the body. */
export async function floor() {
  const { createServer } = await import('node:net')
  const server = createServer({ noDelay: true }, (socket) => {
    let rest = 0
    let wanted = 0
    const fill = () => {
      while (rest > 0) {
        const piece = rest < block.length ? block.subarray(0, rest) : block
        rest -= piece.length
        if (!socket.write(piece)) return
      }
    }
    socket.on('error', () => {}).on('drain', fill).on('data', (data) => {
      if (wanted > 0) wanted -= data.length
      else {
        const text = data.toString('latin1')
        const end = text.indexOf('\r\n\r\n') + 4
        if (text.startsWith('GET ')) {
          rest = parseInt(text.slice(5))
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${rest}\r\n\r\n`)
          return fill()
        }
        rest = Number(/^content-length: (\d+)/im.exec(text)?.[1])
        wanted = rest - (data.length - end)
      }
      if (wanted > 0) return
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${String(rest).length}\r\n\r\n${rest}`)
      rest = 0
    })
  })
  server.listen(0, host)
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

// ── load ──

/** @param {{ port: number, bytes: number }} how */
export async function down({ port, bytes }) {
  const socket = connect({ port, host })
  socket.write(`GET /${bytes} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  let head = ''
  let got = -1
  await new Promise((resolve, reject) => {
    socket.on('error', reject).on('close', () => reject(new Error(`the connection ended behind ${got} of ${bytes} bytes`)))
    socket.on('data', (data) => {
      if (got < 0) {
        head += data.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        if (!head.startsWith('HTTP/1.1 200 ') || !new RegExp(`^content-length: ${bytes}\r$`, 'im').test(head)) reject(new Error(`not the head: ${head.slice(0, 200)}`))
        got = head.length - end - 4
      } else {
        if (data[0] !== 0x78 || data[data.length - 1] !== 0x78) reject(new Error('not what was to be sent'))
        got += data.length
      }
      if (got === bytes) resolve(undefined)
    })
  })
  socket.destroy()
}

/** @param {{ port: number, bytes: number }} how */
export async function up({ port, bytes }) {
  const socket = connect({ port, host, noDelay: true })
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${bytes}\r\n\r\n`)
  let rest = bytes
  const fill = () => {
    while (rest > 0) {
      const piece = rest < block.length ? block.subarray(0, rest) : block
      rest -= piece.length
      if (!socket.write(piece)) return
    }
  }
  socket.on('drain', fill)
  fill()
  let answer = ''
  await new Promise((resolve, reject) => {
    socket.on('error', reject).on('close', () => reject(new Error(`the connection ended: ${answer}`)))
    socket.on('data', (data) => {
      answer += data.toString('latin1')
      if (answer.includes(String(bytes), answer.indexOf('\r\n\r\n') + 4)) resolve(undefined)
    })
  })
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`not the answer: ${answer}`)
  socket.destroy()
}
