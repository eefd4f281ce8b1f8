/**
 * Which tests judge a mutant, and in which order: the one that kills soonest first. Tests that never come to the changed place behave as they
 * did, so they are left out; but where a place matters to time (`isTimed`), all of them run.
 */

/** A slow machine, and a busy one, must kill nothing: a test may take this, and thirty times what it took unchanged. */
const graceMs = 4000

export class Schedule {
  /** How long each test may take. */
  limitsMs
  /** What all tests together may take. */
  limitMs
  /** @type {number[]} */
  #kills
  #timesMs
  #names
  #runBy
  #isTimed

  /** @param {Required<Pick<import('./judge.mjs').Answer, 'names' | 'timesMs' | 'runBy'>>} profile @param {boolean} isTimed */
  constructor({ names, timesMs, runBy }, isTimed) {
    this.#names = names
    this.#timesMs = timesMs
    this.#runBy = runBy
    this.#isTimed = isTimed
    this.#kills = names.map(() => 0)
    this.limitsMs = timesMs.map((ms) => graceMs + 30 * ms)
    this.limitMs = 60_000 + 30 * timesMs.reduce((sum, ms) => sum + ms, 0)
  }

  /** The order for a change at the `place`th place of `file`. @param {string} file @param {number} place @returns {number[]} */
  order(file, place) {
    const reached = new Set(this.#runBy[file]?.[place])
    const first = [...reached].filter((test) => !this.#isCount(test)).sort((one, other) => this.#score(other) - this.#score(one))
    // What compares the counts of a suite needs all of that suite.
    const all = this.#names.map((_, test) => test)
    const counting = new Set(all.filter((test) => this.#isCount(test)).map((test) => this.#suite(test)))
    const counted = new Set([...reached].map((test) => this.#suite(test)).filter((suite) => counting.has(suite)))
    const rest = all.filter((test) => this.#isTimed || counted.has(this.#suite(test)))
    return [...new Set([...first, ...rest])]
  }

  /** @param {number} test */
  killed(test) {
    if (this.#kills[test] !== undefined) this.#kills[test]++
  }

  /** @param {number} test */
  #score(test) {
    return (0.1 + /** @type {number} */ (this.#kills[test])) / (1 + /** @type {number} */ (this.#timesMs[test]))
  }

  /** @param {number} test */
  #suite(test) {
    return /** @type {string} */ (this.#names[test]).split(' > ')[0]
  }

  /** @param {number} test */
  #isCount(test) {
    return / > counts: /.test(/** @type {string} */ (this.#names[test]))
  }
}
