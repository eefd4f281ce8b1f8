/** A longer run than the quick tests', still under a minute: as many inputs as it says, with other seeds. */
import { expect, it } from 'vitest'
import { campaign } from './campaign.ts'
import { H11, pythonWithH11 } from './h11.ts'

it('200,000 inputs, of which h11 sees one in twenty', async () => {
  const python = pythonWithH11()
  if (python === undefined && process.env['CI'] === 'true') throw new Error('h11 is missing (Debian: python3-h11)')
  const h11 = python === undefined ? undefined : new H11(python)
  Error.stackTraceLimit = 0
  try {
    const tally = await campaign({ seed: 46, from: 0, to: 200_000, h11: h11 === undefined ? undefined : { process: h11, oneIn: 20 } })
    expect(tally.failures).toEqual([])
    expect(tally.compared).toEqual({ llhttp: 200_000, h11: h11 === undefined ? 0 : 10_000 })
  } finally {
    await h11?.stop()
  }
})
