import { Session } from 'node:inspector'
import { performance } from 'node:perf_hooks'

/**
 * What each test of the suites runs, as V8 counts it: a test that never comes to a place behaves the same however that place was changed.
 * @param {string[]} suites @param {Record<string, number[]>} places offsets, by file: the end of its URL
 * @param {(order: undefined, around: (test: () => unknown, index: number, name: string) => unknown) => Promise<string | undefined>} run
 * @returns {Promise<import('./judge.mjs').Answer>}
 */
export async function profile(suites, places, run) {
  const session = new Session()
  session.connect()
  /** @param {string} method @param {object} [params] @returns {any} */
  const post = (method, params) => {
    /** @type {any} */
    let answer
    session.post(/** @type {any} */ (method), params, (/** @type {Error | null} */ error, /** @type {any} */ result) => {
      if (error !== null) throw error
      answer = result
    })
    return answer
  }
  const files = Object.keys(places)
  /** Indices of the places that were run since the last call, by file. @returns {[string, number[]][]} */
  const take = () => {
    const scripts = post('Profiler.takePreciseCoverage').result
    return files.flatMap((file) => {
      const script = scripts.find((/** @type {any} */ one) => one.url.endsWith(`/${file}`))
      return script === undefined ? [] : [/** @type {[string, number[]]} */ ([file, runPlaces(script.functions, places[file] ?? [])])]
    })
  }

  post('Profiler.enable')
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  for (const suite of suites) await import(`./packages/${suite}`)
  // Run when it is loaded: any test may tell.
  const loaded = take()
  /** @type {string[]} */
  const names = []
  /** @type {number[]} */
  const timesMs = []
  /** @type {Record<string, number[][]>} */
  const runBy = Object.fromEntries(files.map((file) => [file, (places[file] ?? []).map(() => [])]))
  const failure = await run(undefined, async (test, index, name) => {
    names[index] = name
    const started = performance.now()
    await test()
    timesMs[index] = performance.now() - started
    for (const [file, indices] of take()) for (const place of indices) runBy[file]?.[place]?.push(index)
  })
  const all = timesMs.map((_, index) => index)
  for (const [file, indices] of loaded) for (const place of indices) if (runBy[file] !== undefined) runBy[file][place] = all
  return failure === undefined ? { names, timesMs, runBy } : { failure }
}

/**
 * The places of which the innermost range that V8 tells was run.
 * @param {{ ranges: { startOffset: number, endOffset: number, count: number }[] }[]} functions @param {number[]} places
 */
function runPlaces(functions, places) {
  const ranges = functions.flatMap(({ ranges: own }) => own)
  return places.flatMap((place, index) => {
    let innermost
    for (const range of ranges) {
      if (range.startOffset > place || range.endOffset <= place) continue
      if (innermost === undefined || range.endOffset - range.startOffset <= innermost.endOffset - innermost.startOffset) innermost = range
    }
    return innermost !== undefined && innermost.count > 0 ? [index] : []
  })
}
