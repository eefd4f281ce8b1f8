import type { Data } from '@async/core'
import { byteLength } from '@async/core/base'
import { Exchange, type ExchangeHost } from './exchange.ts'
import { portionBytes, portionPieces } from './handing.ts'
import { headDue } from './head-due.ts'

/** What an exchange that may be behind others asks of the connection that it is on. */
export interface TurnHost extends ExchangeHost {
  /** Whether the request may be sent before its turn. If so, the machine is ready for it. */
  beginAhead(exchange: ExchangeInTurn): boolean
  /** A request is complete. */
  requestSent(): void
}

/**
 * An exchange that may be behind others on its connection: pipelined. Its response comes behind theirs. Its request goes ahead at once if
 * it can be sent again: it is complete without a body, or with one that is small and may be kept; any other waits, its bytes in the exchange's own queue, until those
 * before it are over.
 */
export abstract class ExchangeInTurn extends Exchange {
  /** Whether it waits for its turn. */
  isBehind: boolean
  /** Whether its request was sent before its turn, and not again since. */
  isAhead = false
  /** Whether it has been sent a second time, on another connection: once is enough. */
  protected isSentAgain = false
  protected declare host: TurnHost
  /** Whether its body may be kept, and run twice. */
  protected abstract readonly keepsBody: boolean
  private isSent = false
  /** The body that went ahead. */
  private kept: readonly Data[] | undefined
  private waiting: Data[] | undefined
  private endWaits = false

  constructor(host: TurnHost, policy: ConstructorParameters<typeof Exchange>[1], isBehind: boolean) {
    super(host, policy)
    this.isBehind = isBehind
  }

  get headSent(): boolean {
    return this.isSent
  }

  /** Those before it are over. From a clean stack. */
  turnCame(): void {
    this.isBehind = false
    if (this.isSent) return
    this.sendWaiting()
    if (this.endWaits) super.sendEnd()
    else headDue(this)
  }

  /** It goes to another connection, first in line there. What was sent is sent again. From a clean stack. */
  moveTo(host: TurnHost): void {
    this.host = host
    this.isAhead = false
    if (this.isSent) {
      this.isSentAgain = true
      const { kept = [] } = this
      this.sendHead(kept.reduce((bytes, data) => bytes + byteLength(data), 0))
      host.machine.sendPieces(kept)
      host.machine.sendEnd()
      host.flush()
    }
    this.turnCame()
  }

  override flushHead(): void {
    if (!this.isBehind) super.flushHead()
  }

  protected override send(batch: Data[], bytes: number): void {
    if (this.isBehind && !this.takesAhead(batch, bytes)) this.waiting = batch
    else super.send(batch, bytes)
  }

  protected override sendEnd(): void {
    if (this.isBehind && !this.goesAhead()) this.endWaits = true
    else super.sendEnd()
  }

  protected override endSent(): void {
    super.endSent()
    this.host.requestSent()
  }

  protected override released(): void {
    super.released()
    if (!this.isBehind) this.sendWaiting()
  }

  /** Subclasses call it when they sent the head. */
  protected noteSent(): void {
    this.isSent = true
  }

  /** All of a body that is small enough is kept; bytes as a copy, for they are their writer's again when they were sent. */
  private takesAhead(batch: readonly Data[], bytes: number): boolean {
    if (!this.keepsBody || this.writeHalf !== 'ending' || bytes > portionBytes || batch.length > portionPieces || !this.goesAhead()) return false
    this.kept = batch.map((data) => (typeof data === 'string' ? data : new Uint8Array(data)))
    return true
  }

  private goesAhead(): boolean {
    if (this.sendsTrailers || !this.host.beginAhead(this)) return false
    this.isAhead = true
    return true
  }

  private sendWaiting(): void {
    const { waiting } = this
    if (waiting === undefined || this.writeHalf === 'held') return
    this.waiting = undefined
    // What was written since counts in the length, if the body is complete by now.
    super.send([...waiting, ...this.queue.take()], this.queue.bytes)
  }
}
