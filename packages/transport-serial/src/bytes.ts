interface NodeBuffer {
  readonly Buffer?: {
    allocUnsafeSlow(bytes: number): Uint8Array
    from(memory: ArrayBufferLike, offset: number, length: number): Uint8Array
  }
}

/** `serialport`'s bindings take Node's Buffers alone; a browser has none. */
const { Buffer } = globalThis as NodeBuffer

/** New memory of `bytes` bytes, in which anything may stand, for a binding to read into. */
export function newMemory(bytes: number): Uint8Array {
  return Buffer?.allocUnsafeSlow(bytes) ?? new Uint8Array(bytes)
}

/** The same bytes, as a binding takes them. */
export function forBinding(bytes: Uint8Array): Uint8Array {
  return Buffer?.from(bytes.buffer, bytes.byteOffset, bytes.length) ?? bytes
}
