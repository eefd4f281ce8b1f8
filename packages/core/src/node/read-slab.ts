/**
 * Where a dialled socket reads to: views of it are given away and never written again, so each read gets what is left of the slab, or a new one.
 * It starts small, for most connections are idle, and grows when a read fills it.
 */
export class ReadSlab {
  private slab: Buffer
  private used = 0
  private size = 2048

  constructor() {
    this.slab = Buffer.allocUnsafeSlow(this.size)
  }

  /** Where the next read goes. */
  next(): Buffer {
    const left = this.size - this.used
    if (left < this.size / 4 || left < 1024) {
      this.slab = Buffer.allocUnsafeSlow(this.size)
      this.used = 0
    }
    return this.used === 0 ? this.slab : this.slab.subarray(this.used)
  }

  /** The first `bytes` of what `next` gave were read: a view that is the caller's. */
  taken(bytes: number): Uint8Array {
    const view = new Uint8Array(this.slab.buffer, this.slab.byteOffset + this.used, bytes)
    const filled = this.used + bytes === this.size
    this.used += bytes
    if (filled && this.size < maxSlabBytes) {
      this.size = Math.min(this.size * 4, maxSlabBytes)
      this.used = this.size
    }
    return view
  }

  /** What `taken` gave last is nobody's any more: the next read may go to the same place. */
  giveBack(bytes: number): void {
    if (this.slab.length === this.size) this.used -= bytes
  }
}

/** One read's worth: Node's own reads are as large. */
const maxSlabBytes = 64 * 1024
