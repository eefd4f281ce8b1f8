import { transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { builtInClient, dialled, memoryClient, streamOverMemory } from './subjects.ts'

// The other subjects, and a thousand connections of undici's, are in conformance.long.ts.
transportSuite({ describe, it }, dialled, { counts: { pass: 148, notApplicable: 56, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, memoryClient, { counts: { pass: 130, notApplicable: 74, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, streamOverMemory, { counts: { pass: 136, notApplicable: 68, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, builtInClient, {
  filter: ({ name }) => !name.startsWith('R6 1,000 connections'),
  counts: { pass: 117, notApplicable: 85, skipped: 1, fail: 0 },
})
