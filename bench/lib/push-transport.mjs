import { QueuedTransport, transportPolicy } from '@async/core/base'

/** A lowest transport that is pushed into by hand: what a layer costs, and nothing below it. What is written to it vanishes. @extends {QueuedTransport<import('@async/core').Stream>} */
export class PushTransport extends QueuedTransport {
  /** @type {'stream'} */
  carries = 'stream'
  info = { pausable: true, resets: false, halfCloses: true, readsAfterWriteError: true }

  constructor() {
    super(transportPolicy({}))
    /** Bytes that were written. */
    this.written = 0
  }

  /** Delivers a read. @param {Uint8Array} data */
  push(data) {
    this.received(data)
  }

  scheduleFlush() {
    queueMicrotask(() => this.flush())
  }

  /** @param {unknown[]} _batch @param {number} bytes */
  send(_batch, bytes) {
    this.written += bytes
    this.sent(bytes)
  }

  sendEnd() {
    this.endSent()
  }

  startReading() {}
  stopReading() {}
  destroy() {}
}
