/** One round of a scenario, or of a curve: all sides are there, and take turns, to get warm and to be measured. */

/** In how many slices a measurement is cut. */
const sliceCount = 5

/**
 * Measures all of them in slices, taking turns, once all are warm.
 * @template {string | number} Key
 * @param {Map<Key, import('./scenario.mjs').Prepared>} sides
 * @param {{ seconds: number, once?: boolean | undefined, failed: (key: Key, error: unknown) => void }} how
 * @returns {Promise<Map<Key, Record<string, number>[]>>}
 */
export async function takeTurns(sides, { seconds, once = false, failed }) {
  /** @type {Map<Key, Record<string, number>[]>} */
  const slices = new Map([...sides.keys()].map((key) => [key, []]))
  /** @param {(side: import('./scenario.mjs').Prepared, key: Key) => Promise<void>} work */
  const turn = async (work) => {
    for (const [key, side] of sides) {
      if (!slices.has(key)) continue
      try {
        await work(side, key)
      } catch (error) {
        slices.delete(key)
        failed(key, error)
      }
    }
  }
  const measured = (/** @type {number} */ time) => turn(async ({ measure }, key) => void slices.get(key)?.push(await measure(time)))
  if (once) await measured(seconds)
  else {
    await warmAll(turn, seconds)
    for (let slice = 0; slice < sliceCount; slice++) await measured(seconds / sliceCount)
  }
  return slices
}

/**
 * Who is warm goes on until all are: one that waits for the others cools down. Its kept connections expire, V8 throws away what it had compiled when they close, and takes
 * seconds to compile it again.
 * @param {(work: (side: import('./scenario.mjs').Prepared) => Promise<void>) => Promise<void>} turn @param {number} seconds
 */
async function warmAll(turn, seconds) {
  const time = Math.min(1, seconds / 2)
  for (let isCold = true; isCold; ) {
    isCold = false
    await turn(async ({ warm, measure }) => {
      if (warm === undefined) await measure(seconds)
      else if (!(await warm(time))) isCold = true
    })
  }
}

/** Ends all of them. @param {Map<unknown, import('./scenario.mjs').Prepared>} sides */
export async function endAll(sides) {
  await Promise.all([...sides.values()].map(({ end }) => end()))
}
