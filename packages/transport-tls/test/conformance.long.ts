import type { Subject } from '@async/core/testing'
import { transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { subjects } from './subjects.ts'

/** A thousand handshakes one after the other: on one subject of each road. */
const many = /1,000 connections/

const suite = (subject: Subject, pass: number, notApplicable: number, skipped = 0): void =>
  transportSuite({ describe, it }, subject, {
    filter: ({ name }) => !many.test(name) || subject === subjects.memory || subject === subjects.probed,
    watchdogMs: 120_000,
    counts: { pass, notApplicable, skipped, fail: 0 },
  })

suite(subjects.memory, 158, 46)
suite(subjects.memoryServer, 157, 46)
suite(subjects.tls12, 157, 46)
suite(subjects.tls12Server, 157, 46)
suite(subjects.noHalfClose, 156, 46, 1)
suite(subjects.inTls, 157, 46)
suite(subjects.tcp, 157, 46)
suite(subjects.tcpServer, 151, 52)
suite(subjects.tcp12, 157, 46)
suite(subjects.probed, 169, 35)
suite(subjects.probedServer, 151, 52)
suite(subjects.probed12, 151, 52)
suite(subjects.socket, 151, 52)
suite(subjects.socketServer, 151, 52)
