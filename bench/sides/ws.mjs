/** WebSocket echo: servers, and a load that speaks frames by hand. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { listenWebSocket } from '@async/transport-websocket'
import { thereAndBack } from './there-and-back.mjs'

const host = '127.0.0.1'

export async function echoWs() {
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ host, port: 0, perMessageDeflate: false })
  server.on('connection', (/** @type {any} */ socket) => socket.on('message', (/** @type {Buffer} */ data, /** @type {boolean} */ isBinary) => socket.send(data, { binary: isBinary })))
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

export async function echoAsync() {
  const listener = await listenWebSocket({ origins: '*' }, (transport) => transport.start({ dataReceived: (data) => transport.write(data) }))
  return { port: listener.port }
}

const text = 'x'.repeat(64)
/** A text frame of 64 bytes, masked with zeros. */
const masked = Buffer.concat([Buffer.from([0x81, 0x80 | 64, 0, 0, 0, 0]), Buffer.from(text)])
/** What comes back: not masked. */
const answerBytes = 2 + 64

/** @param {{ port: number, connections: number, inFlight: number, seconds: number }} how */
export function load({ port, connections, inFlight, seconds }) {
  const game = thereAndBack(String(port), async () => {
    const socket = connect({ port, host, noDelay: true })
    await once(socket, 'connect')
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`)
    const [head] = await once(socket, 'data')
    if (!String(head).startsWith('HTTP/1.1 101 ')) throw new Error(String(head))
    let rest = 0
    const player = { send: (/** @type {number} */ count) => void socket.write(count === 1 ? masked : Buffer.concat(Array.from({ length: count }, () => masked))) }
    socket.on('data', (data) => {
      if (rest === 0 && data.readUInt16BE(0) !== 0x8140) game.wrong = new Error('not the frame that was sent')
      const bytes = rest + data.length
      const answers = Math.floor(bytes / answerBytes)
      rest = bytes % answerBytes
      if (answers > 0) game.answered(player, answers)
    })
    socket.on('error', () => {}).on('close', () => game.left(player))
    return player
  })
  return game.play({ connections, inFlight, seconds })
}
