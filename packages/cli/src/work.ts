/** Counts calls that are in flight, and tells when there are none. */
export class Work {
  private running = 0
  private waiters: (() => void)[] = []

  /** Runs `task`, which counts until what it returns has settled. */
  async run(task: () => unknown): Promise<unknown> {
    this.running++
    try {
      return await task()
    } finally {
      this.running--
      if (this.running === 0) for (const resolve of this.waiters.splice(0)) resolve()
    }
  }

  /** Resolves when nothing runs, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void> {
    if (this.running === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.waiters.push(() => {
        clearTimeout(timer)
        // The answer is written in what follows, and may leave in the same turn.
        setImmediate(resolve)
      })
    })
  }
}
