/**
 * Theory of operation.
 *
 * A transport is two machines, each one variable. Open, closing and closed are derived from them.
 *
 *   read half    idle ⇄ idlePaused ──start──► flowing ⇄ paused ──► resuming ──► flowing ──► ended
 *                any ──close──► discarding ──► ended
 *   write half   open ⇄ held ──halfClose/close──► ending ──► ended          any ──write error──► broken
 *
 * `resuming` is the time between `resume()` and the microtask (the pump) that delivers what was held: what comes meanwhile queues up
 * behind it, so that delivery is never inside `resume()`, and pause-resume-pause in one turn is paused. `flowing` therefore means that
 * nothing is held, and the hot path asks for nothing else. What ends a connection waits behind what is held, in `pendingEof` and
 * `pendingLoss`. `cause` is set once, when the connection is over; `deliverLoss` follows from a clean stack.
 *
 * This class holds what every transport and layer has in common: starting, pausing, the order of events, the end. Subclasses say how
 * bytes go out (`accept`, `endWrites`, …) and where they come from (`setReading`). Fields are not `#private`: that costs 2 to 4 ns a layer.
 */
import { ConnectionError, ProtocolError, UsageError } from '../errors.ts'
import type { Producer } from '../flow.ts'
import type { Protocol } from '../protocol.ts'
import type { Cause, CloseReason } from '../reason.ts'
import type { Carries, CloseOptions, Data, Info, Side } from '../transport.ts'
import { byteLength } from './byte-length.ts'
import { cleanEnd } from './clean-end.ts'
import { afterTurn, soon } from './clock.ts'

/** The states of the read half. */
export type ReadHalf = 'idle' | 'idlePaused' | 'flowing' | 'paused' | 'resuming' | 'discarding' | 'ended'
/** The states of the write half. */
export type WriteHalf = 'open' | 'held' | 'ending' | 'ended' | 'broken'

const detached: CloseReason = Object.freeze({ kind: 'detached', unsentBytes: 0, unreadBytes: 0 })
/** The two causes of them, for subclasses. */
export const closedBy: { readonly local: Cause; readonly peer: Cause } = {
  local: Object.freeze({ kind: 'closed', by: 'local' }) as Cause,
  peer: Object.freeze({ kind: 'closed', by: 'peer' }) as Cause,
}
/** What transports and layers have in common. Extend `QueuedTransport` or `LayerTransport` rather than this. */
export abstract class TransportBase<C extends Carries> {
  abstract readonly carries: C['kind']
  abstract readonly info: Info
  abstract get queuedBytes(): number

  protected readHalf: ReadHalf = 'idle'
  protected writeHalf: WriteHalf = 'open'
  // `any`: the protocol takes `this`, whatever class that is; its type is checked where `start` is called.
  protected protocol: Protocol<C, any> | undefined
  /** Who ended first, once anybody has. */
  protected endedBy: 'local' | 'peer' | undefined
  protected pendingEof = false
  /** Paused when the end had been delivered: whoever takes over is told of that end when it resumes. */
  private pausedAtEnd = false
  protected pendingLoss: Cause | undefined
  /** Set once: it is over. */
  protected cause: Cause | undefined
  /** True in the turn in which a loss from outside became known: writes are dropped and counted, not refused. */
  protected dropping = false
  protected unsentBytes = 0
  protected unreadBytes = 0
  private reason: CloseReason | undefined
  /** Whom others took over from, and who do not know it yet. */
  private replaced: Protocol<C, any>[] | undefined
  private closedPromise: Promise<CloseReason> | undefined
  private resolveClosed: ((reason: CloseReason) => void) | undefined

