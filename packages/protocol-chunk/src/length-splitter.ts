/**
 * A length, then that many bytes. The length is read byte by byte into a number, so it may be cut anywhere; it is judged as soon as it is
 * known, and nothing is allocated by its word: what comes is held as it comes.
 */
import { type Data, ProtocolError } from '@async/core'
import { tooLong } from './errors.ts'
import { type LengthSettings, maxVarintBytes } from './length-options.ts'
import { SplitterBase } from './splitter.ts'
import type { TextTools } from './text.ts'

/** Splits at lengths. */
export class LengthSplitter<D extends Data = Data> extends SplitterBase<D> {
  private readonly settings: LengthSettings
  private value = 0
  private readonly prefix = new Uint8Array(8)
  private prefixBytes = 0
  /** Bytes of the payload, once the length was read. */
  private payloadBytes = -1

  constructor(settings: LengthSettings, tools?: TextTools) {
    super(settings.mode, tools)
    this.settings = settings
  }

  protected decodeNext(): D | undefined {
    const { input } = this
    while (this.payloadBytes < 0) {
      if (input.atHand === 0 && !input.advance()) return undefined
      this.readLength(input.takeByte())
    }
    while (input.atHand < this.payloadBytes) if (!input.advance()) return undefined
    const bytes = this.payloadBytes
    this.reset()
    return this.cut(bytes)
  }

  protected override begun(): Uint8Array {
    return this.prefix.subarray(0, this.prefixBytes)
  }

  protected hasBegun(): boolean {
    return this.prefixBytes > 0
  }

  protected reset(): void {
    this.value = 0
    this.prefixBytes = 0
    this.payloadBytes = -1
  }

  private readLength(byte: number): void {
    const { widthBytes, isLittle } = this.settings
    const index = this.prefixBytes++
    this.prefix[index] = byte
    if (widthBytes > 0) {
      this.value = isLittle ? this.value + byte * 256 ** index : this.value * 256 + byte
      if (this.prefixBytes === widthBytes) this.judge()
      return
    }
    // Multiplied, not shifted: JavaScript shifts 32 bits.
    this.value += (byte & 0x7f) * 128 ** index
    if (byte < 0x80) {
      if (byte === 0 && index > 0) this.fail(badLength('the varint is longer than it has to be'))
      this.judge()
    } else if (this.prefixBytes === maxVarintBytes) this.fail(badLength(`the varint does not end within ${maxVarintBytes} bytes`))
  }

  private judge(): void {
    const bytes = this.value + this.settings.adjustBytes
    if (bytes < 0) this.fail(badLength(`a length of ${this.value}, which has to count ${-this.settings.adjustBytes} bytes at least`))
    if (bytes > this.settings.maxChunkBytes) this.fail(tooLong(this.settings.maxChunkBytes, bytes))
    this.payloadBytes = bytes
  }
}

function badLength(message: string): ProtocolError {
  return new ProtocolError('ERR_CHUNK_BAD_LENGTH', message)
}
