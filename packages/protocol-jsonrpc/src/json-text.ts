/**
 * JSON texts one after another on a bare stream, with nothing between them but white space: how JSON-RPC 1.0 §2.1 has it, and what many
 * devices speak. A text needs no frame, because its brackets say where it ends.
 */
import { limits, UsageError } from '@async/core'
import type { CloseReason, Data, HalfClosable, Messages, Stream, Transport } from '@async/core'
import { byteLength, LayerTransport } from '@async/core/base'
import { JsonScanner } from './json-scanner.ts'
import type { Noise } from './json-scanner.ts'

export type { Noise } from './json-scanner.ts'

/** Options of `jsonText`. */
export interface JsonTextOptions {
  /** Bytes of a text that comes, at most; a longer one ends the connection with kind `limit`. Default 1,048,576. */
  readonly maxTextBytes?: number
  /**
   * What becomes of what is neither text nor white space: a line that was printed, a text that breaks off. `'skip'` (default): it is left
   * out, and `onSkipped` is told; a text that begins in the same line is found. `'abort'`: the connection ends with kind `protocol`.
   */
  readonly noise?: 'skip' | 'abort'
  /** Told of what was skipped, a line at a time, or what came before a text in its line. Default: nobody. */
  readonly onSkipped?: (noise: Noise) => void
  /** Written behind each text. Default `\n`, for who reads lines. */
  readonly separator?: '' | '\n' | '\r\n'
}

/** What carries the texts of `Below`; it half-closes if that does. */
export type JsonTextTransport<Below> = Transport<Messages<Uint8Array>> & (Below extends HalfClosable ? HalfClosable : unknown)

/**
 * The layer. Each message is one object or array as it came, not parsed; any other JSON value is noise, since no JSON-RPC message is one.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is none.
 */
export function jsonText(options: JsonTextOptions = {}): <Below extends Transport<Stream>>(below: Below) => JsonTextTransport<Below> {
  const { maxTextBytes = limits.maxMessageBytes, noise = 'skip', separator = '\n', onSkipped } = options
  if (!(maxTextBytes >= 2)) throw new UsageError('ERR_INVALID_ARGUMENT', `maxTextBytes is ${String(maxTextBytes)}; it takes a number from 2`)
  if (noise !== 'skip' && noise !== 'abort') throw new UsageError('ERR_INVALID_ARGUMENT', `noise is 'skip' or 'abort', not ${String(noise)}`)
  if (!['', '\n', '\r\n'].includes(separator)) throw new UsageError('ERR_INVALID_ARGUMENT', 'separator is white space: nothing, LF, or CR LF')
  return <Below extends Transport<Stream>>(below: Below) =>
    new TextTransport(below, new JsonScanner({ maxTextBytes, onNoise: noise }), separator, onSkipped) as unknown as JsonTextTransport<Below>
}

class TextTransport extends LayerTransport<Stream, Messages<Uint8Array>> {
  readonly carries = 'message'
  private readonly scanner: JsonScanner
  private readonly separator: string
  private readonly onSkipped: ((noise: Noise) => void) | undefined

  constructor(below: Transport<Stream>, scanner: JsonScanner, separator: string, onSkipped: ((noise: Noise) => void) | undefined) {
    super(below)
    this.scanner = scanner
    this.separator = separator
    this.onSkipped = onSkipped
  }

  override eofReceived(): void {
    this.scanner.receiveEof()
    if (this.readHalf === 'flowing') this.deliverHeld()
    super.eofReceived()
  }

  override connectionLost(reason: CloseReason): void {
    if (reason.kind === 'closed' && this.cause === undefined) this.scanner.receiveEof()
    super.connectionLost(reason)
  }

  protected accept(data: Data): void {
    this.below.writeSequence(this.withSeparator(data))
  }

  protected acceptSequence(list: readonly Data[]): void {
    this.below.writeSequence(list.flatMap((data) => this.withSeparator(data)))
  }

  protected decode(data: Uint8Array): void {
    this.scanner.receiveData(data)
  }

  protected deliverHeld(): boolean {
    const { protocol, scanner } = this
    // Bounded per turn only where it was held: a read is bounded by what is below.
    let budget = this.readHalf === 'resuming' ? limits.deliveryBudgetBytes : Infinity
    while (this.canDeliver(protocol)) {
      if (budget <= 0) return false
      let text: Uint8Array | undefined
      try {
        text = scanner.next()
      } catch (error) {
        this.finish({ kind: (error as { limit?: string }).limit === undefined ? 'protocol' : 'limit', error: error as Error })
        return true
      }
      if (text !== undefined) {
        budget -= text.length
        protocol!.dataReceived(text)
        continue
      }
      const noise = scanner.takeNoise()
      if (noise === undefined) return true
      budget -= noise.bytes
      this.onSkipped?.(noise)
    }
    return true
  }

  /** A message transport has no leftover: `start` refuses it. */
  protected unshift(): void {}

  protected hasHeld(): boolean {
    return this.readHalf !== 'flowing' && this.scanner.heldBytes > 0
  }

  protected dropHeld(): number {
    return byteLength(this.scanner.takeLeftover())
  }

  protected undecodedBytes(): number {
    return this.scanner.truncatedBytes
  }

  private withSeparator(data: Data): Data[] {
    if (data.length === 0) throw new UsageError('ERR_INVALID_ARGUMENT', 'an empty message is no JSON text')
    if (typeof data === 'string') return [data + this.separator]
    return this.separator === '' ? [data] : [data, this.separator]
  }
}
