/**
 * Stands in for vitest in a sandbox of mutate.mjs: the kit takes `describe` and `it` of any runner, and a mutant is judged a hundred times
 * faster without one. Stops at the first failure; what takes longer than ten seconds has failed.
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

/** What finds most in the least time comes first. @param {string} name */
function rank(name) {
  if (!name.startsWith('protocol kit')) return 3
  if (/ K1 .*: (in one piece|byte by byte)$/.test(name)) return 0
  return / K2 .*: comes to its end| K9 /.test(name) ? 1 : 2
}

/** Runs what was declared; gives the first failure, or undefined. @returns {Promise<string | undefined>} */
export async function run() {
  for (const { name, body } of tests.sort((one, other) => rank(one.name) - rank(other.name))) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('not done after 10 s')), 10_000)
    })
    try {
      await Promise.race([body(), late])
    } catch (error) {
      return `${name}: ${error}`
    } finally {
      clearTimeout(timer)
    }
  }
  return undefined
}
