import { ConnectionError, isAsyncError } from '@async/core'
import type { Cause, CloseReason, Info, Producer, Protocol, Stream, StreamTransport } from '@async/core'
import { soon, writeCounted } from '@async/core/base'
import type { HttpConnection } from './connection.ts'
import type { HttpEvent } from './events.ts'
import type { Exchange, ExchangeHost } from './exchange.ts'

/** Ends of messages that come while a read is dealt with leave behind it in one write, unless so much has gathered: characters, or bytes. */
const gatherBytes = 16 * 1024

/**
 * Ties a machine to a transport: what server and client have in common. One exchange at a time is on it. Its machine is asked for the next
 * event only while that exchange takes data, so that a paused exchange is paused strictly; what the transport delivers meanwhile waits
 * in the machine, and at `maxPipelinedBytes` of that the transport is paused too. The other way round the shell is the producer that the
 * transport below paces, and the exchange hands over while that is not paused.
 */
export abstract class Shell implements Protocol<Stream, StreamTransport>, ExchangeHost, Producer {
  below!: StreamTransport
  readonly machine: HttpConnection
  full = false
  /** `mute`: what is below takes no more, but still gives. `closing`: it was told to end, by us. `given`: it is another protocol's. */
  protected phase: 'open' | 'mute' | 'closing' | 'given' | 'over' = 'open'
  protected exchange: Exchange | undefined
  private madeInfo: Info | undefined
  private belowPaused = false
  private pullScheduled = false
  private pulling = false

  constructor(machine: HttpConnection) {
    this.machine = machine
  }

  /** Something happened on the wire. */
  protected abstract handle(event: HttpEvent): void
  /** The peer broke the protocol, a limit, or ended in mid-message. */
  protected abstract broken(error: unknown): void
  /** The connection is lost; an exchange that was on it has been told. */
  protected abstract lost(reason: CloseReason): void
  abstract exchangeOver(exchange: Exchange, cause: Cause): void

  /** Made when somebody asks, which few do: it weighs as much as the rest of a connection. */
  get info(): Info {
    return (this.madeInfo ??= exchangeInfo(this.below.info))
  }

