/** A bounded run, and what long ones left: each is what it was, however it is cut, and differs from the others as it is written down. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { campaign, compare, newTally, outcomeOf, replay } from './campaign.ts'
import { classes } from './classes.ts'
import { figures, inputOf, readCorpus, summary, table } from './corpus.ts'
import { H11, pythonWithH11 } from './h11.ts'
import { llhttp } from './llhttp.ts'
import { examine } from './ours.ts'

const corpus = readCorpus(new URL('corpus.json', import.meta.url))
const python = pythonWithH11()
// Another llhttp may have mended something: then there is no difference where there was one, but never one that nobody knows.
const isTheSame = process.versions['llhttp'] === corpus.run.llhttp

let h11: H11 | undefined
beforeAll(() => {
  if (python === undefined && process.env['CI'] === 'true') throw new Error('h11 is missing (Debian: python3-h11)')
  if (python !== undefined) h11 = new H11(python)
})
afterAll(() => h11?.stop())

it('inputs that reached something first', () => {
  for (const kept of corpus.reached) expect([kept[0], summary(replay(inputOf(kept)))]).toEqual([kept[0], kept[2]])
})

describe('the classes of differences', () => {
  for (const [name, { input: kept, peer }] of Object.entries(corpus.classes)) {
    it.skipIf(peer === 'h11' && python === undefined)(`${name} (${peer})`, async () => {
      const input = inputOf(kept)
      expect(summary(replay(input))).toBe(kept[2])
      const tally = newTally()
      compare(tally, peer, input, outcomeOf(input), peer === 'llhttp' ? llhttp(input) : (await h11!.parse([input]))[0]!, name)
      expect(tally.failures).toEqual([])
      if (peer === 'h11' || isTheSame || tally.classes.size > 0) expect([...tally.classes.keys()]).toContain(name)
    })
  }

  it('each is known by an example, and is in the document, which is made from them', () => {
    expect(new Set(Object.keys(corpus.classes))).toEqual(new Set(classes.map(({ name }) => name)))
    const document = readFileSync(new URL('../../../../docs/http-differences.md', import.meta.url), 'utf8')
    expect(document).toContain(table(corpus))
    expect(document).toContain(figures(corpus))
  })
})

it('a bounded run', async () => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    const tally = await campaign({ seed: 4, from: 0, to: 16_000, h11: h11 === undefined ? undefined : { process: h11, oneIn: 16 } })
    expect(tally.failures).toEqual([])
    expect(tally.inputs).toBe(16_000)
    expect(tally.compared.llhttp).toBe(16_000)
    // Without both, nothing was tried.
    expect(tally.accepted).toBeGreaterThan(3000)
    expect(tally.refused).toBeGreaterThan(3000)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
})

describe('what the fuzz found in us', () => {
  it('a body that ends with the connection is told up to the limit, however it is cut', () => {
    const outcome = examine({ text: 'HTTP/1.1 200 OK\r\n\r\n0123456789', asked: ['GET'] }, [4], { limits: { maxBodyBytes: 8 } }, true)
    expect(outcome.partial?.body).toBe('01234567')
    expect(outcome.why).toBe('ERR_HTTP_BODY_TOO_LARGE 413 maxBodyBytes: 9 bytes, allowed are 8')
  })

  it('the words of a refusal do not depend on the reads', () => {
    const start = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(examine({ text: `${start}1\r\nabcdef\r\n`, asked: undefined }, [3]).why).toBe('ERR_HTTP_BAD_CHUNK_END 400 An HTTP chunk is followed by "bc" instead of CRLF')
    expect(examine({ text: `GET /${'x'.repeat(90)} HTTP/1.1\r\n`, asked: undefined }, [7], { limits: { maxStartLineBytes: 40 } }).why)
      .toBe('ERR_HTTP_START_LINE_TOO_LONG 414 maxStartLineBytes: 42 bytes, allowed are 40')
  })

  it('field lines that are remembered are found at the start of a line alone', () => {
    const again = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
    // Other limits than the default have a memory of their own.
    expect(summary(examine({ text: `${again}${again}GET /x HTTP/1.1\r\nXHost: h\r\n\r\n`, asked: undefined }, [72, 100], { limits: { maxHeaderCount: 99 } })))
      .toBe('request GET /, 0 bytes; request GET /, 0 bytes; ERR_HTTP_BAD_HOST 400')
  })
})
