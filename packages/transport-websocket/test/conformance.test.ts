import { transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { builtInClient, dialled, memoryClient, streamOverMemory } from './subjects.ts'

// The other subjects, and a thousand connections of undici's, are in conformance.long.ts.
transportSuite({ describe, it }, dialled, { counts: { pass: 149, notApplicable: 56, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, memoryClient, { counts: { pass: 131, notApplicable: 74, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, streamOverMemory, { counts: { pass: 137, notApplicable: 68, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, builtInClient, {
  filter: ({ name }) => !name.startsWith('R6 1,000 connections'),
  counts: { pass: 118, notApplicable: 85, skipped: 1, fail: 0 },
})
