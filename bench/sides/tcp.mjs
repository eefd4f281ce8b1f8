/** TCP: echo servers, sources and sinks, and what loads them. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { connectTcp, listenTcp } from '@async/transport-tcp'
import { thereAndBack } from './there-and-back.mjs'

const host = '127.0.0.1'

// ── servers ──

/** @param {import('node:net').Server} server */
async function listening(server) {
  server.listen(0, host)
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

export const echoNode = () =>
  listening(createServer({ noDelay: true }, (socket) => socket.on('error', () => {}).on('data', (data) => socket.write(data))))

export async function echoAsync() {
  const listener = await listenTcp({}, (transport) => transport.start({ dataReceived: (data) => transport.write(data) }))
  return { port: listener.port }
}

/** Sends for ever to whoever comes, in pieces so large that whoever receives is never faster. */
export const source = () =>
  listening(createServer((socket) => {
    const block = Buffer.alloc(1024 * 1024, 'x')
    const fill = () => {
      while (socket.write(block));
    }
    socket.on('error', () => {}).on('drain', fill)
    fill()
  }))

/**
 * Takes what comes, and counts it. It keeps the last read: who keeps none of them takes, by chance, four times as long in some processes (the allocator gives memory
 * back that is needed again at once, decision 0074), and then the sender's figures are those of one that waits.
 */
export const sink = () =>
  listening(createServer((socket) =>
    socket.on('error', () => {}).on('data', (data) => {
      lastRead = data
      sunkBytes += data.length
    })))
let sunkBytes = 0
/** @type {Uint8Array | undefined} */
export let lastRead
export const sunk = () => sunkBytes

// ── load ──

/** Each connection sends the message, waits until it is back, and sends it again. @param {{ port: number, connections: number, bytes: number, seconds: number }} how */
export function pingPong({ port, connections, bytes, seconds }) {
  const message = Buffer.from(Uint8Array.from({ length: bytes }, (_, at) => at))
  const game = thereAndBack(`${port} ${bytes}`, async () => {
    const socket = connect({ port, host, noDelay: true })
    await once(socket, 'connect')
    let waiting = bytes
    const player = { send: () => void socket.write(message) }
    socket.on('data', (data) => {
      if (data[0] !== message[bytes - waiting]) game.wrong = new Error('the echo is not what was sent')
      waiting -= data.length
      if (waiting > 0) return
      waiting = bytes
      game.answered(player, 1)
    })
    socket.on('error', () => {}).on('close', () => game.left(player))
    return player
  })
  return game.play({ connections, inFlight: 1, seconds })
}

// ── clients; an operation is a MiB ──

/** @param {{ port: number, seconds: number }} how */
export async function receiveNode({ port, seconds }) {
  const socket = connect({ port, host })
  let bytes = 0
  socket.on('data', (data) => (bytes += data.length))
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  socket.destroy()
  return { operations: bytes / 2 ** 20 }
}

/** @param {{ port: number, seconds: number, reuseReadBuffer?: boolean }} how */
export async function receiveAsync({ port, seconds, reuseReadBuffer = false }) {
  const transport = await connectTcp({ port, host })
  let bytes = 0
  transport.start({ reuseReadBuffer, dataReceived: (data) => void (bytes += data.length) })
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  transport.abort()
  return { operations: bytes / 2 ** 20 }
}

const block = Buffer.alloc(64 * 1024, 'x')

/** @param {{ port: number, seconds: number }} how */
export async function sendNode({ port, seconds }) {
  const socket = connect({ port, host })
  await once(socket, 'connect')
  let bytes = 0
  let on = true
  const fill = () => {
    while (on) {
      bytes += block.length
      if (!socket.write(block)) return
    }
  }
  socket.on('drain', fill)
  fill()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  on = false
  socket.destroy()
  return { operations: (bytes - socket.writableLength) / 2 ** 20 }
}

/** @param {{ port: number, seconds: number }} how */
export async function sendAsync({ port, seconds }) {
  const transport = await connectTcp({ port, host })
  let bytes = 0
  let on = false
  const fill = () => {
    while (on) {
      bytes += block.length
      transport.write(block)
    }
  }
  transport.start({ dataReceived() {} })
  transport.register({
    halfRegister() {},
    pause() {
      on = false
    },
    resume() {
      on = true
      fill()
    },
    stop() {
      on = false
    },
  })
  on = true
  fill()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const operations = (bytes - transport.queuedBytes) / 2 ** 20
  transport.abort()
  return { operations }
}
