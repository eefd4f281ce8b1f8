/** What the tests of this package share. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { CloseReason, Protocol, Stream } from '@async/core'
import { afterEach } from 'vitest'
import { needs } from '../../core/test/programs.ts'
import type { TlsTransport } from '../src/index.ts'

const cleanups: (() => unknown)[] = []

/** Runs after the test, the last first. */
export function cleanup(task: () => unknown): void {
  cleanups.push(task)
}

afterEach(async () => {
  for (const task of cleanups.splice(0).reverse()) await task()
})

/** Notes what happens, and lets tests wait for it. */
export class Recorder implements Protocol<Stream, TlsTransport> {
  /** Everything but data: `made`, `eof`, `lost <kind>`. */
  readonly events: string[] = []
  text = ''
  bytes = 0
  readonly made: Promise<void>
  readonly eof: Promise<void>
  readonly lost: Promise<CloseReason>
  onData: ((data: Uint8Array) => void) | undefined
  private resolveMade!: () => void
  private resolveEof!: () => void
  private resolveLost!: (reason: CloseReason) => void

  constructor() {
    this.made = new Promise((resolve) => (this.resolveMade = resolve))
    this.eof = new Promise((resolve) => (this.resolveEof = resolve))
    this.lost = new Promise((resolve) => (this.resolveLost = resolve))
  }

  readonly connectionMade = (): void => {
    this.events.push('made')
    this.resolveMade()
  }

  readonly dataReceived = (data: Uint8Array): void => {
    this.bytes += data.length
    if (this.bytes < 100_000) this.text += Buffer.from(data).toString()
    this.onData?.(data)
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

/** Turns of the event loop: for "nothing happens", which no event can announce. */
export async function turns(count = 25): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Turns, until `what` holds; the test's own time-out ends a wait in vain. */
export async function until(what: () => boolean): Promise<void> {
  while (!what()) await turns(1)
}

/** A promise and its resolve. */
export function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** The code of a reason's error. */
export function codeOf(reason: CloseReason): unknown {
  return 'error' in reason ? (reason.error as { readonly code?: unknown }).code : undefined
}

/** A test that needs a program: skipped, visibly, where that is missing; a failure where all programs must be there. */
export function itNeeds(program: string, name: string, body: () => Promise<void>): void {
  needs(program)(name, body)
}

/** A program that ends with the test: what it says, on both outputs, and its end. */
export function run(command: string, args: readonly string[]) {
  const child = spawn(command, args)
  cleanup(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => {})
  const state = { output: '' }
  const note = (data: Buffer): void => void (state.output += data.toString())
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null, output: state.output }))
  return { child, exit, state, says: (text: string | RegExp) => until(() => (typeof text === 'string' ? state.output.includes(text) : text.test(state.output))) }
}
