import type { CloseOptions, CloseReason, Info } from '@async/core'
import { attempted } from './caller.ts'
import type { BatchEntry } from './caller.ts'
import type { CallOptions } from './calls.ts'
import type { Params } from './messages.ts'
import type { Outcome } from './method-types.ts'
import type { Peer } from './peer.ts'

/** Who is told that a handler waits. */
export interface OrderedOwner {
  handlerWaits(): void
  handlerGoesOn(): void
}

/** The peer as the handler of one request sees it, where they run in order: its calls are told from the application's. */
export class OrderedPeer implements Peer {
  private readonly peer: Peer
  private readonly owner: OrderedOwner
  private waitingCalls = 0
  private isOver = false

  constructor(peer: Peer, owner: OrderedOwner) {
    this.peer = peer
    this.owner = owner
  }

  /** The handler is done: calls that it did not wait for let nobody start. */
  handlerOver(): void {
    this.isOver = true
    if (this.waitingCalls > 0) this.owner.handlerGoesOn()
  }

  get info(): Info {
    return this.peer.info
  }

  get pendingCalls(): number {
    return this.peer.pendingCalls
  }

  get closed(): Promise<CloseReason> {
    return this.peer.closed
  }

  call(method: string, params?: Params, options?: CallOptions): Promise<any> {
    return this.waiting(this.peer.call(method, params, options))
  }

  attempt(method: string, params?: Params, options?: CallOptions): Promise<Outcome<any>> {
    return attempted(this.call(method, params, options))
  }

  notify(method: string, params?: Params): void {
    this.peer.notify(method, params)
  }

  batch(entries: readonly BatchEntry[], options?: CallOptions): any {
    const results: readonly Promise<unknown>[] = this.peer.batch(entries, options)
    void this.waiting(Promise.allSettled(results))
    return results
  }

  drained(belowBytes?: number, signal?: AbortSignal): Promise<void> {
    return this.peer.drained(belowBytes, signal)
  }

  close(options?: CloseOptions): void {
    this.peer.close(options)
  }

  abort(cause?: unknown): void {
    this.peer.abort(cause)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.peer[Symbol.asyncDispose]()
  }

  private waiting<T>(call: Promise<T>): Promise<T> {
    if (this.waitingCalls++ === 0 && !this.isOver) this.owner.handlerWaits()
    const goOn = (): void => {
      if (--this.waitingCalls === 0 && !this.isOver) this.owner.handlerGoesOn()
    }
    call.then(goOn, goOn)
    return call
  }
}
