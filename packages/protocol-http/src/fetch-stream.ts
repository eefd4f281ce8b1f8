/** Bytes that are read ahead of whoever reads a body as a stream. */
export const readAheadBytes: number = 64 * 1024

/** What a source of bytes is given: the platform's controller of a byte stream. */
export interface ByteController {
  readonly desiredSize: number | null
  readonly byobRequest: { respond(bytesWritten: number): void } | null
  enqueue(bytes: Uint8Array): void
  close(): void
  error(reason: unknown): void
}

/** Where the bytes of a stream come from. */
export interface ByteSource {
  start?(controller: ByteController): void
  pull(controller: ByteController): void | Promise<void>
  cancel(reason: unknown): void | Promise<void>
}

/** What is read of a stream. */
export interface PartReader<T> {
  read(): Promise<{ readonly done: boolean; readonly value?: T | undefined }>
  cancel(reason?: unknown): Promise<void>
}

interface ByteStreamClass {
  new (source: ByteSource & { readonly type: 'bytes' }, strategy: { readonly highWaterMark: number }): ReadableStream<Uint8Array>
}

/** A stream of bytes of the platform's, which can also be read into a buffer of the reader's. */
export function byteStream(source: ByteSource, highWaterMark: number): ReadableStream<Uint8Array> {
  return new (ReadableStream as unknown as ByteStreamClass)({ ...source, type: 'bytes' }, { highWaterMark })
}

/** Hands bytes to a byte stream. It takes their memory away from whoever else looks at it, so what is a part of more is copied. */
export function enqueue(controller: ByteController, bytes: Uint8Array): void {
  controller.enqueue(bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes))
}

/** The parts in one piece. A single one is not copied. */
export function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const all = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Ends a byte stream, also for a reader that waits with a buffer of its own. */
export function endBytes(controller: ByteController): void {
  controller.close()
  controller.byobRequest?.respond(0)
}
