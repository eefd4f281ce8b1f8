/**
 * What leaves, in order: pieces of data, and operations between them (drain, a change of the rate, a break, closing). An operation has a place
 * in the stream of bytes, runs once everything before it is on the wire, and holds back what comes after it until it is done.
 *
 * Data go to the port in small pieces, so that a flush, an abort and the count of unsent bytes need not wait for a big one.
 */
import { ConnectionError, type Data } from '@async/core'
import { type Clock, toBytes } from '@async/core/base'
import type { SerialBindingPort } from './binding.ts'
import { forBinding } from './bytes.ts'
import { goneError } from './errors.ts'

/** A tty's own buffer on Linux. */
const pieceBytes = 4096

/** Who hears of it. */
export interface OutgoingOwner {
  /** The port has `bytes` more; `done`: and with them all of the batch. */
  settled(bytes: number, done: boolean): void
  /** `bytes` that were handed to the port, and that it did not take, will not be sent: they were flushed. */
  dropped(bytes: number): void
  /** The device failed. */
  failed(error: unknown): void
}

/** How long an operation waits for its turn. */
export interface OperationOptions {
  /** Milliseconds until everything before it must be on the wire. */
  readonly timeoutMs: number
  /** Gives it up, as long as it has not begun to act. */
  readonly signal?: AbortSignal | undefined
}

interface Operation {
  /** It comes behind this many bytes. */
  readonly at: number
  readonly act: () => Promise<void>
  readonly succeed: () => void
  readonly fail: (error: unknown) => void
  state: 'waiting' | 'draining' | 'acting' | 'over'
}

/** The way out of one port. */
export class Outgoing {
  /** Bytes that left, or were dropped, since the beginning. */
  settledBytes = 0
  private readonly port: SerialBindingPort
  private readonly path: string
  private readonly clock: Clock
  private readonly owner: OutgoingOwner
  private batch: Data[] = []
  private operations: Operation[] = []
  /** A piece, or an operation, has its turn. */
  private busy = false
  private writing: Promise<void> | undefined
  /** What is left of the piece that is on its way was flushed. */
  private dropsRest = false
  /** One at a time: on Unix each takes a thread of the process, and may take it for long. */
  private lastDrain: Promise<unknown> = Promise.resolve()
  private running: Operation | undefined
  private lossOf: Error | undefined

  constructor(port: SerialBindingPort, path: string, clock: Clock, owner: OutgoingOwner) {
    this.port = port
    this.path = path
    this.clock = clock
    this.owner = owner
  }

  /** Resolves when the piece that is on its way, if any, has arrived. */
  get onItsWay(): Promise<void> | undefined {
    return this.writing
  }

  /** Sends these next. The previous batch is through. */
  send(batch: Data[]): void {
    this.batch = batch
    this.next()
  }

  /** Forgets what the port was not given yet, and gives it back; what it does not take of the piece that is on its way is forgotten later. */
  dropBatch(): Data[] {
    this.dropsRest = this.writing !== undefined
    return this.batch.splice(0)
  }

  /** `bytes` of the stream will not come. */
  skip(bytes: number): void {
    this.settledBytes += bytes
    this.owner.settled(bytes, this.batch.length === 0 && this.writing === undefined)
    this.next()
  }

