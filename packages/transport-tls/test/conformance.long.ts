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

suite(subjects.memory, 159, 46)
suite(subjects.memoryServer, 158, 46)
suite(subjects.tls12, 158, 46)
suite(subjects.tls12Server, 158, 46)
suite(subjects.noHalfClose, 157, 46, 1)
suite(subjects.inTls, 158, 46)
suite(subjects.tcp, 158, 46)
suite(subjects.tcpServer, 152, 52)
suite(subjects.tcp12, 158, 46)
suite(subjects.probed, 170, 35)
suite(subjects.probedServer, 152, 52)
suite(subjects.probed12, 152, 52)
suite(subjects.socket, 152, 52)
suite(subjects.socketServer, 152, 52)
