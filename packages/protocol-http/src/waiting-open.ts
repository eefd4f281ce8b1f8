import type { ClientConnection } from './client-connection.ts'
import type { ClientExchange } from './client-exchange.ts'
import { type PoolPolicy, totalTimeout } from './client-policy.ts'
import type { RequestTemplate } from './client-request.ts'

/** Somebody who waits for a connection. */
export interface Waiter {
  /** Whether a place behind others on a connection will do. */
  readonly mayFollow: boolean
  /** The exchange, if it has begun on another connection. */
  readonly exchange: ClientExchange | undefined
  serve(connection: ClientConnection, behind: boolean): void
  reject(error: unknown): void
  /** Nobody has to tell it any more. */
  forget(): void
}

/** Where it waits. */
interface WaitingRoom {
  readonly policy: PoolPolicy
  giveUp(waiter: Waiter): void
}

/** What is waited for, by whom. */
interface Asked {
  readonly template: RequestTemplate
  /** When all of the exchange has to be over. */
  readonly dueMs: number
  readonly mayFollow: boolean
  readonly signal: AbortSignal | undefined
  readonly resolve: (exchange: ClientExchange) => void
  readonly reject: (error: unknown) => void
}

/** An exchange that has not begun, until it has a connection, its signal aborts, or its time is over. */
export class WaitingOpen implements Waiter {
  readonly exchange = undefined
  private readonly room: WaitingRoom
  private readonly asked: Asked
  private readonly onAbort: (() => void) | undefined
  private readonly timer: unknown

  constructor(room: WaitingRoom, asked: Asked) {
    this.room = room
    this.asked = asked
    const { signal } = asked
    if (signal !== undefined) signal.addEventListener('abort', (this.onAbort = () => this.leave(signal.reason)))
    const { totalTimeoutMs, transport } = room.policy
    if (totalTimeoutMs !== Infinity) this.timer = transport.clock.setTimer(() => this.leave(totalTimeout(totalTimeoutMs)), totalTimeoutMs)
  }

  get mayFollow(): boolean {
    return this.asked.mayFollow
  }

  serve(connection: ClientConnection, behind: boolean): void {
    const { template, dueMs, resolve } = this.asked
    resolve(behind ? connection.openBehind(template, dueMs) : connection.open(template, dueMs))
  }

  reject(error: unknown): void {
    this.asked.reject(error)
  }

  forget(): void {
    if (this.onAbort !== undefined) this.asked.signal?.removeEventListener('abort', this.onAbort)
    if (this.timer !== undefined) this.room.policy.transport.clock.clearTimer(this.timer)
  }

  private leave(error: unknown): void {
    this.forget()
    this.reject(error)
    this.room.giveUp(this)
  }
}
