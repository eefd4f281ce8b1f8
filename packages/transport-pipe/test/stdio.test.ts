import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { folder, itNeeds, run } from './support.ts'

const built = new URL('../bundle/index.js', import.meta.url)

/** A module that has this package's exports in scope. It is the built one: Node 20 runs no TypeScript. */
function module(script: string): string {
  const path = join(folder(), 'main.mjs')
  writeFileSync(path, `import { connectExec, exitAfterFlush, stdioTransport } from ${JSON.stringify(built.href)}\n${script}`)
  return path
}

/** A shell command in which `NODE` starts `script`. */
function shell(command: string, script: string): ReturnType<typeof run> {
  return run('sh', ['-c', command.replaceAll('NODE', `'${process.execPath}' '${module(script)}'`)])
}

const echo = `const transport = stdioTransport()
transport.start({ dataReceived: (data) => transport.write(data), connectionLost: (reason) => console.error(reason.kind, reason.by) })\n`

beforeAll(() => {
  // A clear word, if the build is missing.
  readFileSync(built)
})

describe('stdioTransport', () => {
  it('is a link of a shell pipeline', async () => {
    const { exit } = shell('head -c 3000000 /dev/zero | NODE 2>/dev/null | wc -c', echo)
    expect((await exit).output.trim()).toBe('3000000')
  })

  it('reads and writes files', async () => {
    const dir = folder()
    writeFileSync(join(dir, 'in'), 'x'.repeat(300_000))
    const { exit } = shell(`NODE < ${dir}/in > ${dir}/out 2> ${dir}/reason`, echo)
    expect((await exit).code).toBe(0)
    expect([readFileSync(join(dir, 'out')).length, readFileSync(join(dir, 'reason'), 'utf8')]).toEqual([300_000, 'closed peer\n'])
  })

  it('reads nothing, and writes nowhere: /dev/null', async () => {
    expect((await shell('NODE < /dev/null > /dev/null 2>&1', echo).exit).code).toBe(0)
  })

  it('tells its end at once, and lets the process live on', async () => {
    const { child, line, exit } = shell(
      'NODE | (cat; echo end)',
      `const transport = stdioTransport()
transport.start({ dataReceived() {}, eofReceived() { console.log('into nothing') } })
transport.write('hello\\n')
transport.halfClose()`,
    )
    expect([await line(), await line()]).toEqual(['hello', 'end'])
    expect(child.exitCode).toBe(null)
    child.stdin.end()
    expect((await exit).output).toBe('hello\nend\n')
  })

  it('closed, lets who writes to it know, and keeps the numbers of stdio taken', async () => {
    const { child, exit } = run(process.execPath, [module(`import { openSync, closeSync } from 'node:fs'
const transport = stdioTransport({ lingerMs: 50 })
transport.start({ dataReceived() {} })
transport.close()
const reason = await transport.closed
console.log('into nothing')
const fd = openSync('/dev/null')
console.error(reason.kind, fd > 2)
closeSync(fd)
setTimeout(() => {}, 100)`)])
    let complaints = ''
    child.stderr.on('data', (data: Buffer) => (complaints += data.toString()))
    child.stdin.on('error', () => {})
    const refused = new Promise<void>((resolve) => {
      child.stdin.on('error', () => resolve())
      const more = (): boolean => child.stdin.write('x'.repeat(1000), (error) => error == null && setImmediate(more))
      more()
    })
    await refused
    expect([await exit, complaints]).toEqual([{ code: 0, output: '' }, 'closed true\n'])
  })

  it('breaks its write half when nobody reads, and hears on', async () => {
    const file = join(folder(), 'reason')
    const { exit } = shell(
      `(sleep 0.3; echo late) | NODE 2> ${file} | head -c 1 > /dev/null`,
      `const transport = stdioTransport({ brokenReadMs: 10000 })
let heard = ''
transport.start({
  dataReceived(data) { heard += Buffer.from(data) },
  eofReceived() {},
  connectionLost(reason) { console.error(JSON.stringify([heard, reason.kind, reason.error?.code])) },
})
const timer = setInterval(() => { try { transport.write('y'.repeat(100)) } catch { clearInterval(timer) } }, 1)`,
    )
    expect((await exit).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe('["late\\n","reset","ERR_RESET"]\n')
  })

  it('can be paused, and leaves no stdin flowing', async () => {
    const { child, line, exit } = run(process.execPath, [module(`const transport = stdioTransport()
transport.start({ dataReceived: (data) => transport.write(data) })
transport.pause('read')
transport.write('paused\\n')
setTimeout(() => transport.resume(), 50)`)])
    child.stdin.write('late\n')
    expect([await line(), await line()]).toEqual(['paused', 'late'])
    child.stdin.end()
    expect((await exit).code).toBe(0)
    // Paused for good, with stdin open: nothing keeps the process.
    const idle = run(process.execPath, [module(`const transport = stdioTransport()
transport.start({ dataReceived() {} })
transport.pause('read')`)])
    expect((await idle.exit).code).toBe(0)
  })

  it('is there once', async () => {
    const { exit } = run(process.execPath, [module(`stdioTransport().abort()
try { stdioTransport() } catch (error) { console.error(error.code); process.exit(error.code === 'ERR_STDIO_TAKEN' ? 0 : 1) }`)])
    expect((await exit).code).toBe(0)
  })

  it('leaves a shared pipe blocking, as it was', async () => {
    // Both read one pipe, one after the other; what Node left non-blocking would give cat an error.
    const { exit } = shell(
      '(printf "one\\n"; sleep 0.5; printf "two\\n") | (NODE; cat 2>&1)',
      `const transport = stdioTransport()
transport.start({ dataReceived: (data) => { transport.write(data); transport.drained(0).then(() => process.exit()) } })`,
    )
    expect((await exit).output).toBe('one\ntwo\n')
  })

  // What comes of a terminal that hangs up is Node's: it reports an end, and (20.20) fails an assertion when it exits, with or without us.
  itNeeds('python3', 'is a terminal’s, and ends when that says so', async () => {
    const { exit } = run('python3', ['-c', `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
got = b''
os.write(fd, b'hello\\n')
while got.count(b'hello') < 2: got += os.read(fd, 100)
os.write(fd, b'\\x04')
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`, process.execPath, module(echo.replace('console.error(reason.kind, reason.by)', 'process.exit(reason.kind === "closed" ? 7 : 9)'))])
    expect((await exit).output).toBe('7\n')
  })
})

describe('exitAfterFlush', () => {
  const much = `process.stdout.write('x'.repeat(5_000_000));`
  const slow = `| (sleep 0.3; wc -c)`

  it('lets a slow reader have everything, where process.exit does not', async () => {
    const cut = await shell(`NODE ${slow}`, `${much} process.exit()`).exit
    const whole = await shell(`NODE ${slow}`, `${much} exitAfterFlush()`).exit
    expect(Number(cut.output)).toBeLessThan(5_000_000)
    expect(Number(whole.output)).toBe(5_000_000)
  })

  it('waits for the transport as well, and gives the code', async () => {
    const { exit } = shell(`(NODE; echo " $?" >&2) 2>&1 ${slow}`, `const transport = stdioTransport()
transport.start({ dataReceived() {} })
transport.write('x'.repeat(5_000_000))
exitAfterFlush(3)`)
    expect((await exit).output.trim()).toBe(String(5_000_000 + ' 3\n'.length))
  })

  it('gives up in time', async () => {
    const child = spawn(process.execPath, [module(`${much} exitAfterFlush(4, { timeoutMs: 50 })`)], { stdio: ['ignore', 'pipe', 'ignore'] })
    // Nobody reads.
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(4)
    child.stdout.destroy()
  })
})

describe('children', () => {
  const start = `const child = await connectExec({ command: 'sh', args: ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.02; done'], stderr: 'ignore' })
child.start({ dataReceived() { console.log(child.pid); then() } })\n`
  const gone = async (pid: string): Promise<void> => {
    const over = (): boolean => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
      } catch {
        return true
      }
    }
    while (!over()) await new Promise((resolve) => setImmediate(resolve))
  }

  it.runIf(process.platform === 'linux')('end with us, when we exit, throw, reject, or are ended by a signal', async () => {
    for (const how of ['process.exit(5)', 'throw new Error("thrown")', 'Promise.reject(new Error("rejected"))', 'process.kill(process.pid, "SIGTERM")', 'process.kill(process.pid, "SIGINT")']) {
      const { line, child } = run(process.execPath, [module(`${start}function then() { setImmediate(() => { ${how} }) }`)])
      const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)))
      await gone(await line())
      expect(await ended).toBe(how.includes('TERM') ? 'SIGTERM' : how.includes('INT') ? 'SIGINT' : how.includes('5') ? 5 : 1)
    }
  })

  it.runIf(process.platform === 'linux')('are left to who listens for the signal', async () => {
    const { line, child, exit } = run(process.execPath, [module(`process.on('SIGTERM', () => { console.log('heard'); child.abort() })
${start}function then() {}`)])
    const pid = await line()
    child.kill('SIGTERM')
    expect(await line()).toBe('heard')
    await gone(pid)
    expect((await exit).code).toBe(0)
  })

  it.runIf(process.platform === 'linux')('that end with their input end also when we are killed', async () => {
    const { line, child } = run(process.execPath, [module(start.replace('trap "" TERM; echo ready; while :; do sleep 0.02; done', 'echo ready; exec cat') + 'function then() {}')])
    const pid = await line()
    child.kill('SIGKILL')
    await gone(pid)
  })
})
