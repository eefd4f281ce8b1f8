/** TLS, over TCP and over a Unix socket: handshakes, and MiB one way. Both sides of a peer's measurement are Node's own at the far end. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectNet, createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { connect, createServer, TLSSocket, createSecureContext } from 'node:tls'
import { listenTcp } from '@async/transport-tcp'
import { listenUnix } from '@async/transport-pipe'
import { tlsListener } from '@async/transport-tls'

const host = '127.0.0.1'
const block = Buffer.alloc(64 * 1024, 'x')
const folder = mkdtempSync(join(tmpdir(), 'async-bench-tls-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'tls.sock')

function certificate() {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-keyout', join(folder, 'key'), '-out', join(folder, 'cert'),
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' })
  return { key: readFileSync(join(folder, 'key')), cert: readFileSync(join(folder, 'cert')) }
}

/** What a server does with a connection, told by the client's first byte: `s`end to it for ever, `r`eceive, or nothing. @param {any} socket */
function serveNode(socket) {
  socket.on('error', () => {})
  socket.once('data', (/** @type {Buffer} */ first) => {
    if (first[0] !== 0x73) return socket.on('data', () => {})
    const fill = () => {
      while (socket.write(block));
    }
    socket.on('drain', fill)
    fill()
  })
}

// ── servers ──

export async function nodeTcp() {
  const { key, cert } = certificate()
  const server = createServer({ key, cert }, serveNode)
  server.on('tlsClientError', () => {})
  server.listen(0, host)
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port, ca: cert }
}

/** Node's TLS over a Duplex of somebody else's: a plain one around a Unix socket. */
export async function nodeDuplex() {
  const { key, cert } = certificate()
  const secureContext = createSecureContext({ key, cert })
  const server = createNetServer((socket) => serveNode(new TLSSocket(/** @type {any} */ (around(socket)), { isServer: true, secureContext })))
  server.listen(path)
  await once(server, 'listening')
  return { path, ca: cert }
}

/** @param {import('node:net').Socket} socket */
function around(socket) {
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (data, _, done) => void socket.write(data, () => done()),
    final: (done) => void socket.end(() => done()),
    destroy: (error, done) => (socket.destroy(), done(error)),
  })
  socket.on('data', (data) => {
    if (!duplex.push(data)) socket.pause()
  })
  socket.on('end', () => duplex.push(null))
  socket.on('error', () => duplex.destroy())
  return duplex
}

/** @param {any} transport */
function serveAsync(transport) {
  let on = false
  const fill = () => {
    while (on) transport.write(block)
  }
  let told = false
  transport.start({
    dataReceived(/** @type {Uint8Array} */ data) {
      if (told) return
      told = true
      if (data[0] !== 0x73) return
      transport.register({ halfRegister() {}, pause: () => void (on = false), resume: () => ((on = true), fill()), stop: () => void (on = false) })
      on = true
      fill()
    },
  })
}

export async function asyncTcp({ allowTruncation = false } = {}) {
  const { key, cert } = certificate()
  const listener = await listenTcp({}, tlsListener({ key, cert, allowTruncation }, serveAsync))
  return { port: listener.port, ca: cert }
}

export async function asyncUnix() {
  const { key, cert } = certificate()
  await listenUnix({ path }, tlsListener({ key, cert }, serveAsync))
  return { path, ca: cert }
}

// ── clients: Node's, for servers that are measured ──

/** @param {{ port?: number, path?: string, ca: Uint8Array }} where @param {'secureConnect' | 'session'} [opened] */
async function open({ port, path: at, ca }, opened = 'secureConnect') {
  const socket = at === undefined ? connect({ port, host, servername: 'localhost', ca: Buffer.from(ca) }) : connect({ socket: connectNet(at), servername: 'localhost', ca: Buffer.from(ca) })
  await once(socket, opened)
  socket.on('error', () => {})
  return socket
}

/** Eight at a time, for as long. @param {number} seconds @param {() => Promise<void>} one */
async function eightAtATime(seconds, one) {
  const end = performance.now() + seconds * 1000
  let operations = 0
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (performance.now() < end) {
      await one()
      operations++
    }
  }))
  return { operations }
}

/**
 * Full handshakes, each ended in order. The server's part is over when it has our Finished: its session tickets say so. ('secureConnect' comes before
 * Node has sent that: who destroys the socket there measures handshakes that fail at the server, see `departures`.) @param {any} how
 */
export function handshakes({ seconds, ...where }) {
  return eightAtATime(seconds, async () => {
    const socket = await open(where, 'session')
    // From within the event, which OpenSSL is in the middle of, what is written would be a record that the server can't read.
    await new Promise(setImmediate)
    socket.resume().end()
    const [failed] = await once(socket, 'close')
    if (failed) throw new Error('the server did not end the connection in order')
  })
}

/** Handshakes that the client leaves when the server waits for the last of it. @param {any} how */
export function departures({ seconds, ...where }) {
  return eightAtATime(seconds, async () => void (await open(where)).destroy())
}

/** The server sends. @param {any} how */
export async function download({ seconds, ...where }) {
  const socket = await open(where)
  let bytes = 0
  socket.on('data', (data) => (bytes += data.length))
  socket.write('s')
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  socket.destroy()
  return { operations: bytes / 2 ** 20 }
}

/** The server receives. @param {any} how */
export async function upload({ seconds, ...where }) {
  const socket = await open(where)
  let bytes = 0
  let on = true
  const fill = () => {
    while (on) {
      bytes += block.length
      if (!socket.write(block)) return
    }
  }
  socket.on('drain', fill)
  socket.write('r')
  fill()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  on = false
  const operations = (bytes - socket.writableLength) / 2 ** 20
  socket.destroy()
  return { operations }
}

