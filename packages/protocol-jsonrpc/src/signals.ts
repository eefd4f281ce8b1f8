interface Group {
  readonly ids: Set<number>
  readonly onAbort: () => void
}

/** The signals of pending calls: one listener for each signal, however many calls share it; Node warns of a leak from the eleventh on. */
export class Signals {
  private readonly groups = new Map<AbortSignal, Group>()
  private readonly giveUp: (id: number, reason: unknown) => void

  constructor(giveUp: (id: number, reason: unknown) => void) {
    this.giveUp = giveUp
  }

  /** Gives the call up once the signal aborts; at once if it has, while the call was made. */
  add(signal: AbortSignal, id: number): void {
    if (signal.aborted) return this.giveUp(id, signal.reason)
    let group = this.groups.get(signal)
    if (group === undefined) {
      const ids = new Set<number>()
      const onAbort = (): void => {
        this.groups.delete(signal)
        for (const each of ids) this.giveUp(each, signal.reason)
      }
      group = { ids, onAbort }
      this.groups.set(signal, group)
      signal.addEventListener('abort', onAbort, { once: true })
    }
    group.ids.add(id)
  }

  /** The call has settled. */
  remove(signal: AbortSignal, id: number): void {
    const group = this.groups.get(signal)
    if (group === undefined || !group.ids.delete(id) || group.ids.size > 0) return
    this.groups.delete(signal)
    signal.removeEventListener('abort', group.onAbort)
  }
}
