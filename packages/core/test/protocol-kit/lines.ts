import { LayerTransport } from '../../src/base/index.ts'
import { type Data, LimitError, type HalfClosable, type Messages, type Protocol, type Stream, type StreamTransport } from '../../src/index.ts'
import type { ProtocolSubject } from '../../src/testing/protocol/subject.ts'
import { layerSubject } from '../../src/testing/protocol/subject.ts'

const newline = 10
const maxLineBytes = 200

/** Lines of bytes, as simple as they can be and right: what the controls break. */
export class Lines extends LayerTransport<Stream, Messages<Uint8Array>> implements HalfClosable {
  readonly carries = 'message'
  held: Uint8Array = new Uint8Array(0)
  searched = 0
  examined = 0

  constructor(below: StreamTransport) {
    super(below)
  }

  protected accept(data: Data): void {
    this.below.writeSequence([data, '\n'])
  }

  protected acceptSequence(list: readonly Data[]): void {
    this.below.writeSequence(list.flatMap((data) => [data, '\n']))
  }

  protected decode(data: Uint8Array): void {
    const joined = new Uint8Array(this.held.length + data.length)
    joined.set(this.held)
    joined.set(data, this.held.length)
    this.held = joined
  }

  protected deliverHeld(): boolean {
    const { protocol } = this
    while (this.canDeliver(protocol)) {
      const end = this.find()
      if (end > maxLineBytes || (end < 0 && this.held.length > maxLineBytes)) {
        this.tooLong()
        return true
      }
      if (end < 0) return true
      const line = this.held.slice(0, end)
      this.held = this.held.subarray(end + 1)
      this.searched = 0
      this.deliver(protocol!, line)
    }
    return true
  }

  protected find(): number {
    const end = this.held.indexOf(newline, this.searched)
    this.examined += (end < 0 ? this.held.length : end + 1) - this.searched
    this.searched = end < 0 ? this.held.length : end
    return end
  }

  protected deliver(protocol: Protocol<Messages<Uint8Array>>, line: Uint8Array): void {
    protocol.dataReceived(line)
  }

  protected tooLong(): void {
    this.finish({ kind: 'limit', error: new LimitError('ERR_TOO_LONG', { limit: 'maxLineBytes', allowed: maxLineBytes, actual: this.held.length, unit: 'bytes' }) })
  }

  protected unshift(): void {}

  protected hasHeld(): boolean {
    return this.readHalf !== 'flowing' && this.held.includes(newline)
  }

  protected dropHeld(): number {
    const bytes = this.held.length
    this.held = this.held.subarray(bytes)
    return bytes
  }

  protected undecodedBytes(): number {
    return this.held.length
  }
}

const last = 'x'.repeat(40)

/** A subject of `Lines`, or of a control. */
export function linesSubject(name: string, make: (below: StreamTransport) => Lines): ProtocolSubject {
  return layerSubject(
    name,
    make,
    {
      conversations: [{ name: 'lines', input: `one\n\nthree\n${last}\n`, events: ['one', '', 'three', last], boundaries: [0, 4, 5, 11, 52] }],
      refused: [
        { name: 'an endless line', input: 'y'.repeat(30_000), events: [], kind: 'limit' },
        { name: 'a long line behind a good one', input: `ok\n${'z'.repeat(201)}\nmore\n`, events: ['ok'], kind: 'limit' },
      ],
      maxHeldBytes: 70_000,
    },
    (top) => ({ examinedBytes: (top as unknown as Lines).examined, heldBytes: (top as unknown as Lines).held.length }),
  )
}
