const settled: Promise<void> = Promise.resolve()

/** Calls `task`, which never throws, from a clean stack within this turn. Cheaper than `queueMicrotask`, which on Node makes an object for each call. */
export function soon(task: () => void): void {
  void settled.then(task)
}
