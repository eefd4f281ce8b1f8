/** Sends a server what exceeds each of its default limits, and throws unless each is refused. Never measured. */
import { connect } from 'node:net'

const host = '127.0.0.1'
const start = `POST / HTTP/1.1\r\nHost: ${host}\r\n`
const chunked = `${start}Transfer-Encoding: chunked\r\n\r\n`
/** Of a body that no handler reads. */
const put = `PUT / HTTP/1.1\r\nHost: ${host}\r\n`
const held = 2 ** 24
const last = `GET /?last HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

/**
 * What is just within a limit, and beyond it with the status that answers that. Without a status: the connection ends behind the answer, and a
 * second request is not answered.
 * @typedef {{ within: string, beyond: string, status?: number, fetch?: boolean }} Input
 * @type {Record<string, Input>}
 */
const inputs = {
  maxStartLineBytes: { within: `GET /?${'x'.repeat(8000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, beyond: `GET /?${'x'.repeat(8200)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, status: 414 },
  maxHeaderBytes: { within: `${start}X: ${'x'.repeat(16_000)}\r\nContent-Length: 0\r\n\r\n`, beyond: `${start}X: ${'x'.repeat(16_400)}\r\n\r\n`, status: 431 },
  maxHeaderCount: { within: `${start}${'X: x\r\n'.repeat(98)}Content-Length: 0\r\n\r\n`, beyond: `${start}${'X: x\r\n'.repeat(100)}\r\n`, status: 431 },
  maxChunkExtensionBytes: { within: `${chunked}1;${'x'.repeat(4000)}\r\nx\r\n0\r\n\r\n`, beyond: `${chunked}1;${'x'.repeat(4200)}\r\nx\r\n`, status: 413 },
  maxTrailerBytes: { within: `${chunked}1\r\nx\r\n0\r\nX: ${'x'.repeat(8000)}\r\n\r\n`, beyond: `${chunked}1\r\nx\r\n0\r\nX: ${'x'.repeat(8400)}\r\n\r\n`, status: 431 },
  maxDrainBytes: { within: `${put}Content-Length: 32768\r\n\r\n${'x'.repeat(32_768)}`, beyond: `${put}Content-Length: 1048576\r\n\r\n${'x'.repeat(2 ** 20)}` },
  maxHeldBodyBytes: { within: `${start}Content-Length: ${held}\r\n\r\n${'x'.repeat(held)}`, beyond: `${chunked}${(held + 1).toString(16)}\r\n${'x'.repeat(held + 1)}\r\n0\r\n\r\n`, status: 413, fetch: true },
}

/** Of `httpServer`. @param {{ port: number }} where */
export const serverLimits = (where) => check(where.port, Object.entries(inputs).filter(([, { fetch }]) => fetch !== true))

/** Of `serveFetch`, whose handlers may hold a body. @param {{ port: number }} where */
export const fetchLimits = (where) => check(where.port, Object.entries(inputs))

/** @param {number} port @param {[string, Input][]} all */
async function check(port, all) {
  for (const [name, { within, beyond, status, fetch: ownAnswer = false }] of all) {
    // What a handler that holds a body throws may be answered by its framework.
    const kept = await ask(port, within + last, 2)
    // An app may have no such path.
    if (!/^(200|404) (200|404)$/.test(kept.join(' '))) throw new Error(`a request within ${name} was answered with ${kept.join(' ') || 'nothing'}`)
    // Behind what is refused nothing is sent: it would be answered by a reset, which may take the answer along.
    const refused = await ask(port, status === undefined ? beyond + last : beyond, status === undefined ? 2 : 1)
    if (refused.length > 1 || (status !== undefined && refused[0] !== String(status) && !(ownAnswer && refused[0] === '500'))) throw new Error(`${name} is no limit: answered with ${refused.join(' ') || 'nothing'}`)
  }
  return all.map(([name]) => name)
}

/** The statuses of `enough` answers, or of fewer if the connection ends. @param {number} port @param {string} send @param {number} enough @returns {Promise<string[]>} */
async function ask(port, send, enough) {
  const socket = connect({ port, host })
  let text = ''
  const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => match[1] ?? '')
  socket.on('error', () => {}).on('data', (data) => {
    text += data.toString('latin1')
    if (statuses().length >= enough) socket.destroy()
  })
  socket.write(send, 'latin1')
  const timer = setTimeout(() => socket.destroy(), 20_000)
  // Not `once`, which rejects at a reset.
  await new Promise((resolve) => socket.on('close', resolve))
  clearTimeout(timer)
  return statuses()
}
