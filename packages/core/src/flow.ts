import type { Data } from './transport.ts'

/**
 * What makes bytes, and can be told to wait: the draft's push producer. Its methods are called by the consumer that it is registered
 * with, not by you. Clauses F1–F9.
 */
export interface Producer {
  /**
   * Called first, inside `register`, with the consumer: wire yourself up, prime, or throw, and then you are not registered.
   * Called by the consumer, not by you.
   */
  halfRegister(consumer: Consumer): void
  /** Stop producing until `resume()`. May be called inside `write` or `register`. Always alternates with `resume`. */
  pause(): void
  /** Produce again. Never called inside a call of yours. */
  resume(): void
  /** Stop for good: the consumer takes nothing any more. At most once, and the consumer's last call. */
  stop(): void
}

/** What takes bytes, and tells its producer how fast. Clauses F1–F9. */
export interface Consumer {
  /** Takes `data`. See `Transport.write`. */
  write(data: Data): void
  /**
   * Registers the one producer that this consumer paces: `producer.halfRegister(this)` first, always, inside the call; then
   * `producer.pause()` at once if more than the high-water mark is queued, or `producer.stop()` if nothing can be taken any more.
   * Legal: while writes are. Registering sends nothing.
   * @throws UsageError `ERR_ALREADY_REGISTERED` while another is registered; `ERR_HALF_CLOSED` or `ERR_CLOSED` once the write half
   * ends by our own doing. What `halfRegister` throws comes through, and nothing is registered. (F1–F4)
   */
  register(producer: Producer): void
  /** Forgets the producer: it is called no more, not even to be resumed. Without one, no effect. (F5) */
  unregister(): void
}
