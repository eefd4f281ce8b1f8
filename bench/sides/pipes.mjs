/** Ping-pong over Unix sockets, and over a process's standard input and output. An operation is a round trip of 64 bytes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectExec, listenUnix } from '@async/transport-pipe'

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
export async function load({ path: where, connections, seconds }) {
  let operations = 0
  const sockets = await Promise.all(Array.from({ length: connections }, async () => {
    const socket = connect(where)
    await once(socket, 'connect')
    let waiting = message.length
    socket.on('data', (data) => {
      waiting -= data.length
      if (waiting > 0) return
      waiting = message.length
      operations++
      socket.write(message)
    })
    return socket
  }))
  for (const socket of sockets) socket.write(message)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  for (const socket of sockets) socket.destroy()
  return { operations }
}

// ── a process: `cat` gives back what it is given ──

/** @param {{ seconds: number }} how */
export async function catNode({ seconds }) {
  const child = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  let operations = 0
  let waiting = message.length
  child.stdout.on('data', (data) => {
    waiting -= data.length
    if (waiting > 0) return
    waiting = message.length
    operations++
    child.stdin.write(message)
  })
  child.stdin.write(message)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  child.kill('SIGKILL')
  return { operations }
}

/** @param {{ seconds: number }} how */
export async function catAsync({ seconds }) {
  const transport = await connectExec({ command: 'cat', stderr: 'ignore' })
  let operations = 0
  let waiting = message.length
  transport.start({
    dataReceived(data) {
      waiting -= data.length
      if (waiting > 0) return
      waiting = message.length
      operations++
      transport.write(message)
    },
  })
  transport.write(message)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  transport.abort()
  return { operations }
}
