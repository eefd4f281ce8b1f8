/**
 * The binding of `serialport`, which drives the hardware in Node.
 *
 * On Unix its ports read and write a descriptor that does not block, in other threads, and wait by a poller. That is done anew here, on the same
 * descriptor, in this thread, for what was measured with version 13:
 * - A poller that was once asked for "writable" asks for it ever after: with unread input it keeps a processor busy.
 * - Reading a tty that the system hung up gives no bytes, at once, and for ever: the library tries again without end. Here no bytes make us
 *   ask whether the device still answers.
 * - A write is on its way in another thread when it is aborted: nobody knows how much of it was sent.
 * - Its flush discards both directions. Reading without blocking discards, or saves, what came.
 * - A poller is never freed, with all that hangs on it: some 400 bytes of heap for each port that was opened. Here there is one for each number
 *   of a descriptor, and ports are opened by the calls below the library's classes; by those classes, where it does not have these calls.
 * Loaded when a port is opened or listed with no other binding: it brings native code.
 */
import { readSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ConnectionError } from '@async/core'
import type { FlushDirection, InputSignals, OutputSignals, SerialBinding, SerialBindingPort } from './binding.ts'

/** Milliseconds between two attempts to write to a full tty, at most. The first come in the next turns. */
const mostWaitMs = 16
/** Nor longer than this many bytes take, so that the line is never idle. */
const waitBytes = 1024
/** More than any tty's buffer: who sends faster than it is read back must not hold us here. */
const mostAheadBytes = 1024 * 1024

/** What is used of a port of `serialport` on Unix. */
interface UnixPort extends Omit<SerialBindingPort, 'read' | 'write'> {
  readonly fd: number
  readonly poller: { once(event: 'readable', listener: (error: Error | null) => void): unknown }
  getBaudRate(): Promise<unknown>
}

/** The binding of this system. @throws (rejects) ConnectionError `ERR_BINDING` */
export async function nativeBinding(): Promise<SerialBinding> {
  let binding: SerialBinding
  try {
    const { SerialPort } = await import('serialport')
    binding = SerialPort.binding as unknown as SerialBinding
  } catch (error) {
    throw new ConnectionError('ERR_BINDING', 'the native part of serialport does not load on this system', { phase: 'connect', cause: error })
  }
  const calls = process.platform === 'win32' ? undefined : nativeCalls()
  return {
    list: () => binding.list(),
    open: async (options) => {
      const port = calls === undefined ? await binding.open(options) : await openByCalls(calls, options)
      if (isUnix(port)) return new UnixPortTwin(port, options.baudRate, process.platform === 'darwin')
      // Windows sets the lines by what else was asked for.
      return Object.assign(port, { initialSignals: { dtr: options.hupcl, rts: options.rtscts } })
    },
  }
}

/** What lies below the classes of `serialport` on Unix. */
interface NativeCalls {
  asyncOpen(path: string, options: object): Promise<number>
  asyncClose(fd: number): Promise<void>
  asyncUpdate(fd: number, options: object): Promise<void>
  asyncSet(fd: number, signals: object): Promise<void>
  asyncGet(fd: number): Promise<InputSignals>
  asyncGetBaudRate(fd: number): Promise<unknown>
  asyncFlush(fd: number): Promise<void>
  asyncDrain(fd: number): Promise<void>
  readonly Poller: new (fd: number) => UnixPort['poller'] & { stop(): void }
}

function nativeCalls(): NativeCalls | undefined {
  try {
    const ofSerialport = createRequire(createRequire(import.meta.url).resolve('serialport'))
    const folder = '@serialport/bindings-cpp/dist'
    const calls = { ...(ofSerialport(`${folder}/load-bindings.js`) as object), ...(ofSerialport(`${folder}/poller.js`) as object) } as Partial<NativeCalls>
    const names = ['asyncOpen', 'asyncClose', 'asyncUpdate', 'asyncSet', 'asyncGet', 'asyncGetBaudRate', 'asyncFlush', 'asyncDrain', 'Poller'] as const
    return names.every((name) => typeof calls[name] === 'function') ? (calls as NativeCalls) : undefined
  } catch {
    return undefined
  }
}

/** Pollers by the number of their descriptor: one that is stopped serves the next port that gets the number. */
const pollers = new Map<number, InstanceType<NativeCalls['Poller']>>()

async function openByCalls(calls: NativeCalls, options: { readonly path: string }): Promise<UnixPort> {
  const fd = await calls.asyncOpen(options.path, { vmin: 1, vtime: 0, ...options })
  const poller = pollers.get(fd) ?? new calls.Poller(fd)
  pollers.set(fd, poller)
  return {
    fd,
    poller,
    update: (update) => calls.asyncUpdate(fd, update),
    set: (signals) => calls.asyncSet(fd, signals),
    get: () => calls.asyncGet(fd),
    getBaudRate: () => calls.asyncGetBaudRate(fd),
    flush: () => calls.asyncFlush(fd),
    drain: () => calls.asyncDrain(fd),
    close: () => {
      poller.stop()
      return calls.asyncClose(fd)
    },
  }
}

