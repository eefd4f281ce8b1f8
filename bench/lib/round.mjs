/** One round of a scenario, or of a curve: all sides are there, warm, and take turns. */

/** In how many slices a measurement is cut. */
const sliceCount = 5

/**
 * Measures all of them in slices, taking turns. A first one, as long as all that follow, is not counted: who had to wait for the others is not warm any more. Kept
 * connections have expired, V8 throws away what it had compiled when they close, and takes half a second to compile it again.
 * @template {string | number} Key
 * @param {Map<Key, import('./scenario.mjs').Prepared>} sides
 * @param {{ seconds: number, once?: boolean | undefined, failed: (key: Key, error: unknown) => void }} how
 * @returns {Promise<Map<Key, Record<string, number>[]>>}
 */
export async function takeTurns(sides, { seconds, once = false, failed }) {
  /** @type {Map<Key, Record<string, number>[]>} */
  const slices = new Map([...sides.keys()].map((key) => [key, []]))
  const time = once ? seconds : seconds / sliceCount
  for (let slice = once ? 0 : -1; slice < (once ? 1 : sliceCount); slice++) {
    for (const [key, { measure }] of sides) {
      if (!slices.has(key)) continue
      try {
        const values = await measure(slice < 0 ? seconds : time)
        if (slice >= 0) slices.get(key)?.push(values)
      } catch (error) {
        slices.delete(key)
        failed(key, error)
      }
    }
  }
  return slices
}

/** Ends all of them. @param {Map<unknown, import('./scenario.mjs').Prepared>} sides */
export async function endAll(sides) {
  await Promise.all([...sides.values()].map(({ end }) => end()))
}
