import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build, Command, peer, run } from './process.ts'

beforeAll(build, 60_000)

describe('async', () => {
  it.each<[string[], string]>([
    [['--help'], 'async: serve, call and connect over any stack of protocols and transports'],
    [['help', 'serve'], 'async serve [--grace MS] STACK MODULE'],
    [['serve', '--help'], 'async serve [--grace MS] STACK MODULE'],
    [['call', '-h'], 'async call [--timeout MS] [--notify] STACK METHOD [PARAMS]'],
    [['connect', '--help'], 'async connect [--timeout MS] [--null] STACK'],
  ])('%j helps, and that is no error', async (args, first) => {
    const { code, stdout, stderr } = await run(args)
    expect({ code, stderr, first: stdout.toString().split('\n')[0] }).toEqual({ code: 0, stderr: '', first })
    expect(stdout.toString()).toContain('Exit codes:\n  0    done\n')
  })

  it('tells its version', async () => {
    const { code, stdout } = await run(['--version'])
    expect(code).toBe(0)
    expect(stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each<[string[], number, string]>([
    [[], 2, 'what shall be done? serve, call or connect (async --help tells more)'],
    [['call', 'jsonrpc+tcp://h:1', 'm'], 2, 'jsonrpc needs messages, and tcp carries a stream: frame it, as in jsonrpc+line+tcp://h:1'],
    [['call', 'jsonrpc+http//h', 'm'], 2, 'stack string: expected "+", ";" or ":" at 12, found "/" (ERR_STACK_SYNTAX)'],
    [['call', 'jsonrpc+http://h', 'm', '7'], 2, 'PARAMS must be a JSON array (by position) or object (by name), not 7: write [7]'],
    [['call', 'jsonrpc+http://h', 'm', '-'], 2, 'standard input is no JSON: nothing'],
    [['serve', 'jsonrpc+http://:0', './none.mjs'], 6, `there is no file ${fileURLToPath(new URL('../none.mjs', import.meta.url))}`],
    [['connect', 'line;nope=1+tcp://127.0.0.1:1'], 2, 'line has no parameter nope: it has ending, maxChunkBytes, overlong, deliverTail'],
  ])('%j ends with %i and one line', async (args, code, line) => {
    const ended = await run(args)
    expect({ code: ended.code, stderr: ended.stderr, stdout: ended.stdout.toString() }).toEqual({ code, stderr: `async: ${line}\n`, stdout: '' })
  })

  it('ends quietly when nobody reads the output', async () => {
    const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
    const { stdout, stderr } = await peer('bash', ['-c', `node ${JSON.stringify(main)} --help | true; echo "\${PIPESTATUS[0]}"`])
    expect(stderr).toBe('')
    // Whether the pipe broke before all was written is the machine's choice.
    expect(['0\n', '141\n']).toContain(stdout.toString())
  })

  it('ends with 141 when the reader of a long result leaves', async () => {
    const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
    const command = new Command(['serve', 'jsonrpc+line+tcp://:0', './test/fixtures/methods.mjs'])
    const call = `node ${JSON.stringify(main)} call ${await command.firstLine()} long '[500000]'`
    const { stdout, stderr } = await peer('bash', ['-c', `${call} | head -c 5; echo " \${PIPESTATUS[0]}"`])
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: '"xxxx 141\n', stderr: '' })
    command.child.kill('SIGKILL')
    await command.ended
  })

  it('ends with 130 on Ctrl-C while it reads standard input', async () => {
    const command = new Command(['call', 'jsonrpc+http://127.0.0.1:1', 'm', '-'])
    // More than a pipe holds: when it is written, it is being read.
    await new Promise((resolve) => command.child.stdin.write(' '.repeat(512 * 1024), resolve))
    command.child.kill('SIGINT')
    expect(await command.ended).toMatchObject({ code: 130, stderr: '' })
  })

  it('ends with 130 on Ctrl-C while it loads a module', async () => {
    const command = new Command(['serve', 'jsonrpc+http://:0', './test/fixtures/never-loads.mjs'])
    await command.firstLine()
    command.child.kill('SIGINT')
    expect(await command.ended).toMatchObject({ code: 130, stderr: '' })
  })

  it('ends with 130 on Ctrl-C, and 143 on SIGTERM', async () => {
    for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
      const command = new Command(['serve', 'jsonrpc+line+tcp://:0', './test/fixtures/methods.mjs'])
      await command.firstLine()
      command.child.kill(signal)
      expect((await command.ended).code).toBe(code)
    }
  })
})

describe('async without its siblings', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'async-cli-'))
    for (const [name, built] of [['cli', 'dist'], ['core', 'bundle']] as const) {
      const from = fileURLToPath(new URL(`../../${name}/`, import.meta.url))
      const to = join(folder, 'node_modules/@async', name)
      mkdirSync(to, { recursive: true })
      for (const part of ['package.json', built]) cpSync(join(from, part), join(to, part), { recursive: true })
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('names the one that is missing, and the command that installs it', async () => {
    const main = join(folder, 'node_modules/@async/cli/dist/main.js')
    const { code, stderr } = await peer(process.execPath, [main, 'connect', 'tcp://127.0.0.1:1'])
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: 'async: tcp needs the package @async/transport-tcp, which is not installed here: npm install @async/transport-tcp\n',
    })
  })
})
