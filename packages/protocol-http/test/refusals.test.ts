/** Answers to what is refused, over TCP, to a client that goes on sending and reads only then: a reset would have thrown them away. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { listenTcp } from '@async/transport-tcp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type HttpServer, serveFetch } from '../src/index.ts'

let serve: HttpServer
let listener: Awaited<ReturnType<typeof listenTcp>>
beforeAll(async () => {
  serve = serveFetch(async () => new Response('ok'), { maxBodyBytes: 1000, maxHeaderBytes: 500, maxStartLineBytes: 200 })
  listener = await listenTcp({ port: 0 }, serve)
})
afterAll(async () => {
  listener.close()
  await serve.drain({ graceMs: 100 })
  await listener.closed
})

/** Sends a head, 4 MiB behind it without looking, and only then reads what came, to the end. */
async function answerTo(head: string): Promise<string> {
  const socket = connect({ port: listener.port, host: '127.0.0.1' })
  await once(socket, 'connect')
  let failure: Error | undefined
  socket.on('error', (error) => (failure = error))
  socket.write(head, 'latin1')
  const piece = Buffer.alloc(64 * 1024, 'x')
  for (let count = 0; count < 64 && !socket.destroyed; count++) {
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
  let text = ''
  for await (const data of socket) text += String(data)
  expect(failure).toBe(undefined)
  return text.replace(/Date: [^\r]*\r\n/, '')
}

const closing = (status: string): string => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`

it.each([
  ['no HTTP', '\x16\x03\x01', '400 Bad Request'],
  ['a request line that is none', 'GET /a b HTTP/1.1\r\n', '400 Bad Request'],
  ['a request line that is too long', `GET /${'a'.repeat(300)} HTTP/1.1\r\n`, '414 URI Too Long'],
  ['fields that are too long', `GET / HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(600)}\r\n`, '431 Request Header Fields Too Large'],
  ['another version', 'GET / HTTP/2.0\r\n', '505 HTTP Version Not Supported'],
  ['another coding', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n', '501 Not Implemented'],
  ['an unknown expectation', 'POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\nContent-Length: 5\r\n\r\n', '417 Expectation Failed'],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n', '400 Bad Request'],
  ['a body that is announced too long', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4194304\r\n\r\n', '413 Content Too Large'],
])('%s', async (_name, head, status) => {
  expect(await answerTo(head)).toBe(closing(status))
})
