/** Cutting a stream at "\r\n", in memory. Every peer must find the same chunks: their count and the sum of their lengths are checked. */
import { chunk, lengthPrefix, line, lsp } from '@async/protocol-chunk'

/** Lines of `mean` bytes on average, the same in every process: 32 MiB. @param {number} mean */
function lines(mean) {
  let seed = 1
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff
  const parts = []
  let size = 0
  while (size < 32 * 2 ** 20) {
    const line = 'x'.repeat(Math.max(0, Math.round(mean * (0.5 + random())) - 2))
    parts.push(line, '\r\n')
    size += line.length + 2
  }
  return Buffer.from(parts.join(''))
}

/** The reads of a socket: 64 KiB each, or 1 to 3,000 bytes. @param {Buffer} data @param {boolean} fragments */
function reads(data, fragments) {
  const all = []
  let seed = 7
  for (let at = 0; at < data.length; ) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    const size = fragments ? 1 + (seed % 3000) : 65536
    all.push(data.subarray(at, at + size))
    at += size
  }
  return all
}

/** @type {Map<string, { data: Buffer, pieces: Buffer[], count: number }>} */
const inputs = new Map()

/** @param {number} mean @param {boolean} fragments */
function input(mean, fragments) {
  const key = `${mean} ${fragments}`
  let found = inputs.get(key)
  if (found === undefined) {
    const data = lines(mean)
    let count = 0
    for (let at = data.indexOf('\r\n'); at >= 0; at = data.indexOf('\r\n', at + 2)) count++
    inputs.set(key, (found = { data, pieces: reads(data, fragments), count }))
  }
  return found
}

/** Runs a splitter over the input until the time is over; an operation is a MiB. @param {(on: (length: number) => void) => (piece: Buffer) => void} make @param {{ mean: number, fragments?: boolean, seconds: number }} how */
function run(make, { mean, fragments = false, seconds }) {
  const { data, pieces, count } = input(mean, fragments)
  const end = performance.now() + seconds * 1000
  let rounds = 0
  do {
    let chunks = 0
    let bytes = 0
    const push = make((length) => {
      chunks++
      bytes += length
    })
    for (const piece of pieces) push(piece)
    if (chunks !== count || bytes !== data.length - 2 * count) throw new Error(`${chunks} chunks of ${bytes} bytes; there are ${count}`)
    rounds++
  } while (performance.now() < end)
  return { operations: (rounds * data.length) / 2 ** 20 }
}

/** What people write: one buffer that grows. @param {any} how */
export const naive = (how) =>
  run((on) => {
    /** @type {Buffer} */
    let rest = Buffer.alloc(0)
    return (piece) => {
      let all = rest.length === 0 ? piece : Buffer.concat([rest, piece])
      for (;;) {
        const at = all.indexOf('\r\n')
        if (at < 0) break
        on(all.subarray(0, at).length)
        all = all.subarray(at + 2)
      }
      rest = all
    }
  }, how)

/** @param {any} how */
export async function split2(how) {
  const { default: make } = await import('split2')
  return run((on) => {
    const stream = make(/\r\n/)
    stream.on('data', (/** @type {string} */ line) => on(line.length))
    return (piece) => stream.write(piece)
  }, how)
}

/** The layer, as users have it, on a transport that is pushed by hand. @param {'bytes' | 'text'} mode @param {any} how */
async function layered(mode, how) {
  const { PushTransport } = await import('../lib/push-transport.mjs')
  return run((on) => {
    const transport = new PushTransport()
    chunk({ delimiter: '\r\n', mode })(/** @type {any} */ (transport)).start({ dataReceived: (/** @type {any} */ unit) => on(unit.length) })
    return (piece) => transport.push(piece)
  }, how)
}

/** @param {any} how */
export const bytes = (how) => layered('bytes', how)

/** @param {any} how */
export const text = (how) => layered('text', how)

// ── frames that say their length; 100 bytes each ──

const payload = JSON.stringify({ jsonrpc: '2.0', id: 12345, method: 'textDocument/hover', params: { line: 10, text: 'x'.repeat(12) } })