  /**
   * Acts once the first `at` bytes of the stream are on the wire.
   * @throws (rejects) ConnectionError `ERR_DRAIN_TIMEOUT`; `signal.reason`; what `act` throws; the reason of the loss.
   */
  operate(at: number, act: () => Promise<void>, options: OperationOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const { timeoutMs, signal } = options
      if (signal?.aborted === true) return reject(signal.reason)
      const giveUp = (error: unknown): void => {
        if (operation.state === 'acting') return
        const hadTurn = operation.state === 'draining'
        operation.fail(error)
        this.operations = this.operations.filter((other) => other !== operation)
        if (hadTurn) this.turnOver()
      }
      const aborted = (): void => giveUp(signal?.reason)
      const timer = timeoutMs === Infinity ? undefined : this.clock.setTimer(() => {
        giveUp(new ConnectionError('ERR_DRAIN_TIMEOUT', `${this.path}: what was written before is not on the wire after ${timeoutMs} ms`))
      }, timeoutMs)
      const settle = (how: () => void) => (): void => {
        operation.state = 'over'
        if (timer !== undefined) this.clock.clearTimer(timer)
        signal?.removeEventListener('abort', aborted)
        how()
      }
      const operation: Operation = { at, act, succeed: settle(resolve), fail: (error) => settle(() => reject(error))(), state: 'waiting' }
      signal?.addEventListener('abort', aborted)
      this.operations.push(operation)
      this.next()
    })
  }

  /** It is over: nothing leaves any more, and who waits is told `error`. */
  end(error: Error): void {
    this.lossOf = error
    this.batch = []
    for (const operation of this.operations.splice(0)) operation.fail(error)
    this.running?.fail(error)
  }

  private next(): void {
    if (this.busy || this.lossOf !== undefined) return
    const [operation] = this.operations
    const room = operation === undefined ? Infinity : operation.at - this.settledBytes
    if (operation !== undefined && room <= 0) {
      this.operations.shift()
      this.busy = true
      void this.run(operation)
    } else if (this.batch.length > 0) this.write(this.takePiece(Math.min(pieceBytes, room)))
  }

  private write(piece: Uint8Array): void {
    this.busy = true
    this.writing = this.port.write(forBinding(piece)).then(
      (count) => {
        this.writing = undefined
        if (this.lossOf !== undefined) return
        this.busy = false
        const rest = piece.length - (count ?? piece.length)
        const settled = this.dropsRest ? piece.length : piece.length - rest
        if (rest > 0 && this.dropsRest) this.owner.dropped(rest)
        else if (rest > 0) this.batch.unshift(piece.subarray(piece.length - rest))
        this.dropsRest = false
        this.settledBytes += settled
        this.owner.settled(settled, this.batch.length === 0)
        this.next()
      },
      (error: unknown) => {
        this.writing = undefined
        if (this.lossOf === undefined) this.owner.failed(error)
      },
    )
  }

  private async run(operation: Operation): Promise<void> {
    this.running = operation
    operation.state = 'draining'
    try {
      await this.drainPort()
    } catch (error) {
      if (!isOver(operation)) operation.fail(goneError(error, this.path))
      if (this.lossOf === undefined) this.owner.failed(error)
      return
    }
    // Given up meanwhile: then somebody else has the turn.
    if (isOver(operation)) return
    operation.state = 'acting'
    try {
      await operation.act()
      operation.succeed()
    } catch (error) {
      operation.fail(error)
    }
    this.turnOver()
  }

  private turnOver(): void {
    this.running = undefined
    this.busy = false
    this.next()
  }

  private drainPort(): Promise<void> {
    const drained = this.lastDrain.then(() => (this.lossOf === undefined ? this.port.drain() : undefined))
    this.lastDrain = drained.catch(() => {})
    return drained
  }

  /** At most `bytes` from the front of the batch, small writes joined. */
  private takePiece(bytes: number): Uint8Array {
    const first = toBytes(this.batch[0]!)
    if (first.length >= bytes) {
      if (first.length === bytes) this.batch.shift()
      else this.batch[0] = first.subarray(bytes)
      return first.subarray(0, bytes)
    }
    const piece = new Uint8Array(bytes)
    let at = 0
    let used = 0
    for (; used < this.batch.length && at < bytes; used++) {
      const data = toBytes(this.batch[used]!)
      const part = data.subarray(0, bytes - at)
      piece.set(part, at)
      at += part.length
      if (part.length < data.length) {
        this.batch[used] = data.subarray(part.length)
        break
      }
    }
    this.batch.splice(0, used)
    return piece.subarray(0, at)
  }
}

/** Settled meanwhile, which the compiler can't know. */
function isOver(operation: Operation): boolean {
  return operation.state === 'over'
}
