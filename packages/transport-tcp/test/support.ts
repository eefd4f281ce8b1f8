/** What the tests of this package share: recording protocols, pairs of ours, plain peers, and a clean end. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { CloseReason, Protocol, Stream, StreamTransport } from '@async/core'
import { afterEach } from 'vitest'
import { needs } from '../../core/test/programs.ts'
import { connectTcp, listenTcp, type TcpConnectOptions, type TcpListener, type TcpListenOptions } from '../src/index.ts'

const cleanups: (() => unknown)[] = []

/** Runs after the test, the last first. */
export function cleanup(task: () => unknown): void {
  cleanups.push(task)
}

afterEach(async () => {
  for (const task of cleanups.splice(0).reverse()) await task()
})

/** Notes what happens, and lets tests wait for it. */
export class Recorder implements Protocol<Stream, StreamTransport> {
  /** Everything but data: `made`, `eof`, `lost <kind>`. */
  readonly events: string[] = []
  readonly pieces: Uint8Array[] = []
  bytes = 0
  readonly eof: Promise<void>
  readonly lost: Promise<CloseReason>
  private resolveEof!: () => void
  private resolveLost!: (reason: CloseReason) => void
  private waiting: { readonly bytes: number; readonly resolve: () => void }[] = []
  onData: ((data: Uint8Array) => void) | undefined

  constructor() {
    this.eof = new Promise((resolve) => {
      this.resolveEof = resolve
    })
    this.lost = new Promise((resolve) => {
      this.resolveLost = resolve
    })
  }

  /** Everything that came. */
  get data(): Buffer {
    return Buffer.concat(this.pieces)
  }

  /** Resolves when at least `bytes` have come. */
  received(bytes: number): Promise<void> {
    if (this.bytes >= bytes) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push({ bytes, resolve }))
  }

  readonly connectionMade = (): void => {
    this.events.push('made')
  }

  readonly dataReceived = (data: Uint8Array): void => {
    this.pieces.push(data)
    this.bytes += data.length
    this.onData?.(data)
    for (const waiter of this.waiting.filter(({ bytes }) => bytes <= this.bytes)) waiter.resolve()
    this.waiting = this.waiting.filter(({ bytes }) => bytes > this.bytes)
  }

  eofReceived(): void {
    this.events.push('eof')
    this.resolveEof()
  }

  connectionLost(reason: CloseReason): void {
    this.events.push(`lost ${reason.kind}`)
    this.resolveLost(reason)
  }
}

/** A listener that ends with the test. */
export async function listen(options: TcpListenOptions, onTransport: (transport: StreamTransport) => void): Promise<TcpListener> {
  const listener = await listenTcp(options, onTransport)
  cleanup(() => {
    listener.abortConnections()
    return listener.closed
  })
  return listener
}

/** Two ends of one connection: `dialled` and `accepted`. */
export async function pair(options: Omit<TcpConnectOptions, 'port'> & TcpListenOptions = {}): Promise<{ dialled: StreamTransport; accepted: StreamTransport }> {
  const accepting = deferred<StreamTransport>()
  const listener = await listen(options, accepting.resolve)
  const dialled = await connectTcp({ ...options, host: '127.0.0.1', port: listener.port })
  cleanup(() => dialled.abort())
  return { dialled, accepted: await accepting.promise }
}

/** A transport of ours, dialled or accepted, with a plain socket at the other end. */
export async function withPlainPeer(which: 'dialled' | 'accepted', options: Omit<TcpConnectOptions, 'port'> & TcpListenOptions = {}): Promise<{ ours: StreamTransport; peer: Socket }> {
  if (which === 'accepted') {
    const accepting = deferred<StreamTransport>()
    const listener = await listen(options, accepting.resolve)
    const peer = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
    cleanup(() => peer.destroy())
    await once(peer, 'connect')
    return { ours: await accepting.promise, peer }
  }
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const accepted = once(server, 'connection')
  const ours = await connectTcp({ ...options, host: '127.0.0.1', port })
  const [peer] = (await accepted) as [Socket]
  cleanup(() => {
    ours.abort()
    peer.destroy()
    server.close()
  })
  return { ours, peer }
}

/** All that a plain socket receives until its end. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = []
  socket.on('data', (data: Buffer) => pieces.push(data))
  socket.resume()
  await once(socket, 'end')
  return Buffer.concat(pieces)
}

/** A promise and its resolve. */
export function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Turns of the event loop: for "nothing happens", which no event can announce. */
export async function turns(count = 25): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Turns, until `what` holds; the test's own time-out ends a wait in vain. */
export async function until(what: () => boolean): Promise<void> {
  while (!what()) await turns(1)
}

/** Bytes that repeat late, so that a piece in the wrong place shows. */
export function pattern(bytes: number): Buffer {
  const data = Buffer.allocUnsafe(bytes)
  let state = 1
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    data[i] = state >>> 24
  }
  return data
}

/** A test that needs a program: skipped, visibly, where that is missing; a failure where all programs must be there. */
export function itNeeds(program: string, name: string, body: () => Promise<void>, timeoutMs?: number): void {
  needs(program)(name, body, timeoutMs)
}

/** A program that ends with the test, its output by lines, and its exit. */
export function run(command: string, args: readonly string[]): {
  readonly child: ChildProcessWithoutNullStreams
  readonly line: () => Promise<string>
  readonly exit: Promise<{ readonly code: number | null; readonly output: string }>
} {
  const child = spawn(command, args)
  cleanup(() => child.kill('SIGKILL'))
  let output = ''
  let complaints = ''
  child.stderr.on('data', (data: Buffer) => (complaints += data.toString()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null, output: code === 0 ? output : output + complaints }))
  return {
    child,
    line: async () => {
      const { value } = await lines.next()
      return value as string
    },
    exit,
  }
}