/** @param {Buffer} frame @param {(on: (value: any) => void) => Promise<(piece: Buffer) => void>} make @param {{ seconds: number }} how */
async function frames(frame, make, { seconds }) {
  const count = 20_000
  const pieces = reads(Buffer.concat(Array.from({ length: count }, () => frame)), false)
  const end = performance.now() + seconds * 1000
  let seen = 0
  let rounds = 0
  const push = await make(() => seen++)
  do {
    for (const piece of pieces) push(piece)
    // vscode-jsonrpc delivers behind promises.
    await new Promise((resolve) => setImmediate(resolve))
    rounds++
    const limit = performance.now() + 5000
    while (seen < rounds * count) {
      if (performance.now() > limit) throw new Error(`${seen} frames of ${rounds * count}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  } while (performance.now() < end)
  return { operations: seen }
}

const lspFrame = () => Buffer.from(`Content-Length: ${payload.length}\r\n\r\n${payload}`)

/** @param {any} how */
export const vscodeReader = (how) =>
  frames(lspFrame(), async (on) => {
    const [{ PassThrough }, { StreamMessageReader }] = await Promise.all([import('node:stream'), import('vscode-jsonrpc/node')])
    const stream = new PassThrough({ highWaterMark: 2 ** 30 })
    new StreamMessageReader(stream).listen(on)
    return (piece) => stream.write(piece)
  }, how)

/** Parsed too: a reader of vscode-jsonrpc gives messages. @param {any} layer @param {Buffer} frame @param {any} how */
const ourFrames = (layer, frame, how) =>
  frames(frame, async (on) => {
    const { PushTransport } = await import('../lib/push-transport.mjs')
    const transport = new PushTransport()
    layer(transport).start({ dataReceived: (/** @type {string} */ unit) => on(JSON.parse(unit)) })
    return (piece) => transport.push(piece)
  }, how)

/** @param {any} how */
export const lspFrames = (how) => ourFrames(lsp({ mode: 'text' }), lspFrame(), how)

/** @param {any} how */
export function lengthFrames(how) {
  const frame = Buffer.alloc(4 + payload.length)
  frame.writeUInt32BE(payload.length)
  frame.write(payload, 4)
  return ourFrames(lengthPrefix({ widthBytes: 4, mode: 'text' }), frame, how)
}

// ── limits: never measured ──

/** Pushes into layers as they are measured what exceeds each default limit, and throws unless it ends the connection with kind `limit`. */
export async function limits() {
  const { PushTransport } = await import('../lib/push-transport.mjs')
  const outcome = async (/** @type {any} */ layer, /** @type {string} */ send) => {
    const transport = new PushTransport()
    let result = 'nothing'
    layer(transport).start({ dataReceived: () => void (result = 'delivered'), connectionLost: (/** @type {any} */ reason) => void (result = reason.kind) })
    for (let at = 0; at < send.length; at += 65536) transport.push(Buffer.from(send.slice(at, at + 65536)))
    // The end is told once it has been sent.
    for (let turn = 0; turn < 10 && result === 'nothing'; turn++) await new Promise((resolve) => setImmediate(resolve))
    return result
  }
  const most = 2 ** 20
  const prefix = (/** @type {number} */ length) => `\0${String.fromCharCode(length >> 16, 0, 0)}`
  const padding = (/** @type {number} */ bytes) => `X: ${'x'.repeat(bytes)}\r\nContent-Length: 1\r\n\r\nx`
  /** @type {[string, any, within: string, beyond: string][]} */
  const inputs = [
    ...(/** @type {const} */ (['bytes', 'text'])).map((mode) => /** @type {[string, any, string, string]} */ (
      ['maxChunkBytes of chunk()', chunk({ delimiter: '\r\n', mode }), `${'x'.repeat(most)}\r\n`, `${'x'.repeat(most + 1)}\r\n`])),
    ['maxChunkBytes of line()', line(), `${'x'.repeat(most)}\n`, `${'x'.repeat(most + 1)}\n`],
    ['maxChunkBytes of lsp()', lsp({ mode: 'text' }), `Content-Length: ${most}\r\n\r\n${'x'.repeat(most)}`, `Content-Length: ${most + 1}\r\n\r\n`],
    ['maxHeaderBytes of lsp()', lsp({ mode: 'text' }), padding(4000), padding(4096)],
    ['maxChunkBytes of lengthPrefix()', lengthPrefix({ widthBytes: 4, mode: 'text' }), `${prefix(most)}${'x'.repeat(most)}`, prefix(2 * most)],
  ]
  for (const [name, layer, within, beyond] of inputs) {
    const kept = await outcome(layer, within)
    if (kept !== 'delivered') throw new Error(`${name}: what is within it ended in ${kept}`)
    const refused = await outcome(layer, beyond)
    if (refused !== 'limit') throw new Error(`${name} is no limit: ${refused}`)
  }
  return [...new Set(inputs.map(([name]) => name))]
}
