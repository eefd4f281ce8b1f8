/** Assertions: plain throws, so that the kit needs no test runner. */

/** Throws an Error that says what was expected unless `holds`. */
export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

/** Throws unless `actual` is `expected`: the same primitive, or plain data with the same JSON text. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected)) return
  const [is, wanted] = [show(actual), show(expected)]
  if (typeof expected !== 'object' || expected === null || is !== wanted) throw new Error(`${what}: ${is}, expected is ${wanted}`)
}

/** Calls `act`; gives the `code` of what it throws. Throws if it does not throw, or throws something without a code. */
export function codeOf(act: () => unknown, what: string): string {
  try {
    act()
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    check(typeof code === 'string', `${what} threw an error without a code: ${String(error)}`)
    return code
  }
  throw new Error(`${what} did not throw`)
}

/** Throws unless `act` throws an error that has `code`. */
export function throws(act: () => unknown, code: string, what: string): void {
  equal(codeOf(act, what), code, what)
}

/** Throws unless `promise` rejects; gives what it rejects with. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`${what} resolved, with ${show(value)}`)
}

function show(value: unknown): string {
  if (typeof value === 'string' || (typeof value === 'object' && value !== null)) return shorten(JSON.stringify(value))
  return String(value)
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text
}
