import { listenTcp } from '@async/transport-tcp'
import { httpServer } from '@async/protocol-http'
export { floor, sync, asyncFetch, nodeFetch, node } from './http-server.mjs'
const text='hello, world\n'
const answer = () => `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
let made = answer()
export async function tcpOnly() {
  const l = await listenTcp({}, (t) => t.start({ dataReceived(data) { const s = Buffer.from(data.buffer, data.byteOffset, data.length).latin1Slice(); if (s.endsWith('\r\n\r\n')) t.write(made) } }))
  return { port: l.port }
}
