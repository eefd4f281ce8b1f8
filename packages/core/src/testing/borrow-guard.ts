import { WrappedTransport } from '../base/index.ts'
import type { Carries, Data, HalfClosable, Transport } from '../transport.ts'

/**
 * A layer that finds writers that change what they have lent: bytes given to `write` are the transport's until `drained(0)` resolves (W9). It
 * remembers a hash of each piece, and calls `onChanged` with those that are different when everything has left. For tests: it reads
 * every byte twice.
 */
export function guardBorrowed<C extends Carries>(onChanged: (bytes: Uint8Array) => void): (below: Transport<C>) => Transport<C> & HalfClosable {
  return (below) => new BorrowGuard<C>(below, onChanged)
}

class BorrowGuard<C extends Carries> extends WrappedTransport<C> {
  private readonly onChanged: (bytes: Uint8Array) => void
  private lent: { readonly bytes: Uint8Array; readonly hash: number }[] = []

  constructor(below: Transport<C>, onChanged: (bytes: Uint8Array) => void) {
    super(below)
    this.onChanged = onChanged
  }

  override write(data: Data): void {
    super.write(data)
    this.lend([data])
  }

  override writeSequence(list: readonly Data[]): void {
    super.writeSequence(list)
    this.lend(list)
  }

  private lend(list: readonly Data[]): void {
    const waits = this.lent.length > 0
    for (const data of list) if (typeof data !== 'string') this.lent.push({ bytes: data, hash: hashOf(data) })
    if (waits || this.lent.length === 0) return
    const look = (): void => {
      const { lent } = this
      this.lent = []
      for (const { bytes, hash } of lent) if (hashOf(bytes) !== hash) this.onChanged(bytes)
    }
    // After a loss nothing will be read any more, and what was changed until then counts all the same.
    this.below.drained(0).then(look, look)
  }
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}
