/**
 * Gives `prototype` what it lacks to pass as one of `real`, the platform's class: its own prototype, and for each thing that it has, also what Node keeps under
 * symbols, a look at the real one that `makeReal` gives.
 */
export function passAsResponse(prototype: { makeReal(): Response }, real: typeof Response): void {
  const sample = new real('')
  Object.setPrototypeOf(prototype, real.prototype)
  for (const name of [...Object.getOwnPropertyNames(real.prototype), ...Object.getOwnPropertySymbols(sample)]) {
    if (Object.hasOwn(prototype, name)) continue
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: { makeReal(): Response }): unknown {
        const made = this.makeReal() as unknown as Record<PropertyKey, unknown>
        const value = made[name]
        return typeof value === 'function' ? value.bind(made) : value
      },
    })
  }
}
