import { LimitError, UsageError } from './errors.ts'

/** What a budget asks of a transport that shares it. */
export interface BudgetMember {
  /** Bytes that it holds now. */
  readonly heldBytes: number
  /** Read no more, or again. */
  holdReading(on: boolean): void
  /** The largest one, when nothing else helped: end, with kind `limit`. */
  overBudget(error: LimitError): void
}

/**
 * Memory that many transports share: 16 MiB each is fine for one and 156 GiB for ten thousand. Above three quarters of it every member stops
 * reading, so that answers drain while no new questions come; above all of it the member that holds most is aborted, with kind `limit`
 * and `ERR_MEMORY_BUDGET`, until the rest fits. Below half, reading goes on.
 */
export class MemoryBudget {
  /** Bytes that all members together may hold. */
  readonly maxBytes: number
  private used = 0
  private paused = false
  private readonly members: Set<BudgetMember> = new Set()

  /** @throws UsageError `ERR_INVALID_ARGUMENT` unless `maxBytes` is a positive number. */
  constructor(options: { readonly maxBytes: number }) {
    if (!(options.maxBytes > 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `maxBytes is ${options.maxBytes}; it takes a number above 0`)
    this.maxBytes = options.maxBytes
  }

  /** Bytes held by all members. */
  get usedBytes(): number {
    return this.used
  }

  /** Called by a transport that begins to share the budget; not by you. */
  join(member: BudgetMember): void {
    this.members.add(member)
    if (this.paused) member.holdReading(true)
  }

  /** Called by a transport that ended, after its last `change`; not by you. */
  leave(member: BudgetMember): void {
    this.members.delete(member)
  }

  /** Called by a transport when it holds `bytes` more, or (negative) fewer; not by you. */
  change(bytes: number): void {
    this.used += bytes
    if (bytes > 0) {
      if (!this.paused && this.used > this.maxBytes * 0.75) this.holdAll(true)
      while (this.used > this.maxBytes && this.abortLargest()) continue
    } else if (this.paused && this.used <= this.maxBytes * 0.5) this.holdAll(false)
  }

  private holdAll(on: boolean): void {
    this.paused = on
    for (const member of this.members) member.holdReading(on)
  }

  private abortLargest(): boolean {
    let largest: BudgetMember | undefined
    for (const member of this.members) if (member.heldBytes > (largest?.heldBytes ?? 0)) largest = member
    if (largest === undefined) return false
    const before = this.used
    largest.overBudget(new LimitError('ERR_MEMORY_BUDGET', { limit: 'memoryBudget', allowed: this.maxBytes, actual: this.used, unit: 'bytes' }))
    return this.used < before
  }
}
