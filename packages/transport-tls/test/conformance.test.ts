import type { Subject } from '@async/core/testing'
import { transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { subjects } from './subjects.ts'

/** The rest, bulk, and a thousand handshakes one after the other, are for the long run: `conformance.long.ts`. */
const slow = /1,000 connections|MiB/

const suite = (subject: Subject, pass: number, notApplicable: number, skipped = 0): void =>
  transportSuite({ describe, it }, subject, { filter: ({ name }) => !slow.test(name), counts: { pass, notApplicable, skipped, fail: 0 } })

suite(subjects.memory, 154, 46)
suite(subjects.tls12Server, 154, 46)
suite(subjects.probed, 165, 35)