  // ── what subclasses say ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Take data: the write half is open or held. Throws what `write` may throw, with nothing accepted. */
  protected abstract accept(data: Data): void
  /** Take several as one unit, all or none. */
  protected abstract acceptSequence(list: readonly Data[]): void
  /** The write half has just become `ending`, by `halfClose`: send what is queued, then the end. */
  protected abstract endWrites(): void
  /** The read half is `discarding` or `ended`, `close()` was called for the first time: stop the producer, send, end, settle. */
  protected abstract closeWrites(options: CloseOptions | undefined): void
  /** `close()` was called again. */
  protected abstract closeAgain(options: CloseOptions | undefined): void
  /** Hold the peer back, or no more. Never delivers inside the call. */
  protected abstract setReading(on: boolean): void
  /** The write half became `held`, or `open` again. */
  protected abstract setHold(on: boolean): void
  /** Deliver what is held while `canDeliver(protocol)`. Returns false to be called again in another turn. */
  protected abstract deliverHeld(): boolean
  /** Put bytes in front of everything that is held. */
  protected abstract unshift(bytes: Uint8Array): void
  /** Whether anything is held that a loss has to wait for. */
  protected abstract hasHeld(): boolean
  /** Forget what is held, and say how many bytes that were. */
  protected abstract dropHeld(): number
  /** The first `start`: begin. `connectionMade` has to be called, here or (a layer that opens) later. */
  protected abstract open(): void
  /** It is over (`cause` is set): free everything, and call `deliverLoss` later, from a clean stack. */
  protected abstract release(): void
  /** Report what a callback threw. */
  protected abstract report(error: unknown): void

  abstract register(producer: Producer): void
  abstract unregister(): void
  abstract drained(belowBytes?: number, signal?: AbortSignal): Promise<void>

  /** Whether nobody has started it yet. */
  get isIdle(): boolean {
    return this.readHalf === 'idle' || this.readHalf === 'idlePaused'
  }

  /** Whether `halfClose()` works: for who knows it without making `info`. */
  protected get halfCloses(): boolean {
    return this.info.halfCloses
  }

  // ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get closed(): Promise<CloseReason> {
    this.closedPromise ??=
      this.reason !== undefined
        ? Promise.resolve(this.reason)
        : new Promise((resolve) => {
            this.resolveClosed = resolve
          })
    return this.closedPromise
  }

  start(protocol: Protocol<C, this>, leftover?: Uint8Array): void {
    if (this.isClosing()) throw new UsageError('ERR_CLOSED', 'start() on a transport that is closing or closed')
    if (leftover !== undefined && leftover.length > 0 && this.carries === 'message') {
      throw new UsageError('ERR_UNSUPPORTED', 'a leftover has no meaning on a message transport: nothing is read there but whole messages')
    }
    const old = this.protocol
    this.protocol = protocol
    if (old === undefined) {
      this.readHalf = this.readHalf === 'idlePaused' ? 'paused' : 'flowing'
      // A loss before the start can have left something: it is delivered from a clean stack, like a leftover.
      if ((leftover !== undefined && leftover.length > 0) || this.pendingEof || this.pendingLoss !== undefined) this.handOver(leftover)
      this.open()
      return
    }
    // The detached notice comes first, then the leftover, then what else is held, then a loss: from whichever of these is due first.
    ;(this.replaced ??= []).push(old)
    soon(tellReplaced, this as unknown as Telling)
    this.handOver(leftover)
    this.announce()
  }

  write(data: Data): void {
    if (this.writeHalf === 'open' || this.writeHalf === 'held') this.accept(data)
    else this.refuse(data)
  }

  writeSequence(list: readonly Data[]): void {
    if (this.writeHalf === 'open' || this.writeHalf === 'held') this.acceptSequence(list)
    else if (list.length === 0) this.refuse('')
    else for (const data of list) this.refuse(data)
  }

  pause(side: Side = 'both'): void {
    if (this.readHalf === 'flowing') {
      this.readHalf = 'paused'
      this.setReading(false)
    } else if (this.readHalf === 'resuming') this.readHalf = 'paused'
    else if (this.readHalf === 'idle') this.readHalf = 'idlePaused'
    else if (this.readHalf === 'ended') this.pausedAtEnd = true
    if (side === 'both' && this.writeHalf === 'open') {
      this.writeHalf = 'held'
      this.setHold(true)
    }
  }

  resume(side: Side = 'both'): void {
    if (side === 'both' && this.writeHalf === 'held') {
      this.writeHalf = 'open'
      this.setHold(false)
    }
    if (this.readHalf === 'paused') {
      this.readHalf = 'resuming'
      this.schedulePump()
    } else if (this.readHalf === 'idlePaused') this.readHalf = 'idle'
    else this.pausedAtEnd = false
  }

  halfClose(): void {
    if (this.writeHalf !== 'open' && this.writeHalf !== 'held') return
    if (!this.halfCloses) throw new UsageError('ERR_UNSUPPORTED', 'this transport has no half-close')
    this.writeHalf = 'ending'
    this.endWrites()
  }

  close(options?: CloseOptions): void {
    if (this.cause !== undefined) return
    if (this.readHalf === 'discarding' || (this.readHalf === 'ended' && this.writeHalf === 'ending')) return this.closeAgain(options)
    this.endedBy ??= 'local'
    if (this.pendingLoss !== undefined) return this.finish(this.pendingLoss)
    if (this.readHalf !== 'ended') {
      this.unreadBytes += this.dropHeld()
      this.readHalf = this.pendingEof ? 'ended' : 'discarding'
      this.pendingEof = false
    }
    this.closeWrites(options)
  }

  abort(cause?: unknown): void {
    this.finish({ kind: 'aborted', error: new ConnectionError('ERR_ABORTED', 'aborted here', { cause }) })
  }

  /** For layers above: reports what a callback threw from there. */
  reportThrown(error: unknown): void {
    this.report(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  // ── for subclasses: deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether `protocol` may be given one more delivery: asked again after each. */
  protected canDeliver(protocol: Protocol<C, any> | undefined): boolean {
    return (this.readHalf === 'flowing' || this.readHalf === 'resuming') && this.protocol === protocol
  }

  /** Runs `connectionMade`. What it throws aborts. */
  protected announce(): void {
    try {
      this.protocol?.connectionMade?.(this)
    } catch (error) {
      this.protocolThrew(error)
    }
  }

  /** The peer's end came. Delivered now, or behind what is held. */
  protected receivedEof(): void {
    this.endedBy ??= 'peer'
    if (this.readHalf === 'flowing') this.deliverEof()
    else if (this.readHalf === 'discarding') {
      this.readHalf = 'ended'
      this.settle()
    } else if (this.readHalf !== 'ended') this.pendingEof = true
  }

  /** A loss from outside. Behind what is held, it waits, while the write half breaks at once. */
  protected lost(cause: Cause): void {
    if (this.cause !== undefined || this.pendingLoss !== undefined) return
    this.dropThisTurn()
    if (this.readHalf !== 'discarding' && (this.pendingEof || this.hasHeld())) {
      this.pendingLoss = cause
      this.breakWrites(cause)
    } else this.finish(cause)
  }

  /** The write half is broken: drop what is queued, stop the producer, reject the waiters. */
  protected abstract breakWrites(cause: Cause): void

  /** The protocol's method threw: one report, and the end, with kind `protocol`. */
  protected protocolThrew(error: unknown): void {
    try {
      this.report(error)
    } finally {
      this.finish({ kind: 'protocol', error: new ProtocolError('ERR_CALLBACK_THREW', 'a method of the protocol threw', { cause: error, side: 'local' }) })
    }
  }

  /** Both halves over: closed, in order. */
  protected settle(): void {
    if (this.readHalf === 'ended' && this.writeHalf === 'ended') this.finish(closedBy[this.endedBy ?? 'local'])
  }

  /** It is over, once. */
  protected finish(cause: Cause): void {
    if (this.cause !== undefined) return
    this.cause = cause
    this.readHalf = 'ended'
    if (this.writeHalf !== 'broken') this.writeHalf = 'ended'
    this.unreadBytes += this.dropHeld()
    this.release()
  }

  /** `deliverLoss` from a clean stack; where there is nobody to tell, at once. */
  protected deliverLossSoon(): void {
    if (this.protocol === undefined && this.resolveClosed === undefined && !this.dropping) this.deliverLoss()
    else soon(deliverLoss, this as unknown as Losing)
  }

  /** The protocol's last call, and `closed`. From a clean stack. */
  protected deliverLoss(below?: CloseReason): void {
    if (this.reason !== undefined || this.cause === undefined) return
    this.tellReplaced()
    this.reason = this.makeReason(this.cause, below)
    this.dropping = false
    const protocol = this.protocol
    this.protocol = undefined
    try {
      protocol?.connectionLost?.(this.reason)
    } catch (error) {
      this.report(error)
    } finally {
      this.resolveClosed?.(this.reason)
    }
  }

  /** The reason that the protocol is told. A subclass may add what it alone knows. */
  protected makeReason(cause: Cause, below: CloseReason | undefined): CloseReason {
    const { unsentBytes, unreadBytes } = this
    if (cause.kind === 'closed' && unsentBytes === 0 && unreadBytes === 0) return cleanEnd(cause.by, below)
    if (below !== undefined) return Object.freeze({ ...cause, unsentBytes: unsentBytes + below.unsentBytes, unreadBytes: unreadBytes + below.unreadBytes, below })
    return Object.freeze({ ...cause, unsentBytes, unreadBytes })
  }

  /** Both halves are over, or on their way, by our own doing. */
  protected isClosing(): boolean {
    return (this.readHalf === 'discarding' || this.readHalf === 'ended') && this.writeHalf !== 'open' && this.writeHalf !== 'held'
  }

  /** Delivers what is held, then what waited behind it, then lets the peer go on. */
  protected pump(): void {
    this.tellReplaced()
    if (this.readHalf !== 'resuming') return
    const { protocol } = this
    let done: boolean
    try {
      done = this.deliverHeld()
    } catch (error) {
      this.protocolThrew(error)
      return
    }
    // Replaced meanwhile: the pump that `handOver` asked for goes on, and what waits behind the data must not overtake them.
    if (this.readHalf !== 'resuming' || this.protocol !== protocol) return
    if (!done) return afterTurn(() => this.pump())
    this.readHalf = 'flowing'
    if (this.pendingEof) {
      this.pendingEof = false
      this.deliverEof()
    } else if (this.pendingLoss === undefined) this.setReading(true)
    if (this.pendingLoss !== undefined) this.finish(this.pendingLoss)
  }

  protected deliverEof(): void {
    this.readHalf = 'ended'
    const protocol = this.protocol
    try {
      if (protocol?.eofReceived !== undefined) protocol.eofReceived()
      else this.close()
    } catch (error) {
      this.protocolThrew(error)
      return
    }
    this.settle()
  }

  /** Why a write is refused. */
  protected refusal(): UsageError {
    if (this.cause?.kind === 'detached') return new UsageError('ERR_DETACHED', 'another protocol has taken over')
    if (this.cause !== undefined || this.isClosing()) {
      return new UsageError('ERR_CLOSED', 'the transport is closing or closed', { cause: this.cause !== undefined && 'error' in this.cause ? this.cause.error : undefined })
    }
    return this.writeHalf === 'broken'
      ? new UsageError('ERR_WRITE_BROKEN', 'the peer takes no more data')
      : new UsageError('ERR_HALF_CLOSED', 'the write half was ended by halfClose()')
  }

  /** Until this turn is over, writes are dropped and counted, for a writer cannot have known. */
  protected dropThisTurn(): void {
    this.dropping = true
    afterTurn(() => {
      this.dropping = false
    })
  }

  private refuse(data: Data): void {
    if (!this.dropping) throw this.refusal()
    this.unsentBytes += byteLength(data)
  }

  /** The last call of protocols that others took over from. From a clean stack. */
  protected tellReplaced(): void {
    const { replaced } = this
    if (replaced === undefined) return
    this.replaced = undefined
    for (const old of replaced) {
      try {
        old.connectionLost?.(detached)
      } catch (error) {
        this.report(error)
      }
    }
  }

  private schedulePump(): void {
    soon(pump, this as unknown as { pump(): void })
  }

  /** Another protocol takes over: what is held, `leftover` first, is delivered in a microtask; so is an end that was delivered before. */
  private handOver(leftover: Uint8Array | undefined): void {
    if (leftover !== undefined && leftover.length > 0) this.unshift(leftover)
    if (this.readHalf === 'ended') {
      this.pendingEof = true
      this.readHalf = this.pausedAtEnd ? 'paused' : 'resuming'
      this.pausedAtEnd = false
    }
    if (this.readHalf === 'flowing') {
      this.setReading(false)
      this.readHalf = 'resuming'
    }
    if (this.readHalf === 'resuming') this.schedulePump()
  }
}

/** What the functions below call, for `soon`, which takes no closure. It is protected in the class, and theirs all the same: hence the casts. */
interface Losing {
  deliverLoss(): void
}

interface Telling {
  tellReplaced(): void
}

function tellReplaced(transport: Telling): void {
  transport.tellReplaced()
}

function deliverLoss(transport: Losing): void {
  transport.deliverLoss()
}

function pump(transport: { pump(): void }): void {
  transport.pump()
}
