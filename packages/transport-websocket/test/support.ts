import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { CloseReason, Data, Messages, Protocol } from '@async/core'
import { afterEach, it } from 'vitest'
import { connectWebSocket, listenWebSocket, type WebSocketConnectOptions, type WebSocketListener, type WebSocketListenOptions, type WebSocketTransport } from '../src/index.ts'

const cleanups: (() => unknown)[] = []

/** Runs after the test, the last first. */
export function cleanup(task: () => unknown): void {
  cleanups.push(task)
}

afterEach(async () => {
  for (const task of cleanups.splice(0).reverse()) await task()
})

/** Notes what happens, and lets tests wait for it. */
export class Recorder implements Protocol<Messages, WebSocketTransport> {
  readonly messages: Data[] = []
  readonly lost: Promise<CloseReason>
  onMessage: ((data: Data) => void) | undefined
  private resolveLost!: (reason: CloseReason) => void
  private waiting: { readonly count: number; readonly resolve: () => void }[] = []

  constructor() {
    this.lost = new Promise((resolve) => {
      this.resolveLost = resolve
    })
  }

  /** Resolves when at least `count` messages have come. */
  received(count: number): Promise<void> {
    if (this.messages.length >= count) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push({ count, resolve }))
  }

  readonly dataReceived = (data: Data): void => {
    this.messages.push(data)
    this.onMessage?.(data)
    for (const waiter of this.waiting.filter(({ count }) => count <= this.messages.length)) waiter.resolve()
    this.waiting = this.waiting.filter(({ count }) => count > this.messages.length)
  }

  connectionLost(reason: CloseReason): void {
    this.resolveLost(reason)
  }
}

/** A listener that ends with the test. */
export async function listen(options: WebSocketListenOptions, onTransport: (transport: WebSocketTransport) => void): Promise<WebSocketListener> {
  const listener = await listenWebSocket(options, onTransport)
  cleanup(() => {
    listener.abortConnections()
    return listener.closed
  })
  return listener
}

/** A listener that echoes, and the reasons with which its connections ended. */
export async function echoServer(options: WebSocketListenOptions = {}): Promise<{ readonly url: string; readonly reasons: CloseReason[]; readonly accepted: WebSocketTransport[] }> {
  const reasons: CloseReason[] = []
  const accepted: WebSocketTransport[] = []
  const { port } = await listen(options, (transport) => {
    accepted.push(transport)
    transport.start({ dataReceived: (data) => transport.write(data), connectionLost: (reason) => reasons.push(reason) })
  })
  return { url: `ws://127.0.0.1:${port}/`, reasons, accepted }
}

/** A client of ours, started, aborted after the test. */
export async function connect(options: WebSocketConnectOptions): Promise<{ readonly transport: WebSocketTransport; readonly recorder: Recorder }> {
  const transport = await connectWebSocket(options)
  cleanup(() => transport.abort())
  const recorder = new Recorder()
  transport.start(recorder)
  return { transport, recorder }
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

/** A test that needs a program: skipped, visibly, where that is missing; a failure where all programs must be there. */
export function itNeeds(available: boolean, program: string, name: string, body: () => Promise<void>, timeoutMs?: number): void {
  if (!available && process.env['CI'] !== 'true') it.skip(`${name} (${program} is not installed)`, body)
  else it(name, body, timeoutMs)
}

/** A Python that has `websockets`: Debian's, where another comes first in the path. */
export const python: string | undefined = ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', 'import websockets']).status === 0)

/** Runs a Python program: its first line, what it printed when it has ended, and a way to send it signals. */
export async function runPython(
  program: string, ...args: string[]
): Promise<{ readonly line: () => Promise<string>; readonly exit: Promise<string>; readonly signal: (name: NodeJS.Signals) => void }> {
  const child = spawn(python ?? 'python3', ['-u', '-c', program, ...args])
  cleanup(() => child.kill('SIGKILL'))
  let output = ''
  let complaints = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (complaints += data.toString()))
  const exit = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(`python exited with ${code}: ${complaints}`)
    return output
  })
  exit.catch(() => {})
  const line = async (): Promise<string> => {
    while (!output.includes('\n')) await Promise.race([once(child.stdout, 'data'), exit])
    return output.slice(0, output.indexOf('\n'))
  }
  return { line, exit, signal: (name) => void child.kill(name) }
}
