import { UsageError } from '@async/core'

/** Counts above it do not fit into the parser's fields. */
const maxCount = 2 ** 31 - 1

/** @throws UsageError `ERR_INVALID_ARGUMENT` unless each of `names` is an integer from 1 to 2³¹ − 1. */
export function checkCounts<T>(options: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const value: unknown = options[name]
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > maxCount) {
      throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${String(value)}; it takes an integer from 1 to ${maxCount}`)
    }
  }
}
