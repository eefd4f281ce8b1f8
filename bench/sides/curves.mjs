/** What costs more as something grows: messages, header fields. */
import { lengthPrefix, lsp } from '@async/protocol-chunk'
import { stack } from '@async/core'
import { httpServer } from '@async/protocol-http'
import { createService, jsonRpc } from '@async/protocol-jsonrpc'
import { connectTcp, listenTcp } from '@async/transport-tcp'
import { PushTransport } from '../lib/push-transport.mjs'

const host = '127.0.0.1'
const readBytes = 65_536

/** Frames of `bytes`, some MiB of them, as a socket would deliver them. @param {{ bytes: number, seconds: number }} how */
export function frames({ bytes, seconds }) {
  const count = Math.max(4, Math.floor(2 ** 22 / bytes))
  const frame = Buffer.alloc(4 + bytes, 'x')
  frame.writeUInt32BE(bytes)
  const data = Buffer.concat(Array.from({ length: count }, () => frame))
  const reads = []
  for (let at = 0; at < data.length; at += readBytes) reads.push(data.subarray(at, at + readBytes))
  const transport = new PushTransport()
  let seen = 0
  lengthPrefix({ widthBytes: 4, mode: 'bytes' })(transport).start({
    dataReceived(message) {
      if (message.length !== bytes) throw new Error(`${message.length} bytes instead of ${bytes}`)
      seen++
    },
  })
  const end = performance.now() + seconds * 1000
  let operations = 0
  do {
    for (const read of reads) transport.push(read)
    operations += count
  } while (performance.now() < end)
  if (seen !== operations) throw new Error(`${seen} of ${operations} messages arrived`)
  return { operations }
}

/**
 * Requests of `fields` header fields, in one read as far as they fit. The first field differs from one to the next: else a head of up to 4 KiB is remembered, and
 * the curve would show where that ends. @param {{ fields: number, seconds: number }} how */
export async function headers({ fields, seconds }) {
  const names = Array.from({ length: fields - 1 }, (_, at) => `X-Field-${at}: some value of a field\r\n`)
  const request = (/** @type {number} */ at) => `GET /path HTTP/1.1\r\nHost: ${10_000 + at}\r\n${names.join('')}\r\n`
  const count = Math.floor(readBytes / 2 / request(0).length)
  const read = Buffer.from(Array.from({ length: count }, (_, at) => request(at)).join(''))
  const transport = new PushTransport()
  let seen = 0
  httpServer({
    onExchange(exchange) {
      if (exchange.request.headers.length !== fields) throw new Error(`${exchange.request.headers.length} fields instead of ${fields}`)
      seen++
      exchange.close()
    },
  })(/** @type {any} */ (transport))
  const end = performance.now() + seconds * 1000
  let operations = 0
  do {
    transport.push(read)
    operations += count
    await new Promise((resolve) => setImmediate(resolve))
  } while (performance.now() < end)
  if (seen !== operations) throw new Error(`${seen} of ${operations} requests arrived`)
  return { operations }
}

// ── JSON-RPC messages of any size; the limits are raised as far as the largest needs ──

const maxBytes = 4 * 2 ** 20

export async function serveEcho() {
  const service = createService({ echo: (/** @type {any} */ [text]) => text })
  return { port: (await listenTcp({}, (transport) => void stack(transport, lsp({ maxChunkBytes: maxBytes }), jsonRpc(service, { maxMessageBytes: maxBytes })))).port }
}

/** @param {{ port: number, bytes: number, seconds: number }} how */
export async function echo({ port, bytes, seconds }) {
  const peer = stack(await connectTcp({ port, host }), lsp({ maxChunkBytes: maxBytes }), jsonRpc(undefined, { maxMessageBytes: maxBytes }))
  const text = 'x'.repeat(bytes)
  const end = performance.now() + seconds * 1000
  let operations = 0
  do {
    if ((await peer.call('echo', [text])) !== text) throw new Error('not the text')
    operations++
  } while (performance.now() < end)
  peer.close()
  return { operations }
}
