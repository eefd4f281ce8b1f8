/** The limits that transports share. Each has a unit and a reason; each is an option wherever it applies, but for two that say so. */

/** Queued bytes above which a consumer pauses its producer. Precedent: asyncio and Netty, 64 KiB. */
export const highWaterMarkBytes: number = 64 * 1024

/** No option: how far that rises, unless it is given, while each full batch is taken at once: one write of so much costs half of four. See docs/decisions/0081. */
export const maxHighWaterMarkBytes: number = 256 * 1024

/** Queued bytes at or below which it resumes. A quarter of the high mark, so that a producer works in bursts worth a wake-up. asyncio: 16 KiB. */
export const lowWaterMarkBytes: number = 16 * 1024

/** Queued bytes that `write` never exceeds: a writer that heeds no pause gets an error, not the machine's memory. */
export const maxQueuedBytes: number = 16 * 1024 * 1024

/** Milliseconds that `close()` may take to send what is queued. asyncio's TLS and ws: 30 s. */
export const closeTimeoutMs: number = 30_000

/** Milliseconds after our end in which a closing transport still reads and discards, waiting for the peer's. */
export const lingerMs: number = 5_000

/** Milliseconds for which a transport with a broken write half goes on reading. Stands while paused. */
export const brokenReadMs: number = 5_000

/** No option: bytes that are delivered from what was held before the other connections get a turn. One read's worth. */
export const deliveryBudgetBytes: number = 64 * 1024

/** Milliseconds that connecting may take. undici: 10 s; Twisted: 30 s. */
export const connectTimeoutMs: number = 30_000

/** Bytes of a message, where a layer must hold it whole to deliver it. */
export const maxMessageBytes: number = 1024 * 1024
