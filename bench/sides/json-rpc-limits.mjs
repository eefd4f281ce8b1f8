/** Sends a JSON-RPC server what exceeds each of its default limits, and throws unless each holds. Never measured. */
import { connect } from 'node:net'

const host = '127.0.0.1'

/** How a message is written, and where answers begin and end. @typedef {{ frame: (text: string) => string, answers: (text: string) => any[] }} Framing */

/** @type {Record<string, Framing>} */
const framings = {
  line: { frame: (text) => `${text}\n`, answers: (text) => text.split('\n').slice(0, -1).map((each) => JSON.parse(each)) },
  lsp: {
    frame: (text) => `Content-Length: ${text.length}\r\n\r\n${text}`,
    answers: (text) => text.split(/Content-Length: \d+\r\n\r\n/).slice(1).map((each) => JSON.parse(each)),
  },
}

const call = (/** @type {number} */ id, params = '[1,2]', method = 'add') => `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`
const batch = (/** @type {number} */ count) => `[${Array.from({ length: count }, (_, id) => call(id)).join(',')}]`
const nested = (/** @type {number} */ depth) => call(1, '['.repeat(depth) + ']'.repeat(depth))
const long = (/** @type {number} */ bytes) => call(1, `[1,2,"${'x'.repeat(bytes)}"]`)

/** @param {{ port: number, framing: string }} how */
export async function serverLimits({ port, framing }) {
  const { frame, answers } = /** @type {Framing} */ (framings[framing])
  const ask = (/** @type {string} */ text) => exchange(port, frame(text), answers)
  expect('a message within maxMessageBytes', await ask(long(2 ** 20 - 100)), (answer) => answer.result === 3)
  // The framing's limit is the same, and comes first: it ends the connection.
  expect('maxMessageBytes', await ask(long(2 ** 20)), (answer) => answer === 'ended')
  expect('a batch within maxBatchItems', await ask(batch(100)), (answer) => Array.isArray(answer) && answer.length === 100)
  expect('maxBatchItems', await ask(batch(101)), (answer) => answer.error?.code === -32600)
  expect('nesting within maxNestingDepth', await ask(nested(990)), (answer) => answer.id === 1)
  expect('maxNestingDepth', await ask(nested(1001)), (answer) => answer.error?.code === -32700)
  const flooding = await flood(port, frame)
  try {
    const running = await ask(call(1, '[]', 'stalled'))
    expect('maxConcurrentHandlers', running, (answer) => answer.result === 64)
    expect('maxQueuedRequests', flooding.taken, (bytes) => bytes < flooding.sent)
  } finally {
    flooding.socket.destroy()
  }
  return ['maxMessageBytes', 'maxBatchItems', 'maxNestingDepth', 'maxConcurrentHandlers', 'maxQueuedRequests']
}

/** @param {string} what @param {any} answer @param {(answer: any) => boolean} isRight */
function expect(what, answer, isRight) {
  if (!isRight(answer)) throw new Error(`${what}: ${JSON.stringify(answer).slice(0, 200)}`)
}

/** The first answer, or that the connection ended. @param {number} port @param {string} send @param {Framing['answers']} answers @returns {Promise<any>} */
async function exchange(port, send, answers) {
  const socket = connect({ port, host })
  let text = ''
  /** @type {any} */
  let answer
  socket.on('error', () => {}).on('data', (data) => {
    text += data.toString('utf8')
    try {
      answer = answers(text)[0]
    } catch {
      // Not whole yet.
    }
    if (answer !== undefined) socket.destroy()
  })
  socket.write(send)
  const timer = setTimeout(() => ((answer = 'nothing within 20 s'), socket.destroy()), 20_000)
  // Not `once`, which rejects at a reset.
  await new Promise((resolve) => socket.on('close', resolve))
  clearTimeout(timer)
  return answer ?? 'ended'
}

/** Calls that are never answered, more than buffers hold; how much of it is taken is known when for half a second no more is. @param {number} port @param {Framing['frame']} frame */
async function flood(port, frame) {
  const socket = connect({ port, host })
  socket.on('error', () => {})
  const sent = 64 * 2 ** 20
  const piece = Buffer.from(frame(call(1, `["${'x'.repeat(200)}"]`, 'stall')).repeat(4096))
  for (let bytes = 0; bytes < sent; bytes += piece.length) socket.write(piece)
  const taken = () => socket.bytesWritten - socket.writableLength
  for (let before = -1; before < taken(); ) {
    before = taken()
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return { socket, sent, taken: taken() }
}