function isUnix(port: SerialBindingPort | UnixPort): port is UnixPort {
  const { fd, poller } = port as Partial<UnixPort>
  return process.platform !== 'win32' && typeof fd === 'number' && typeof poller?.once === 'function'
}

class UnixPortTwin implements SerialBindingPort {
  readonly flushesSeparately = true
  private readonly port: UnixPort
  private readonly fd: number
  private baudRate: number
  /** On macOS nothing but a failing read or write says that a device is gone. */
  private readonly cannotAsk: boolean
  private closed = false
  /** Counted up by each flush of what is sent: a write that waits gives up what it has left. */
  private flushes = 0
  /** What was read before its turn. */
  private ahead: Uint8Array[] = []
  private wakeReader: (() => void) | undefined

  constructor(port: UnixPort, baudRate: number, cannotAsk: boolean) {
    this.port = port
    this.baudRate = baudRate
    this.fd = port.fd
    this.cannotAsk = cannotAsk
  }

  async read(buffer: Uint8Array, offset: number, length: number): Promise<{ readonly bytesRead: number }> {
    for (;;) {
      const [ahead] = this.ahead
      if (ahead !== undefined) {
        const part = ahead.subarray(0, length)
        buffer.set(part, offset)
        if (part.length === ahead.length) this.ahead.shift()
        else this.ahead[0] = ahead.subarray(part.length)
        return { bytesRead: part.length }
      }
      this.checkOpen()
      try {
        const bytesRead = readSync(this.fd, buffer, offset, length, null)
        if (bytesRead > 0) return { bytesRead }
      } catch (error) {
        if (!again(error)) throw error
        await this.readable()
        continue
      }
      if (!this.cannotAsk) await this.port.getBaudRate()
      await sleep(mostWaitMs)
    }
  }

  /** Says how much the system took: at once, as much as it can; then nothing waits for it that an abort could not account for. */
  async write(bytes: Uint8Array): Promise<number> {
    const { flushes } = this
    for (let waitMs = 1 / 8; flushes === this.flushes; waitMs = Math.min(2 * waitMs, mostWaitMs, (waitBytes * 10_000) / this.baudRate)) {
      this.checkOpen()
      try {
        return writeSync(this.fd, bytes)
      } catch (error) {
        if (!again(error)) throw error
      }
      await sleep(waitMs)
    }
    return 0
  }

  async update(options: { readonly baudRate: number }): Promise<void> {
    this.checkOpen()
    // The library discards what came and was not read.
    this.readAhead()
    await this.port.update(options)
    this.baudRate = options.baudRate
  }

  async set(signals: OutputSignals & { readonly brk: boolean }): Promise<void> {
    this.checkOpen()
    await this.port.set(signals)
  }

  async get(): Promise<InputSignals> {
    this.checkOpen()
    return this.port.get()
  }

  async drain(): Promise<void> {
    this.checkOpen()
    await this.port.drain()
  }

  async flush(direction: FlushDirection = 'both'): Promise<void> {
    this.checkOpen()
    if (direction !== 'in') this.flushes++
    // In that order: what comes in the instant between is lost.
    this.readAhead()
    if (direction !== 'out') this.ahead = []
    if (direction !== 'in') await this.port.flush()
  }

  close(): Promise<void> {
    this.closed = true
    return this.port.close()
  }

  private readAhead(): void {
    for (let bytes = 0; bytes < mostAheadBytes; ) {
      const piece = new Uint8Array(4096)
      let got = 0
      try {
        got = readSync(this.fd, piece)
      } catch {
        // Nothing there, or nobody: the reader will see.
      }
      if (got === 0) break
      this.ahead.push(piece.subarray(0, got))
      bytes += got
    }
    if (this.ahead.length > 0) this.wakeReader?.()
  }

  /** Resolves when the system has something, or what was read ahead is there. */
  private readable(): Promise<void> {
    // A poller of a closed port must not be asked: that ends the process.
    this.checkOpen()
    return new Promise((resolve, reject) => {
      this.wakeReader = resolve
      this.port.poller.once('readable', (error) => (error === null ? resolve() : reject(error)))
    })
  }

  /** The number of a closed descriptor may be that of another file by now. */
  private checkOpen(): void {
    if (this.closed) throw Object.assign(new Error('the port was closed'), { canceled: true })
  }
}

function again(error: unknown): boolean {
  return ['EAGAIN', 'EWOULDBLOCK', 'EINTR'].includes(String((error as NodeJS.ErrnoException).code))
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => (ms < 1 ? setImmediate(resolve) : setTimeout(resolve, ms)))
}
