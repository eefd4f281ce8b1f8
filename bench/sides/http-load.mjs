/** What loads an HTTP server: requests on keep-alive connections, `pipelined` at a time, every answer held against the first one. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { thereAndBack } from './there-and-back.mjs'

const host = '127.0.0.1'

/** @param {{ port: number, connections: number, pipelined: number, seconds: number, body?: string }} how */
export async function hello({ port, connections, pipelined, seconds, body = 'hello, world\n' }) {
  const request = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n'
  const length = await answerLength(port, request, body)
  const batch = Buffer.from(request.repeat(pipelined))
  const end = Buffer.from(body)
  const game = thereAndBack(`${port} ${pipelined}`, async () => {
    const socket = connect({ port, host, noDelay: true })
    await once(socket, 'connect')
    let waiting = length * pipelined
    const player = { send: () => void socket.write(batch) }
    socket.on('data', (data) => {
      waiting -= data.length
      if (waiting > 0) return
      if (waiting < 0 || !data.subarray(-end.length).equals(end)) game.wrong = new Error(`an answer is not ${length} bytes that end with the body`)
      waiting = length * pipelined
      game.answered(player, pipelined)
    })
    socket.on('error', () => {}).on('close', () => game.left(player))
    return player
  })
  return game.play({ connections, inFlight: pipelined, seconds })
}

/** One answer, read to its end by its Content-Length. @param {number} port @param {string} request @param {string} body */
async function answerLength(port, request, body) {
  const socket = connect({ port, host })
  socket.write(request)
  let text = ''
  for await (const data of socket) {
    text += data.toString('latin1')
    if (text.endsWith(`\r\n\r\n${body}`)) break
  }
  socket.destroy()
  if (!text.startsWith('HTTP/1.1 200 ') || !/^content-length: 13\r$/im.test(text) || !/^date: /im.test(text)) throw new Error(`not the answer: ${text}`)
  return text.length
}
