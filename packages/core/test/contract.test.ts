import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { clauses, clausesWithoutCase, layerSubject, protocolCases, transportCases } from '../src/testing/index.ts'
import { whole } from '../src/whole.ts'

const text = readFileSync(new URL('../../../docs/contract.md', import.meta.url), 'utf8')
const inDocument = Object.fromEntries([...text.matchAll(/^- \*\*([A-Z]\d+)\*\* (.*)$/gm)].map(([, id, clause]) => [id, clause]))

const subject = layerSubject('whole', whole({ maxBytes: 100 }), {
  conversations: [{ name: 'one', input: 'ab', events: ['ab'], boundaries: [0, 2] }],
  refused: [{ name: 'long', input: 'ab', events: [], kind: 'limit' }],
})
const cases = [...transportCases, ...protocolCases(subject)]

describe('docs/contract.md', () => {
  it('has the clauses of clauses.ts, word for word, in the same order', () => {
    expect(Object.entries(inDocument)).toEqual(Object.entries(clauses))
    expect(Object.keys(clauses).length).toBe(115)
  })

  it('cites no clause that it has not', () => {
    const cited = [...text.matchAll(/\b([TWPCHFRELBYK]\d+)\b/g)].map(([, id]) => id!)
    expect(cited.filter((id) => clauses[id] === undefined)).toEqual([])
  })
})

describe('the cases', () => {
  it('are named by clauses that exist', () => {
    expect(cases.filter(({ clause }) => clauses[clause] === undefined).map(({ name }) => name)).toEqual([])
  })

  it('have names of their own', () => {
    const names = transportCases.map(({ name }) => name)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  it('are there for every clause, or it is said why not', () => {
    const tested = new Set(cases.map(({ clause }) => clause))
    expect(Object.keys(clauses).filter((id) => !tested.has(id) && clausesWithoutCase[id] === undefined)).toEqual([])
    expect(Object.keys(clausesWithoutCase).filter((id) => clauses[id] === undefined)).toEqual([])
  })
})

describe('the sources', () => {
  it('of the interfaces cite only clauses that exist', () => {
    const files = ['transport', 'protocol', 'flow', 'reason'].map((name) => readFileSync(new URL(`../src/${name}.ts`, import.meta.url), 'utf8'))
    const cited = files.flatMap((file) => [...file.matchAll(/\b([TWPCHFRL]\d)\b/g)].map(([, id]) => id!))
    expect(cited.length).toBeGreaterThan(20)
    expect(cited.filter((id) => clauses[id] === undefined)).toEqual([])
  })
})
