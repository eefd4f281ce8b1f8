import { transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { accepted, builtInClient, framed, memoryDeflated, memoryServer, overTls, secured, streamOverTcp, toBuiltIn } from './subjects.ts'

transportSuite({ describe, it }, accepted, { watchdogMs: 60_000, counts: { pass: 125, notApplicable: 80, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, memoryServer, { watchdogMs: 60_000, counts: { pass: 131, notApplicable: 74, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, memoryDeflated, { watchdogMs: 60_000, counts: { pass: 131, notApplicable: 74, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, streamOverTcp, { watchdogMs: 60_000, counts: { pass: 136, notApplicable: 68, skipped: 1, fail: 0 } })
transportSuite({ describe, it }, toBuiltIn, { watchdogMs: 60_000, counts: { pass: 102, notApplicable: 79, skipped: 24, fail: 0 } })
transportSuite({ describe, it }, builtInClient, { watchdogMs: 60_000, counts: { pass: 119, notApplicable: 85, skipped: 1, fail: 0 } })
transportSuite({ describe, it }, framed, { watchdogMs: 60_000, counts: { pass: 131, notApplicable: 74, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, secured, { watchdogMs: 60_000, counts: { pass: 158, notApplicable: 46, skipped: 1, fail: 0 } })
transportSuite({ describe, it }, overTls, { watchdogMs: 60_000, counts: { pass: 131, notApplicable: 74, skipped: 0, fail: 0 } })
