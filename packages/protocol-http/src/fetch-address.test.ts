import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { addressOf } from './fetch-address.ts'

it('remembers a URL, and not the page that it was cut out of', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 30; i++) {
    const page = Buffer.alloc(500_000, ' ').toString('latin1') + `<a href="http://example.test/pages/${i}">`
    expect(addressOf(/"(.*)"/.exec(page)![1]!)?.target).toBe(`/pages/${i}`)
  }
  gc()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
})
