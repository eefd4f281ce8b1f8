/** Ping-pong over Unix sockets, and over a process's standard input and output. An operation is a round trip of 64 bytes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectExec, listenUnix } from '@async/transport-pipe'
import { thereAndBack } from './there-and-back.mjs'

const message = Buffer.alloc(64, 'x')
const path = join(tmpdir(), `async-bench-${process.pid}.sock`)
process.once('exit', () => rmSync(path, { force: true }))

export async function echoNode() {
  const server = createServer((socket) => socket.on('error', () => {}).on('data', (data) => socket.write(data)))
  server.listen(path)
  await once(server, 'listening')
  return { path }
}

export async function echoAsync() {
  await listenUnix({ path }, (transport) => transport.start({ dataReceived: (data) => transport.write(data) }))
  return { path }
}

/** @param {{ path: string, connections: number, seconds: number }} how */
export function load({ path: where, connections, seconds }) {
  const game = thereAndBack(where, async () => {
    const socket = connect(where)
    await once(socket, 'connect')
    const player = { send: () => void socket.write(message) }
    socket.on('data', counting(() => game.answered(player, 1)))
    socket.on('error', () => {}).on('close', () => game.left(player))
    return player
  })
  return game.play({ connections, inFlight: 1, seconds })
}

/** Calls `whole` for each message's worth of bytes. @param {() => void} whole */
function counting(whole) {
  let waiting = message.length
  return (/** @type {Uint8Array} */ data) => {
    waiting -= data.length
    if (waiting > 0) return
    waiting = message.length
    whole()
  }
}

// ── a process: `cat` gives back what it is given ──

/** @param {{ seconds: number }} how */
export function catNode({ seconds }) {
  const game = thereAndBack('node', async () => {
    const child = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] })
    const player = { send: () => void child.stdin.write(message) }
    child.stdin.on('error', () => {})
    child.stdout.on('data', counting(() => game.answered(player, 1)))
    child.on('exit', () => game.left(player))
    return player
  })
  return game.play({ connections: 1, inFlight: 1, seconds })
}

/** @param {{ seconds: number }} how */
export function catAsync({ seconds }) {
  const game = thereAndBack('async', async () => {
    const transport = await connectExec({ command: 'cat', stderr: 'ignore' })
    const player = { send: () => transport.write(message) }
    transport.start({ dataReceived: counting(() => game.answered(player, 1)), connectionLost: () => game.left(player) })
    return player
  })
  return game.play({ connections: 1, inFlight: 1, seconds })
}
