import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { runTransportKit, transportCases } from '../src/testing/index.ts'
import { goodName } from './controls/by-name.ts'
import { controls } from './controls/index.ts'
import { goodListener } from './controls/listener.ts'

/** What each control fails, by name. `PIN=1` writes the file anew, to be looked at before it is committed. */
const file = new URL('controls/pinned.json', import.meta.url)
const pinning = process.env['PIN'] === '1'
const pinned: Readonly<Record<string, readonly string[]>> = pinning ? {} : JSON.parse(readFileSync(file, 'utf8'))

/** Clauses of which every control fails cases of other clauses as well, and why it can't be otherwise. */
const nearby: Readonly<Record<string, string>> = {
  T1: 'what is lost before start() is missed by every case that writes before it',
}

/** A transport in memory is ready within so many, however slow the machine: a case that goes on is waiting for what never comes. */
const maxTurns = 4000
/** These take long, and are run for controls of their own clause only. */
const bulk = /MiB|1,000 connections|relay|both directions at once|10,000/

async function failedBy({ subject, breaks }: (typeof controls)[number]): Promise<readonly string[]> {
  const own = `${breaks} `
  const filter = ({ name }: { readonly name: string }): boolean => name.startsWith(own) || !bulk.test(name)
  return (await runTransportKit(subject, { watchdogMs: 60_000, maxTurns, filter })).failed
}

const found: Record<string, readonly string[]> = {}
afterAll(() => {
  if (pinning) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`)
})

describe('a control fails exactly what it must', () => {
  for (const control of controls) {
    it(control.subject.name, { timeout: 60_000 }, async () => {
      const failed = await failedBy(control)
      found[control.subject.name] = failed
      if (!pinning) expect(failed).toEqual(pinned[control.subject.name])
    })
  }

  it('and a listener that obeys fails nothing', async () => {
    expect(await failedBy(goodListener)).toEqual([])
  })

  it('and connecting by a name that obeys fails nothing', async () => {
    expect(await failedBy(goodName)).toEqual([])
  })
})

describe.skipIf(pinning)('of the failures that are pinned', () => {
  const of = (clause: string): (readonly string[])[] => controls.filter(({ breaks }) => breaks === clause).map(({ subject }) => pinned[subject.name] ?? [])
  const isOf = (clause: string) => (name: string): boolean => name.startsWith(`${clause} `)

  it('each control has one of the clause that it breaks', () => {
    expect(Object.keys(pinned)).toEqual(controls.map(({ subject }) => subject.name))
    expect(controls.filter(({ breaks, subject }) => !pinned[subject.name]!.some(isOf(breaks))).map(({ subject }) => subject.name)).toEqual([])
  })

  it('none is of a pair that cannot even be made', () => {
    expect(controls.filter(({ subject }) => pinned[subject.name]!.length > transportCases.length / 2).map(({ subject }) => subject.name)).toEqual([])
  })

  it('every case has one', () => {
    const failing = new Set(Object.values(pinned).flat())
    expect(transportCases.filter(({ name }) => !failing.has(name)).map(({ name }) => name)).toEqual([])
  })

  it('one control of each clause has no other clause’s, or it is said why', () => {
    const clauses = [...new Set(transportCases.map(({ clause }) => clause))]
    const alone = clauses.filter((clause) => of(clause).some((names) => names.length > 0 && names.every(isOf(clause))))
    expect(clauses.filter((clause) => !alone.includes(clause))).toEqual(Object.keys(nearby))
  })
})
