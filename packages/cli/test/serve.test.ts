import { createRequire } from 'node:module'
import { once } from 'node:events'
import { connect as connectSocket, createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { build, Command, needs, peer, run, type Ended } from './process.ts'

const module = './test/fixtures/methods.mjs'

beforeAll(build, 60_000)

function seen({ code, stdout, stderr }: Ended): unknown {
  return { code, stdout: stdout.toString(), stderr }
}

/** Starts `async serve`; the stack string that it prints reaches it. */
async function served(stack: string): Promise<{ stack: string; command: Command }> {
  const command = new Command(['serve', stack, module])
  return { stack: await command.firstLine(), command }
}

type Row = readonly [args: string[], code: number, stdout: string, stderr: string]

/** Held against every stack. */
const calls: readonly Row[] = [
  [['add', '[1, 2]'], 0, '3\n', ''],
  [['greet', '{"name": "Ada"}'], 0, '"Hello, Ada!"\n', ''],
  [['divide', '[1, 0]'], 1, '', 'async: answered 1: division by zero {"a":1}\n'],
  [['none'], 1, '', 'async: answered -32601: Method not found\n'],
]

/** Held against two: what is above the framing is the same everywhere. */
const others: readonly Row[] = [
  [['later', '[{"a": [null]}]'], 0, '{"a":[null]}\n', ''],
  [['nothing'], 0, 'null\n', ''],
  [['echo', '[1, "é\\u0000", {}]'], 0, '[1,"é\\u0000",{}]\n', ''],
  [['echo', '[]'], 0, '[]\n', ''],
  [['echo', '{}'], 0, '[{}]\n', ''],
  [['fail'], 1, '', 'async: answered -32603: Internal error\n'],
  [['textCode'], 1, '', 'async: answered -32603: Internal error\n'],
  [['toString'], 1, '', 'async: answered -32601: Method not found\n'],
  [['__proto__'], 1, '', 'async: answered -32601: Method not found\n'],
  [['then'], 1, '', 'async: answered -32601: Method not found\n'],
  [['Hidden'], 1, '', 'async: answered -32601: Method not found\n'],
  [['constant'], 1, '', 'async: answered -32601: Method not found\n'],
]

describe('async serve and async call', () => {
  describe.each([
    ['jsonrpc+http://:0/rpc', true],
    ['jsonrpc+http+tcp://127.0.0.1:0/rpc?v=1', false],
    ['jsonrpc+line+tcp://:0', true],
    ['jsonrpc+nul+tcp://:0', false],
    ['jsonrpc+lsp+tcp://:0', false],
    ['jsonrpc+length-prefix+tcp://:0', false],
    ['jsonrpc+length-prefix;widthBytes=varint+tcp://:0', false],
    ['jsonrpc+chunk;delimiter=%0D%0A+tcp://:0', false],
  ])('over %s', (text, isFull) => {
    let stack = ''
    let command: Command
    beforeAll(async () => {
      ;({ stack, command } = await served(text))
    })
    afterAll(async () => {
      // Not in order: calls that were given up still run there.
      command.child.kill('SIGKILL')
      await command.ended
    })

    it.each(isFull ? [...calls, ...others] : calls)('call %j', async (args, code, stdout, stderr) => {
      expect(seen(await run(['call', stack, ...args]))).toEqual({ code, stdout, stderr })
    })

    it('takes PARAMS from standard input', async () => {
      expect(seen(await run(['call', stack, 'add', '-'], { input: '[3, 4]\n' }))).toEqual({ code: 0, stdout: '7\n', stderr: '' })
    })

    it('sends a notification, and awaits nothing', async () => {
      expect(seen(await run(['call', '--notify', stack, 'count']))).toEqual({ code: 0, stdout: '', stderr: '' })
      // The counter is the proof: 1 for the notification, 2 for this.
      expect(seen(await run(['call', stack, 'count']))).toEqual({ code: 0, stdout: '2\n', stderr: '' })
    })

    it('gives up after --timeout', async () => {
      expect(seen(await run(['call', '--timeout', '200', stack, 'never']))).toEqual({ code: 5, stdout: '', stderr: 'async: no answer within 200 ms\n' })
    })

    if (isFull) it('tells the operator what the caller is not told', () => {
      expect(command.stderr).toContain('RangeError: the secret is 42')
    })
  })

  it('answers the calls that run when it is told to end', async () => {
    const { stack, command } = await served('jsonrpc+line+tcp://:0')
    const caller = new Command(['call', stack, 'slow', '[300]'])
    // The function says when it has begun.
    await command.nextLine()
    command.child.kill('SIGINT')
    expect(seen(await caller.ended)).toEqual({ code: 0, stdout: '"slept"\n', stderr: '' })
    expect((await command.ended).code).toBe(130)
  })

  it('does not wait longer than --grace, and a second Ctrl-C ends it at once', async () => {
    for (const grace of ['0', '60000']) {
      const command = new Command(['serve', '--grace', grace, 'jsonrpc+line+tcp://:0', module])
      const stack = await command.firstLine()
      const caller = new Command(['call', stack, 'slow', '[60000]'])
      await command.nextLine()
      command.child.kill('SIGINT')
      if (grace !== '0') {
        await command.errorLine('ending')
        command.child.kill('SIGINT')
      }
      expect((await command.ended).code).toBe(130)
      const { code, stderr } = await caller.ended
      expect(code).toBe(3)
      expect(stderr).toMatch(/^async: no answer: .*\n$/)
    }
  })

  it('does not wait for calls whose callers have left', async () => {
    const command = new Command(['serve', '--grace', '600000', 'jsonrpc+line+tcp://:0', module])
    const caller = connectSocket(Number((await command.firstLine()).split(':').at(-1)), '127.0.0.1')
    caller.write('{"jsonrpc":"2.0","method":"slow","params":[600000],"id":1}\n')
    await command.nextLine()
    // A caller that only ends its side may still read.
    caller.resetAndDestroy()
    command.child.kill('SIGINT')
    expect((await command.ended).code).toBe(130)
  })

  it('takes longer messages where the stack says so', async () => {
    const { stack, command } = await served('jsonrpc;maxMessageBytes=4000000+http://:0')
    const { code, stdout } = await run(['call', stack, 'long', '[2000000]'])
    expect({ code, bytes: stdout.length }).toEqual({ code: 0, bytes: 2_000_003 })
    expect((await run(['call', stack.replace(';maxMessageBytes=4000000', ''), 'long', '[2000000]'])).code).toBe(3)
    command.child.kill('SIGINT')
    await command.ended
  })

  it('gives up a notification that nobody takes', async () => {
    const server = createServer(() => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const stack = `jsonrpc+http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(seen(await run(['call', '--notify', '--timeout', '200', stack, 'm']))).toEqual({
      code: 5,
      stdout: '',
      stderr: 'async: not sent within 200 ms\n',
    })
    server.close()
  })

  it('ends a call with 130 on Ctrl-C', async () => {
    const { stack, command } = await served('jsonrpc+line+tcp://:0')
    const caller = new Command(['call', stack, 'slow', '[60000]'])
    await command.nextLine()
    caller.child.kill('SIGINT')
    expect(seen(await caller.ended)).toEqual({ code: 130, stdout: '', stderr: '' })
    command.child.kill('SIGKILL')
    await command.ended
  })

  it('listens on 127.0.0.1 unless the stack says otherwise', async () => {
    const { stack, command } = await served('jsonrpc+line+tcp://:0')
    expect(stack).toMatch(/^jsonrpc\+line\+tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)
    command.child.kill('SIGINT')
    await command.ended
  })

  it('says that nobody listens, in one line', async () => {
    const { stack, command } = await served('jsonrpc+line+tcp://:0')
    command.child.kill('SIGINT')
    await command.ended
    const { code, stdout, stderr } = await run(['call', stack, 'add', '[1, 2]'])
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^async: .*\(ERR_REFUSED\)\n$/)
  })

  it('says that the port is taken', async () => {
    const { stack, command } = await served('jsonrpc+line+tcp://:0')
    const { code, stderr } = await run(['serve', stack, module])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^async: .*\n$/)
    command.child.kill('SIGINT')
    await command.ended
  })
})

describe('curl against async serve', () => {
  beforeEach(needs('curl'))
  let url = ''
  let command: Command
  beforeAll(async () => {
    const { stack, command: started } = await served('jsonrpc+http://:0/rpc')
    url = stack.replace('jsonrpc+http+tcp', 'http')
    command = started
  })
  afterAll(async () => {
    command.child.kill('SIGINT')
    await command.ended
  })

  async function curl(body: string): Promise<string> {
    const { code, stdout } = await peer('curl', ['-sS', '-m', '10', '-H', 'content-type: application/json', '-w', '\n%{http_code}', '--data-binary', '@-', url], body)
    expect(code).toBe(0)
    return stdout.toString()
  }

  it.each<[string, readonly string[], string]>([
    ['another path', ['-d', '{}', 'http://127.0.0.1:PORT/other'], '404'],
    ['another method', ['http://127.0.0.1:PORT/rpc'], '405'],
    ['a web page', ['-H', 'Origin: http://example.test', '-d', '{}', 'http://127.0.0.1:PORT/rpc'], '403'],
    ['the path with a query', ['-d', '{"jsonrpc":"2.0","method":"add","params":[1,2]}', 'http://127.0.0.1:PORT/rpc?x=1'], '204'],
  ])('%s', async (_, args, status) => {
    const filled = args.map((arg) => arg.replace('127.0.0.1:PORT', new URL(url).host))
    expect((await peer('curl', ['-sS', '-m', '10', '-o', '/dev/null', '-w', '%{http_code}', ...filled])).stdout.toString()).toBe(status)
  })

  it('says that an answer is JSON', async () => {
    const body = '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}'
    const { stdout } = await peer('curl', ['-sS', '-m', '10', '-o', '/dev/null', '-w', '%{content_type}', '-d', body, url])
    expect(stdout.toString()).toBe('application/json')
  })

  it.each<[string, string, string]>([
    ['one call', '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}', '{"jsonrpc":"2.0","result":3,"id":1}\n200'],
    ['a notification', '{"jsonrpc":"2.0","method":"add","params":[1,2]}', '\n204'],
    [
      'a batch',
      '[{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1},{"jsonrpc":"2.0","method":"count"},{"jsonrpc":"2.0","method":"none","id":"2"}]',
      '[{"jsonrpc":"2.0","result":3,"id":1},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"2"}]\n200',
    ],
    ['no JSON', '{"jsonrpc": "2.0", "method', '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}\n200'],
    ['an empty batch', '[]', '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}\n200'],
  ])('%s', async (_, body, answer) => {
    expect(await curl(body)).toBe(answer)
  })
})

describe('nc against async serve', () => {
  beforeEach(needs('nc'))
  it('one message a line', async () => {
    const { stack, command } = await served('jsonrpc+line+tcp://:0')
    const port = stack.split(':').at(-1) as string
    const { stdout } = await peer('nc', ['-N', '-w', '5', '127.0.0.1', port], '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}\nnonsense\n')
    expect(stdout.toString().split('\n').sort()).toEqual([
      '',
      '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}',
      '{"jsonrpc":"2.0","result":3,"id":1}',
    ])
    command.child.kill('SIGINT')
    await command.ended
  })
})

describe('socat against async serve', () => {
  beforeEach(needs('socat'))
  it('messages that end with NUL', async () => {
    const { stack, command } = await served('jsonrpc+nul+tcp://:0')
    const port = stack.split(':').at(-1) as string
    const { stdout } = await peer('socat', ['-t5', '-', `TCP:127.0.0.1:${port}`], '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}\0')
    expect(stdout.toString()).toBe('{"jsonrpc":"2.0","result":3,"id":1}\0')
    command.child.kill('SIGINT')
    await command.ended
  })
})

describe('async call against jayson', () => {
  interface JaysonServer {
    tcp(): Server
    http(): Server
  }
  const jayson = createRequire(import.meta.url)('jayson') as { Server: new (methods: object) => JaysonServer & { errorMessages: object } }
  const methods = {
    add: ([a, b]: [number, number], done: (error: unknown, result?: unknown) => void) => done(null, a + b),
    refuse: (_: unknown, done: (error: unknown) => void) => done({ code: 7, message: 'refused', data: [1] }),
  }

  it.each([
    ['jsonrpc+http', 'http'],
    ['jsonrpc+line+tcp', 'tcp'],
  ] as const)('over %s', async (stack, kind) => {
    const server = new jayson.Server(methods)[kind]()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const text = `${stack}://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(seen(await run(['call', text, 'add', '[1, 2]']))).toEqual({ code: 0, stdout: '3\n', stderr: '' })
    expect(seen(await run(['call', text, 'refuse']))).toEqual({ code: 1, stdout: '', stderr: 'async: answered 7: refused [1]\n' })
    server.close()
  })
})
