/** Servers whose system calls are counted, and what they are sent: always the same, and never more before all of it is answered. */
import * as http from '../sides/http-server.mjs'
import * as rpc from '../sides/json-rpc.mjs'
import * as tcp from '../sides/tcp.mjs'
import * as webSocket from '../sides/ws.mjs'

/**
 * @typedef {object} Operation
 * @property {string} what
 * @property {() => Promise<{ port: number }>} serve
 * @property {string} sent in one write, each time
 * @property {RegExp} answer what comes back for each operation; one of its matches is one answer
 * @property {number} count of answers to `sent`
 * @property {number} [writes] of the server for each of the client's: 1, unless it is a control
 * @property {{ sent: string, answer: RegExp }} [first] what opens the connection
 */

const request = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const response = /HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\nhello, world\n/g
/** Masked with zeros. */
const frame = `\x81\xc0\0\0\0\0${'x'.repeat(64)}`
const upgrade = `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`

/** @type {Record<string, Operation>} */
export const operations = {
  'tcp echo': { what: '64 bytes, sent back', serve: tcp.echoAsync, sent: 'x'.repeat(64), answer: /x{64}/g, count: 1 },
  'http request': { what: 'a request, answered at once', serve: http.sync, sent: request, answer: response, count: 1 },
  'http request, awaited': { what: 'the same, answered after an await', serve: http.async, sent: request, answer: response, count: 1 },
  'http, pipelined': { what: '16 requests in one write', serve: http.sync, sent: request.repeat(16), answer: response, count: 16 },
  'a control': { what: 'the same to node:http, which writes each answer by itself', serve: http.node, sent: request.repeat(16), answer: response, count: 16, writes: 16 },
  'http by fetch': { what: 'a request for a fetch handler', serve: http.asyncFetch, sent: request, answer: response, count: 1 },
  'json-rpc': {
    what: '64 calls in one write',
    serve: rpc.serveLines,
    sent: Array.from({ length: 64 }, (_, id) => `{"jsonrpc":"2.0","id":${id},"method":"add","params":[1,2]}\n`).join(''),
    answer: /\{"jsonrpc":"2\.0","result":3,"id":[0-9]+\}\n/g,
    count: 64,
  },
  websocket: { what: '64 messages in one write, sent back', serve: webSocket.echoAsync, sent: frame.repeat(64), answer: /\x81@x{64}/g, count: 64, first: { sent: upgrade, answer: /^HTTP\/1\.1 101 [^]*\r\n\r\n/g } },
}
