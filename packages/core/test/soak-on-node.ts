/** What the soaks of all packages measure on Node. */
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** The heap, once nothing that could be collected is left. */
export async function heapBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    collect()
  }
  return process.memoryUsage().heapUsed
}

/** What must be as many afterwards as before. */
export const counters = {
  'open descriptors': (): number => readdirSync('/proc/self/fd').length,
  'active resources': (): number => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate').length,
}
