import { LimitError, UsageError } from '../errors.ts'
import type { Producer } from '../flow.ts'
import type { Data } from '../transport.ts'
import { byteLength } from './byte-length.ts'
import type { TransportPolicy } from './options.ts'

interface Waiter {
  readonly belowBytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  readonly signal: AbortSignal | undefined
  readonly onAbort: (() => void) | undefined
}

/** Whose queue it is. */
export interface QueueOwner {
  /** A method of the producer threw: the transport aborts. */
  producerThrew(error: unknown): void
}

/**
 * What was written and is not yet with the OS: watermarks for the producer, a hard cap for everybody, waiters for `drained`.
 * Bytes count from `push` until `sent`, so those in flight are among them.
 */
export class WriteQueue {
  /** Bytes queued and in flight. */
  bytes = 0
  private items: Data[] | undefined
  private full = false
  /** The high-water mark, as it stands now. */
  private markBytes: number
  private producer: Producer | undefined
  private waiters: Waiter[] | undefined
  private readonly policy: TransportPolicy
  private readonly owner: QueueOwner

  constructor(policy: TransportPolicy, owner: QueueOwner) {
    this.policy = policy
    this.owner = owner
    this.markBytes = policy.highWaterMarkBytes
  }

  /** Whether there is anything to take. */
  get isEmpty(): boolean {
    return this.items === undefined
  }

  /** Queues one piece. @throws LimitError `ERR_WRITE_QUEUE_FULL`, with nothing queued. */
  push(data: Data): void {
    const bytes = byteLength(data)
    this.reserve(bytes)
    // The rule is one piece: an array that is made with it is a third of one that grows.
    if (this.items === undefined) this.items = [data]
    else this.items.push(data)
    this.added(bytes)
  }

  /** Queues several pieces, all or none. */
  pushSequence(list: readonly Data[]): void {
    let bytes = 0
    for (const data of list) bytes += byteLength(data)
    this.reserve(bytes)
    for (const data of list) (this.items ??= []).push(data)
    this.added(bytes)
  }

  /** Everything queued, to be handed to the OS. The caller says `sent` when the OS has it. */
  take(): Data[] {
    const batch = this.items ?? []
    this.items = undefined
    return batch
  }

  /**
   * How a batch was taken, said before it is `sent`. Where one that fills the queue was taken at once, the next may be twice the size, and half of it where it had
   * to wait: fewer calls carry as much, and what a slow peer makes us hold stays what it was. (F6)
   */
  taken(atOnce: boolean): void {
    if (!atOnce) this.markBytes = Math.max(this.policy.highWaterMarkBytes, this.markBytes / 2)
    else if (this.full) this.markBytes = Math.min(this.policy.maxHighWaterMarkBytes, this.markBytes * 2)
  }

  /** The OS has `bytes` more. The producer may be resumed, and waiters resolved. From a clean stack. */
  sent(bytes: number): void {
    this.bytes -= bytes
    this.policy.memoryBudget?.change(-bytes)
    this.drain()
  }

  /** Resolves and resumes what the present fill allows: waiters first, for the producer may fill it again at once, each time, and they would wait for ever. */
  private drain(): void {
    if (this.waiters !== undefined) this.resolveWaiters()
    if (!this.full || this.bytes > this.policy.lowWaterMarkBytes) return
    this.full = false
    if (this.producer !== undefined) this.tell('resume')
  }

  private resolveWaiters(): void {
    const waiting = this.waiters!.filter((waiter) => this.bytes > waiter.belowBytes)
    if (waiting.length === this.waiters!.length) return
    const ready = this.waiters!.filter((waiter) => this.bytes <= waiter.belowBytes)
    this.waiters = waiting.length > 0 ? waiting : undefined
    for (const waiter of ready) {
      detach(waiter)
      waiter.resolve()
    }
  }

  /** Forgets all that is queued or in flight, and says how many bytes that were. */
  drop(): number {
    const dropped = this.bytes
    this.bytes = 0
    this.items = undefined
    if (dropped > 0) this.policy.memoryBudget?.change(-dropped)
    return dropped
  }

  /** Whether a producer is registered. */
  get hasProducer(): boolean {
    return this.producer !== undefined
  }

  /** Registers, after `halfRegister`. Pauses at once when full. */
  setProducer(producer: Producer): void {
    this.producer = producer
    if (this.full) this.tell('pause')
  }

  /** Forgets the producer without a call. */
  unsetProducer(): void {
    this.producer = undefined
  }

  /** Stops the producer for good. */
  stopProducer(): void {
    const producer = this.producer
    this.producer = undefined
    try {
      producer?.stop()
    } catch (error) {
      this.owner.producerThrew(error)
    }
  }

  /** Resolves when at most `belowBytes` are queued. */
  drained(belowBytes: number = this.policy.lowWaterMarkBytes, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (!(belowBytes >= 0)) return Promise.reject(new UsageError('ERR_INVALID_ARGUMENT', `belowBytes is ${belowBytes}; it takes a number from 0`))
    if (this.bytes <= belowBytes) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const onAbort = signal === undefined ? undefined : () => {
        this.waiters = this.waiters?.filter((other) => other !== waiter)
        detach(waiter)
        reject(signal.reason)
      }
      const waiter: Waiter = { belowBytes, resolve, reject, signal, onAbort }
      if (onAbort !== undefined) signal?.addEventListener('abort', onAbort)
      ;(this.waiters ??= []).push(waiter)
    })
  }

  /** Whether anybody waits: an Error to reject with costs more than all else at a clean end. */
  get hasWaiters(): boolean {
    return this.waiters !== undefined
  }

  /** Rejects every waiter. */
  rejectWaiters(error: unknown): void {
    const waiters = this.waiters ?? []
    this.waiters = undefined
    for (const waiter of waiters) {
      detach(waiter)
      waiter.reject(error)
    }
  }

  private reserve(bytes: number): void {
    if (this.bytes + bytes > this.policy.maxQueuedBytes) {
      throw new LimitError('ERR_WRITE_QUEUE_FULL', { limit: 'maxQueuedBytes', allowed: this.policy.maxQueuedBytes, actual: this.bytes + bytes, unit: 'bytes' })
    }
    this.bytes += bytes
  }

  private added(bytes: number): void {
    this.policy.memoryBudget?.change(bytes)
    if (!this.full && this.bytes > this.markBytes) {
      this.full = true
      if (this.producer !== undefined) this.tell('pause')
    }
  }

  private tell(what: 'pause' | 'resume'): void {
    try {
      this.producer?.[what]()
    } catch (error) {
      this.owner.producerThrew(error)
    }
  }
}

function detach(waiter: Waiter): void {
  if (waiter.onAbort !== undefined) waiter.signal?.removeEventListener('abort', waiter.onAbort)
}
