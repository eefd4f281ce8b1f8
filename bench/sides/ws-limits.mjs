/** Sends a WebSocket server what exceeds each of its default limits, and throws unless the connection is closed for it. Never measured. */
import { connect } from 'node:net'

const host = '127.0.0.1'
const fields = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
const open = `GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`

/** A frame of a client, masked with zeros. @param {number} first its first byte @param {number} bytes @param {number} [there] as many of them are sent */
function frame(first, bytes, there = bytes) {
  const head = Buffer.alloc(bytes < 126 ? 6 : bytes < 65_536 ? 8 : 14)
  head[0] = first
  head[1] = 0x80 | (bytes < 126 ? bytes : bytes < 65_536 ? 126 : 127)
  if (bytes >= 65_536) head.writeBigUInt64BE(BigInt(bytes), 2)
  else if (bytes >= 126) head.writeUInt16BE(bytes, 2)
  return Buffer.concat([head, Buffer.alloc(there, 'x')])
}

/** A message in so many frames of a byte. @param {number} count */
const fragments = (count) => Buffer.concat([frame(0x01, 1), ...Array.from({ length: count - 2 }, () => frame(0x00, 1)), frame(0x80, 1)])

/** What is within and beyond each limit, and the first bytes of what answers: the echo, or a close frame with 1009 (message too big) or 1008 (policy). */
const inputs = {
  maxMessageBytes: { within: frame(0x81, 2 ** 20), beyond: frame(0x81, 2 ** 20 + 1, 0), echo: '817f' },
  maxFragments: { within: fragments(16_384), beyond: fragments(16_385), echo: '817e' },
}

/** @param {{ port: number }} where */
export async function serverLimits({ port }) {
  for (const [name, { within, beyond, echo }] of Object.entries(inputs)) {
    const kept = await ask(port, within)
    if (!kept.startsWith(echo)) throw new Error(`a message within ${name} was answered with ${kept}`)
    const refused = await ask(port, beyond)
    if (!/^88..03f[01]/.test(refused)) throw new Error(`${name} is no limit: answered with ${refused}`)
  }
  return Object.keys(inputs)
}

/** The first four bytes, in hex, behind the handshake. @param {number} port @param {Buffer} send @returns {Promise<string>} */
async function ask(port, send) {
  const socket = connect({ port, host })
  let got = Buffer.alloc(0)
  const answer = () => {
    const end = got.indexOf('\r\n\r\n')
    return end < 0 ? Buffer.alloc(0) : got.subarray(end + 4)
  }
  socket.on('error', () => {}).on('data', (data) => {
    const isOpen = got.includes('\r\n\r\n')
    got = Buffer.concat([got, data])
    if (!isOpen && got.includes('\r\n\r\n')) socket.write(send)
    if (answer().length >= 4) socket.destroy()
  })
  socket.write(open)
  const timer = setTimeout(() => socket.destroy(), 20_000)
  // Not `once`, which rejects at a reset.
  await new Promise((resolve) => socket.on('close', resolve))
  clearTimeout(timer)
  return answer().subarray(0, 4).toString('hex')
}
