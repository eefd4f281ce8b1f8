/**
 * Stands in for vitest in a sandbox of mutate.mjs: the kit takes `describe` and `it` of any runner, and a mutant is judged a hundred times
 * faster without one. Stops at the first failure.
 */

/** @type {{ name: string, body: () => unknown }[]} */
const tests = []
/** @type {string[]} */
const path = []

/** @param {string} name @param {() => void} body */
export function describe(name, body) {
  path.push(name)
  body()
  path.pop()
}

/** @param {string} name @param {() => unknown} body */
export function it(name, body) {
  tests.push({ name: [...path, name].join(' > '), body })
}
it.skip = () => {}

/**
 * Runs what was declared; gives the first failure, or undefined.
 * @param {number[] | undefined} order indices of tests; absent: all, as they were declared
 * @param {(test: () => unknown, index: number, name: string) => unknown} around calls a test
 * @returns {Promise<string | undefined>}
 */
export async function run(order, around) {
  for (const index of order ?? tests.keys()) {
    const test = tests[index]
    if (test === undefined) return `test ${index} is not there`
    try {
      await around(test.body, index, test.name)
    } catch (error) {
      return `${test.name}: ${error}`
    }
  }
  return undefined
}
