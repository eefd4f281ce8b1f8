import { describe, expect, it } from 'vitest'
import type { Crossings } from '../src/crossings.ts'
import { Recorder } from '../src/crossings.ts'
import { fullPicture, sawTheSame, shortPicture, stackLine, summary } from '../src/picture.ts'
import type { StepReport } from '../src/report.ts'
import { isRight, steps } from '../src/steps.ts'

function crossings(mirrored: boolean, bytesDown = 'POST /rpc HTTP/1.1\r\n\r\n[1]'): Crossings {
  const recorder = new Recorder()
  const down = mirrored ? 'up' : 'down'
  const up = mirrored ? 'down' : 'up'
  recorder.add('calls', down, 'add(1,2)')
  recorder.add('messages', down, '[1]')
  recorder.add('body', down, '[')
  recorder.add('body', down, '1]')
  recorder.add('bytes', down, bytesDown)
  recorder.add('bytes', up, 'HTTP/1.1 204 No Content\r\n\r\n')
  return recorder.take()
}

const step: StepReport = {
  title: 'a call',
  entries: [],
  outcomes: [],
  right: true,
  agree: true,
  client: crossings(false),
  server: crossings(true),
}
const plain = { columns: 60, colour: false }

describe('fullPicture', () => {
  it('goes down the stack of one process and up that of the other', () => {
    expect(fullPicture(step, 1, plain).split('\n')).toEqual([
      'right  1. a call',
      '',
      'client process',
      '  application',
      '    ↓ add(1,2)',
      '    ↑ nothing',
      '  protocol-jsonrpc',
      '    ↓ 3 bytes  [1]',
      '    ↑ nothing',
      '  whole(): one message is one body',
      '    ↓ 3 bytes  [1]',
      '    ↑ nothing',
      '  protocol-http: an exchange is a stream',
      '    ↓ 25 bytes  POST /rpc HTTP/1.1',
      '',
      '                [1]',
      '    ↑ 27 bytes  HTTP/1.1 204 No Content',
      '  transport-tcp',
      '~ ~ ~ ~ ~ ~ ~ the wire ~ ~ ~ ~ ~ ~ ~',
      'server process',
      '  transport-tcp',
      '    ↑ 25 bytes  POST /rpc HTTP/1.1',
      '',
      '                [1]',
      '    ↓ 27 bytes  HTTP/1.1 204 No Content',
      '  protocol-http: an exchange is a stream',
      '    ↑ 3 bytes  [1]',
      '    ↓ nothing',
      '  whole(): one message is one body',
      '    ↑ 3 bytes  [1]',
      '    ↓ nothing',
      '  protocol-jsonrpc',
      '    ↑ add(1,2)',
      '    ↓ nothing',
      '  application',
      '',
    ])
  })
})

describe('shortPicture', () => {
  it('folds what is too long, and says whether the server saw the same', () => {
    const long = { ...step, client: crossings(false, 'x'.repeat(100)), agree: false }
    expect(shortPicture(long, 2, plain).split('\n').slice(-6)).toEqual([
      `    ↓ 100 bytes  ${'x'.repeat(43)}`,
      `                 ${'x'.repeat(43)}`,
      `                 ${'x'.repeat(14)}`,
      '    ↑ 27 bytes  HTTP/1.1 204 No Content',
      '  the server process saw SOMETHING ELSE',
      '',
    ])
  })
})

describe('colour', () => {
  it('is used only where it is wanted', () => {
    expect(stackLine({ stack: 's', right: false }, { columns: 80, colour: true })).toContain('\u001b[31mWRONG\u001b[0m')
    expect(stackLine({ stack: 's', right: false }, plain)).toBe('  WRONG  s')
    expect(summary({ stack: 's', steps: [], others: [], right: true }, plain)).toBe('right: one protocol, 1 stacks, every answer as it must be')
    expect(summary({ stack: 's', steps: [], others: [], right: false }, plain)).toBe('WRONG: an answer is not what it must be')
  })
})

describe('sawTheSame', () => {
  it('holds what left one process against what entered the other', () => {
    expect(sawTheSame(crossings(false), crossings(true))).toBe(true)
    expect(sawTheSame(crossings(false, 'other'), crossings(true))).toBe(false)
  })
})

describe('isRight', () => {
  it('tells a wrong answer, a missing one, and an error', () => {
    const [add] = steps
    expect(isRight(add!, [{ result: 3 }])).toBe(true)
    expect(isRight(add!, [{ result: 4 }])).toBe(false)
    expect(isRight(add!, [])).toBe(false)
    expect(isRight(add!, [{ error: { code: 3, message: '' } }])).toBe(false)
  })
})
