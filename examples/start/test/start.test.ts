import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Boundary } from '../src/crossings.ts'
import type { Report } from '../src/report.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const main = join(root, 'examples/start/dist/main.js')
const cli = join(root, 'packages/cli/dist/main.js')
const run = promisify(execFile)
let report: Report

beforeAll(async () => {
  // It emits in spite of what it complains about, which is for the build to tell.
  const tsc = join(dirname(createRequire(join(root, 'package.json')).resolve('typescript/package.json')), 'bin/tsc')
  spawnSync(process.execPath, [tsc, '-b', join(root, 'examples/start'), join(root, 'packages/cli')])
  report = JSON.parse((await run(process.execPath, [main, '--json'])).stdout) as Report
}, 60_000)

/** What is not the same every time: the port, and the time. */
function fixed(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT').replace(/Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/g, 'Date: NOW')
}

function request(body: string): string {
  return `POST /rpc HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

function answer(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: NOW\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

/** Every message of the conversation: what goes out, and what comes back. */
const messages: readonly (readonly [out: string, back: string | undefined])[] = [
  ['{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}', '{"jsonrpc":"2.0","result":3,"id":1}'],
  ['{"jsonrpc":"2.0","method":"greet","params":{"name":"Ada"},"id":2}', '{"jsonrpc":"2.0","result":"Hello, Ada!","id":2}'],
  [
    '{"jsonrpc":"2.0","method":"divide","params":[1,0],"id":3}',
    '{"jsonrpc":"2.0","error":{"code":1,"message":"division by zero","data":{"dividend":1}},"id":3}',
  ],
  ['{"jsonrpc":"2.0","method":"note","params":["seen"]}', undefined],
  [
    '[{"jsonrpc":"2.0","method":"add","params":[20,22],"id":4},{"jsonrpc":"2.0","method":"note","params":["again"]},' +
      '{"jsonrpc":"2.0","method":"subtract","params":[3,1],"id":5},{"jsonrpc":"2.0","method":"notes","id":6}]',
    '[{"jsonrpc":"2.0","result":42,"id":4},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":5},' +
      '{"jsonrpc":"2.0","result":["seen","again"],"id":6}]',
  ],
]

describe('start --json', () => {
  it('says that all was right', () => {
    expect(report.right).toBe(true)
    expect(report.steps.map(({ right, agree }) => right && agree)).toEqual([true, true, true, true, true])
    expect(report.steps.map(({ outcomes }) => outcomes)).toEqual([
      [{ result: 3 }],
      [{ result: 'Hello, Ada!' }],
      [{ error: { code: 1, message: 'division by zero', data: { dividend: 1 } } }],
      ['sent'],
      [{ result: 42 }, 'sent', { error: { code: -32601, message: 'Method not found' } }, { result: ['seen', 'again'] }],
    ])
    expect(fixed(report.stack)).toBe('jsonrpc+http+tcp://127.0.0.1:PORT/rpc')
  })

  it.each(messages.map((message, at) => [at + 1, ...message] as const))('step %i: every byte that HTTP sent, and what it carried', (number, out, back) => {
    const { client } = report.steps[number - 1]!
    expect(client.messages).toEqual({ down: [out], up: back === undefined ? [] : [back] })
    expect(client.body).toEqual(client.messages)
    expect(client.bytes.down.map(fixed)).toEqual([request(out)])
    expect(client.bytes.up.map(fixed)).toEqual([back === undefined ? 'HTTP/1.1 204 No Content\r\nDate: NOW\r\n\r\n' : answer(back)])
  })

  it.each([[1], [2], [3], [4], [5]])('step %i: what leaves one process enters the other', (number) => {
    const { client, server } = report.steps[number - 1]!
    for (const boundary of ['messages', 'body', 'bytes'] satisfies Boundary[]) {
      expect(server[boundary]).toEqual({ down: client[boundary].up, up: client[boundary].down })
    }
  })

  it('shows each call where it reaches the application', () => {
    expect(report.steps.map(({ server }) => server.calls)).toEqual([
      { up: ['add(1,2)'], down: ['3'] },
      { up: ['greet({"name":"Ada"})'], down: ['"Hello, Ada!"'] },
      { up: ['divide(1,0)'], down: ['error division by zero'] },
      { up: ['note("seen")'], down: ['null'] },
      { up: ['add(20,22)', 'note("again")', 'notes()'], down: ['42', 'null', '["seen","again"]'] },
    ])
  })

  it('holds the same conversation over every other stack', () => {
    const plain = (text: string): string => fixed(text).replace(/unix:\S+\/rpc.sock/, 'unix:SOCKET').replace(/process \d+/, 'process PID').replace(/\d+ ms/, 'MS')
    expect(report.others.map(({ stack, right, note }) => (note === undefined ? [plain(stack), right] : [plain(stack), right, plain(note)]))).toEqual([
      ['jsonrpc+line+tcp://127.0.0.1:PORT', true],
      ['jsonrpc+nul+tcp://127.0.0.1:PORT', true],
      ['jsonrpc+lsp+tcp://127.0.0.1:PORT', true],
      ['jsonrpc+length-prefix+tcp://127.0.0.1:PORT', true],
      ['jsonrpc+line+unix:SOCKET', true, 'a socket of mode 600, unlinked at the end'],
      ['jsonrpc+lsp+exec:node child.js', true, 'process PID, which ended with its input, status 0'],
      ['jsonrpc+line+tls+tcp://127.0.0.1:PORT', true, 'TLSv1.3, TLS_AES_256_GCM_SHA384, closed by close_notify'],
      ['jsonrpc+ws+tcp://127.0.0.1:PORT/rpc', true, 'text messages, closed with 1000'],
      ['jsonrpc+line+tls+unix:SOCKET', true, 'TLS over what is no TCP'],
      ['jsonrpc+line+serial:/dev/ttyS0?baudRate=115200', true, 'a simulated line at 115,200 baud, which takes its time: MS'],
      ['JSON-RPC over a pair of message transports in memory', true],
      ['JSON-RPC over lines over a pair of streams in memory', true],
      ['JSON-RPC over HTTP over a pair of streams in memory', true],
    ])
  })
})

describe('start', () => {
  it('prints a picture that is plain when it is piped', async () => {
    const { stdout, stderr } = await run(process.execPath, [main])
    expect(stderr).toBe('')
    // Nothing that drives a terminal.
    expect([...stdout].filter((character) => character < ' ' && character !== '\n')).toEqual([])
    const lines = stdout.split('\n')
    expect(lines.filter((line) => line.startsWith('right  '))).toEqual([
      'right  1. a call, params by position',
      'right  2. a call, params by name',
      'right  3. an error of the application',
      'right  4. a notification',
      'right  5. a batch: a call, a notification, a method that is not there, a call',
    ])
    expect(lines.at(-2)).toBe('right: one protocol, 14 stacks, every answer as it must be')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  it('ends with 1 when an answer is wrong', async () => {
    // A copy in which the service subtracts, where the packages are still found.
    const copy = join(root, 'examples/start/node_modules/.wrong')
    cpSync(dirname(main), join(copy, 'dist'), { recursive: true })
    cpSync(join(root, 'examples/start/certificates'), join(copy, 'certificates'), { recursive: true })
    const service = join(copy, 'dist/service.js')
    const right = readFileSync(service, 'utf8')
    expect(right).toContain('a + b')
    writeFileSync(service, right.replace('a + b', 'a - b'))
    const wrong = await run(process.execPath, [join(copy, 'dist/main.js')]).catch((error: { code: number; stdout: string }) => error)
    rmSync(copy, { recursive: true })
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringMatching(/^WRONG {2}1\. a call, params by position$/m) })
    expect(wrong.stdout.trimEnd().split('\n').at(-1)).toBe('WRONG: an answer is not what it must be')
  })

  it('leaves the server up with --keep, and says how to reach it', async (test) => {
    const hasCurl = spawnSync('sh', ['-c', 'command -v curl']).status === 0
    if (!hasCurl && process.env['CI'] !== 'true') test.skip('curl is not installed')
    const kept = spawn(process.execPath, [main, '--keep'])
    let text = ''
    kept.stdout.on('data', (data: Buffer) => (text += data.toString()))
    while (!text.endsWith("add '[1, 2]'\n")) await once(kept.stdout, 'data')
    const lines = text.split('\n').filter((line) => line.startsWith('  curl') || line.startsWith('  node'))
    const answers = await Promise.all(lines.map((line) => run('sh', ['-c', line.replace('packages/cli/dist/main.js', cli)])))
    expect(lines.map((line) => line.trim().split(' ')[0])).toEqual(['curl', 'node'])
    expect(answers.map(({ stdout }) => stdout.trim())).toEqual(['{"jsonrpc":"2.0","result":3,"id":1}', '3'])
    kept.kill('SIGINT')
    expect(await once(kept, 'exit')).toEqual([0, null])
  })
})