  // ── Protocol ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  connectionMade(below: StreamTransport): void {
    this.below = below
    below.register(this)
  }

  dataReceived(data: Uint8Array): void {
    if (!this.isReading()) return
    this.machine.receiveData(data)
    this.pull()
  }

  eofReceived(): void {
    if (!this.isReading()) return
    this.machine.receiveEof()
    this.pull()
  }

  connectionLost(reason: CloseReason): void {
    const { exchange, machine } = this
    const wasReading = this.isReading()
    this.phase = 'over'
    if (exchange !== undefined) {
      if (wasReading) this.drainTo(exchange)
      this.exchange = undefined
      const cause: Cause = 'error' in reason
        ? { kind: reason.kind, error: reason.error }
        : { kind: 'truncated', error: new ConnectionError('ERR_TRUNCATED', 'the connection was closed in the middle of the exchange') }
      const { theirState } = machine
      if (theirState === 'idle' || theirState === 'head' || theirState === 'body' || theirState === 'error') exchange.connectionFailed(cause)
      else exchange.connectionBroke(cause)
    }
    this.lost(reason)
  }

  // ── Producer, for the transport below ────────────────────────────────────────────────────────────────────────────────────────────

  halfRegister(): void {}

  pause(): void {
    this.full = true
  }

  resume(): void {
    this.full = false
    this.exchange?.writable()
  }

  stop(): void {
    this.full = true
    if (this.phase !== 'open') return
    this.phase = 'mute'
    this.exchange?.connectionBroke({ kind: 'reset', error: new ConnectionError('ERR_RESET', 'the peer takes no more data') })
  }

  // ── ExchangeHost ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  pullLater(): void {
    if (this.pullScheduled) return
    this.pullScheduled = true
    soon(pullScheduled, this)
  }

  flush(): void {
    const { outputBytes } = this.machine
    const output = this.machine.takeOutput()
    if (output.length === 0 || this.phase === 'over') return
    try {
      const first = output[0]!
      if (output.length > 1) this.below.writeSequence(output)
      else if (typeof first === 'string') writeCounted(this.below, first, outputBytes)
      else this.below.write(first)
    } catch (error) {
      // The transport below ended, and its `connectionLost` is on its way; or a queue that is smaller than a portion is full.
      if (!isAsyncError(error, 'ERR_WRITE_QUEUE_FULL')) return
      this.phase = 'closing'
      this.below.abort(error)
    }
  }

  flushEnd(): void {
    if (!this.pulling || this.machine.outputBytes >= gatherBytes) this.flush()
  }

  /** For `pullLater` alone. */
  pullNow(): void {
    this.pullScheduled = false
    this.pull()
  }

  // ── for subclasses ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes what the machine has for us, as far as it is wanted. From a clean stack. */
  protected pull(): void {
    this.pulling = true
    while (this.isReading() && (this.machine.theirState !== 'body' || this.exchange?.reads === true)) {
      let event: HttpEvent | undefined
      try {
        event = this.machine.nextEvent()
      } catch (error) {
        this.broken(error)
        break
      }
      if (event === undefined) break
      if (event.type === 'end' && this.exchange !== undefined) this.exchange.trailers = event.trailers
      this.handle(event)
    }
    this.pulling = false
    if (this.machine.outputBytes > 0) this.flush()
    if (this.isReading()) this.pace()
  }

  /** Whether what came is being dealt with: it is gone on with, and what ends meanwhile leaves, behind the present event. */
  protected get isPulling(): boolean {
    return this.pulling
  }

  /**
   * Lets go of the transport below, which another protocol takes over: nothing is delivered until that is started, whoever pauses and resumes it
   * before. (It cannot be started before this returns, and a protocol that pauses when it is started has to stay paused: hence the detours.)
   */
  protected giveBelow(): StreamTransport {
    const { below } = this
    this.phase = 'given'
    below.unregister()
    below.pause('read')
    const given: Partial<Pick<StreamTransport, 'start' | 'pause' | 'resume'>> = below
    const { pause, resume } = below
    let paused = false
    given.pause = (side) => {
      paused = true
      pause.call(below, side)
    }
    given.resume = (side) => {
      paused = false
      resume.call(below, side)
      pause.call(below, 'read')
    }
    given.start = (protocol, leftover) => {
      delete given.start
      delete given.pause
      delete given.resume
      if (!paused) below.resume('read')
      below.start(protocol, leftover)
    }
    return below
  }

  /** In order: what is queued is sent, then the end, and what comes is read and dropped for a while. */
  protected closeBelow(): void {
    if (!this.isReading()) return
    if (this.machine.outputBytes > 0) this.flush()
    this.phase = 'closing'
    this.below.close()
  }

  /** After an exchange that ended in order. If that was because it had waited for the peer's end for long enough, nobody waits again. */
  protected endBelow(): void {
    const { theirState } = this.machine
    const waited = theirState === 'body' || theirState === 'head'
    if (waited && this.phase === 'open' && this.below.queuedBytes === 0) {
      this.phase = 'closing'
      this.below.abort()
    } else this.closeBelow()
  }

  /** At once: the peer must not take what it got for the whole. (When mute, somebody else ends it, who may have more to send.) */
  protected abortBelow(cause: Cause): void {
    if (this.phase === 'mute') return this.closeBelow()
    if (this.phase === 'over') return
    this.phase = 'closing'
    this.below.abort('error' in cause ? cause.error : undefined)
  }

  protected isReading(): boolean {
    return this.phase === 'open' || this.phase === 'mute'
  }

  /** What ended an exchange when the machine threw `error`. */
  protected causeOf(error: unknown): Cause {
    if (isAsyncError(error, 'ERR_HTTP_TRUNCATED')) {
      return { kind: 'truncated', error: new ConnectionError('ERR_TRUNCATED', error.message, { cause: error }) }
    }
    return { kind: (error as Error).name === 'LimitError' ? 'limit' : 'protocol', error: error as Error }
  }

  /** The last of the other body, to an exchange that will hear nothing more. */
  private drainTo(exchange: Exchange): void {
    try {
      while (this.machine.theirState === 'body') {
        const event = this.machine.nextEvent()
        if (event?.type === 'data') exchange.bodyReceived(event.data)
        else if (event?.type === 'end') exchange.bodyEnded()
        else break
      }
    } catch {
      // What was lost was bad as well. The loss is what is told.
    }
  }

  /** Reads on, or not: by how much waits in the machine. */
  protected pace(): void {
    const pause = this.machine.heldBytes >= this.machine.limits.maxPipelinedBytes
    if (pause === this.belowPaused) return
    this.belowPaused = pause
    if (pause) this.below.pause('read')
    else this.below.resume('read')
  }
}

function pullScheduled(shell: Shell): void {
  shell.pullNow()
}

function exchangeInfo(below: Info): Info {
  return Object.create(below, { below: { value: below, enumerable: true }, halfCloses: { value: true, enumerable: true } }) as Info
}
