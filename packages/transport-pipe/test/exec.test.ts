import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { line, nul } from '@async/protocol-chunk'
import { stack } from '@async/core'
import { VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { connectExec, execConnector, type ExecOptions, exitStatus, type ProcessConnection } from '../src/index.ts'
import { cleanup, folder, Recorder, turns, until } from './support.ts'

type Some = Omit<ExecOptions, 'command' | 'stderr'> & Partial<Pick<ExecOptions, 'stderr'>>

/** A shell that runs `script`, as the process. (The shell is the program; nothing here goes through one.) */
async function sh(script: string, options: Some = {}): Promise<ProcessConnection> {
  const transport = await connectExec({ stderr: 'ignore', ...options, command: 'sh', args: ['-c', script] })
  cleanup(() => transport.abort())
  return transport
}

async function run(script: string, options: Some = {}): Promise<Recorder & { readonly transport: ProcessConnection }> {
  const transport = await sh(script, options)
  const protocol = new Recorder()
  transport.start(protocol)
  return Object.assign(protocol, { transport })
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A zombie, whose parent does not look after it, is over, too.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('a child process', () => {
  it('reads what is written, and says what is received', async () => {
    const { transport, ...protocol } = await run('cat')
    transport.write('hello')
    transport.halfClose()
    const reason = await protocol.lost
    expect(Buffer.concat(protocol.pieces).toString()).toBe('hello')
    expect(reason).toEqual({ kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0, exit: { code: 0, signal: null } })
    expect(await transport.closed).toBe(reason)
    expect(transport.exit).toEqual({ code: 0, signal: null })
  })

  it('gets its arguments as they are, without a shell', async () => {
    const words = ['$HOME', '*', ';', 'a b', '"', "'", '', '\n']
    const transport = await connectExec({ command: process.execPath, args: ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...words], stderr: 'ignore' })
    const protocol = new Recorder()
    transport.start(protocol)
    await protocol.lost
    expect(JSON.parse(protocol.data.toString())).toEqual(words)
  })

  it('gets a folder, and variables beside ours', async () => {
    const cwd = folder()
    const script = 'pwd; echo "$ASYNC_ONE$HOME"'
    const protocol = await run(script, { cwd, env: { ASYNC_ONE: 'one', HOME: undefined } })
    await protocol.lost
    expect(protocol.data.toString()).toBe(`${cwd}\none\n`)
    const bare = await connectExec({ command: '/usr/bin/env', inheritEnv: false, env: { A: '1' }, stderr: 'ignore' })
    const its = new Recorder()
    bare.start(its)
    await its.lost
    expect(its.data.toString()).toBe('A=1\n')
  })

  it('that can’t be started rejects, and says what is missing', async () => {
    const missing = { command: join(folder(), 'none'), stderr: 'ignore' } as const
    await expect(connectExec(missing)).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_NOT_FOUND', phase: 'connect', message: expect.stringContaining('program') })
    await expect(connectExec({ command: 'sh', stderr: 'ignore', cwd: missing.command })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('folder') })
    await expect(connectExec({ command: '/', stderr: 'ignore' })).rejects.toMatchObject({ code: 'ERR_ACCESS' })
    await expect(connectExec({ command: 'sh', args: ['a\0b'], stderr: 'ignore' })).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' })
    for (const bad of [{ command: '' }, { command: 'sh', stderr: undefined }, { command: 'sh', args: 'x' }, { command: 'sh', channels: { a: 2 } }, { command: 'sh', channels: { a: 3, b: 3 } }]) {
      expect(() => execConnector({ stderr: 'ignore', ...bad } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
  })

  it('that is given up on the way is killed', async () => {
    const reason = new Error('no more')
    const controller = new AbortController()
    const connecting = connectExec({ command: 'sh', args: ['-c', 'exec sleep 100'], stderr: 'ignore', signal: controller.signal })
    controller.abort(reason)
    await expect(connecting).rejects.toBe(reason)
    await expect(connectExec({ command: 'sh', stderr: 'ignore', signal: controller.signal })).rejects.toBe(reason)
  })

  it('that fails is gone, with its status', async () => {
    const reason = await (await run('echo last; exit 3')).lost
    expect(reason).toMatchObject({ kind: 'gone', error: { name: 'ConnectionError', code: 'ERR_EXIT_STATUS', message: 'sh exited with status 3' }, exit: { code: 3, signal: null } })
    const killed = await (await run('kill -9 $$')).lost
    expect(killed).toMatchObject({ kind: 'gone', error: { code: 'ERR_EXIT_SIGNAL', message: 'sh was ended by SIGKILL' }, exit: { code: null, signal: 'SIGKILL' } })
  })

  it('that fails is gone also for a protocol that closes at the end of its output, and in a layer’s reason', async () => {
    const transport = await sh('echo last; exit 3')
    const lines: string[] = []
    const above = stack(transport, line({ maxChunkBytes: 100 }))
    above.start({ dataReceived: (text) => void lines.push(text) })
    const reason = await above.closed
    expect([lines, exitStatus(reason), reason.below?.kind]).toEqual([['last'], { code: 3, signal: null }, 'gone'])
  })

  it('that fails after our close is closed, with its status', async () => {
    const { transport } = await run('cat; exit 3')
    transport.close()
    expect(await transport.closed).toMatchObject({ kind: 'closed', by: 'local', exit: { code: 3 } })
  })

  it('is over only after exit and end of output', async () => {
    // The first ends its output and lives on, the second exits before a grandchild has said the last.
    const first = await run('exec >&-; read line; exit 0')
    await first.eof
    await turns()
    expect(first.events).toEqual(['made', 'eof'])
    first.transport.write('now\n')
    expect((await first.lost).kind).toBe('closed')
    const go = join(folder(), 'go')
    const second = await run(`(while [ ! -e ${go} ]; do sleep 0.01; done; echo last) & exit 0`)
    await until(() => second.transport.exit !== undefined)
    await turns()
    expect(second.events).toEqual(['made'])
    writeFileSync(go, '')
    expect((await second.lost).kind).toBe('closed')
    expect(second.data.toString()).toBe('last\n')
  })

  it('whose output is held by a grandchild is given up in time, of which pauses are no part', async () => {
    const clock = new VirtualClock()
    const protocol = await run('sleep 100 & echo $!; exit 0', { clock, drainTimeoutMs: 700 })
    const { transport } = protocol
    await protocol.received(2)
    cleanup(() => process.kill(Number(protocol.data.toString())))
    await until(() => transport.exit !== undefined)
    clock.advance(600)
    transport.pause('read')
    clock.advance(100_000)
    await turns()
    expect(protocol.events).toEqual(['made'])
    transport.resume('read')
    await turns()
    clock.advance(99)
    await turns()
    expect(protocol.events).toEqual(['made'])
    clock.advance(1)
    expect(await protocol.lost).toMatchObject({ kind: 'gone', error: { code: 'ERR_OUTPUT_HELD' }, exit: { code: 0 } })
  })

  it('that exits while we are paused has nothing delivered until we resume, and nothing lost', async () => {
    const protocol = await run('head -c 150000 /dev/zero')
    const { transport } = protocol
    transport.pause('read')
    await until(() => transport.exit !== undefined)
    await turns(100)
    const before = protocol.bytes
    await turns(100)
    expect([protocol.bytes, protocol.events]).toEqual([before, ['made']])
    transport.resume('read')
    expect((await protocol.lost).kind).toBe('closed')
    expect(protocol.bytes).toBe(150_000)
  })

  it('that exits before anybody started the transport loses nothing', async () => {
    const transport = await sh('echo hello; echo channel >&3', { channels: { side: 3 } })
    await until(() => transport.exit !== undefined)
    await turns(50)
    const [protocol, side] = [new Recorder(), new Recorder()]
    transport.start(protocol)
    transport.channels['side']!.start(side)
    await Promise.all([protocol.lost, side.eof])
    expect([protocol.data.toString(), side.data.toString()]).toEqual(['hello\n', 'channel\n'])
  })

  it('that stops reading breaks our write half, and is heard to the end', async () => {
    const protocol = await run('exec <&-; echo first; read nothing <&3; echo second; exec >&-; sleep 0.1; exit 0', { channels: { gate: 3 } })
    const { transport } = protocol
    await protocol.received(6)
    let code: unknown
    await until(() => {
      try {
        transport.write('x')
        return false
      } catch (error) {
        code = (error as { code: unknown }).code
        return true
      }
    })
    expect(code).toBe('ERR_WRITE_BROKEN')
    transport.channels['gate']!.write('\n')
    expect(await protocol.lost).toMatchObject({ kind: 'reset', error: { code: 'ERR_RESET' }, exit: { code: 0 } })
    expect(protocol.data.toString()).toBe('first\nsecond\n')
  })
})

describe('a child that closes its output', () => {
  it('and does not exit is asked to, in time', async () => {
    const clock = new VirtualClock()
    const protocol = await run('exec >&-; exec sleep 100', { clock, lingerMs: 300 })
    const { transport } = protocol
    await protocol.eof
    transport.halfClose()
    await turns(50)
    expect(() => transport.write('x')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    clock.advance(299)
    await turns(50)
    expect(protocol.events).toEqual(['made', 'eof'])
    clock.advance(1)
    expect(await protocol.lost).toMatchObject({ kind: 'closed', by: 'peer', exit: { code: null, signal: 'SIGTERM' } })
  })
})

describe('what a child says on stderr', () => {
  it('is waited for no longer than drainTimeoutMs, when something that the child started holds it and not its output', async () => {
    for (const halfOpen of [true, false]) {
      const transport = await sh('sleep 100 >/dev/null & echo $!; exit 0', { stderr: 'log', drainTimeoutMs: 50 })
      let text = ''
      transport.start({ dataReceived: (data) => void (text += Buffer.from(data).toString()), ...(halfOpen ? { eofReceived() {} } : {}) })
      const reason = await transport.closed
      process.kill(Number(text))
      expect(reason).toMatchObject({ kind: 'closed', by: 'peer', exit: { code: 0 } })
    }
  })

  it('is let go when its handler rejects and onError throws', async () => {
    const thrown: unknown[] = []
    const mine = new Error('mine')
    const listener = (error: unknown): void => void thrown.push(error)
    process.on('unhandledRejection', listener)
    cleanup(() => process.off('unhandledRejection', listener))
    const onError = (): never => {
      throw mine
    }
    const { lost } = await run('echo a >&2', { stderr: () => Promise.reject(new Error('first')), onError, drainTimeoutMs: 60_000 })
    expect((await lost).kind).toBe('closed')
    expect(thrown).toEqual([mine])
  })

  const script = 'echo out; echo err >&2; printf "no\\nend" >&2'

  it('is logged, by lines', async () => {
    const lines: string[] = []
    const protocol = await run(script, { stderr: 'log', log: (text) => void lines.push(text) })
    await protocol.lost
    expect([protocol.data.toString(), lines]).toEqual(['out\n', ['err', 'no', 'end']])
  })

  it('is ignored', async () => {
    const protocol = await run(script, { stderr: 'ignore' })
    await protocol.lost
    expect(protocol.data.toString()).toBe('out\n')
  })

  it('is part of the output', async () => {
    const protocol = await run(script, { stderr: 'merge' })
    await protocol.lost
    expect(protocol.data.toString().split('\n').sort()).toEqual(['end', 'err', 'no', 'out'])
  })

  it('is given to a function, at its pace, all of it before the end', async () => {
    let bytes = 0
    let running = 0
    const protocol = await run('head -c 300000 /dev/zero >&2', {
      stderr: async (data) => {
        expect(++running).toBe(1)
        await turns(2)
        bytes += data.length
        running--
      },
    })
    await protocol.lost
    expect(bytes).toBe(300_000)
  })
})

describe('close() of a child process', () => {
  it('ends its input, and waits for what it still does', async () => {
    const file = join(folder(), 'done')
    const { transport } = await run(`cat > ${file}.part; mv ${file}.part ${file}`)
    transport.write('everything')
    await transport[Symbol.asyncDispose]()
    expect(readFileSync(file, 'utf8')).toBe('everything')
  })

  it('goes on to SIGTERM, and to SIGKILL, each in its time', async () => {
    const clock = new VirtualClock()
    const protocol = await run('trap "echo term" TERM; echo ready; while :; do sleep 0.01; done', { clock, lingerMs: 300, termTimeoutMs: 400 })
    const { transport } = protocol
    await protocol.received(6)
    const steps: string[] = []
    void transport.closed.then(() => steps.push('closed'))
    transport.close()
    await turns(50)
    clock.advance(299)
    await turns(50)
    expect(transport.exit).toBe(undefined)
    clock.advance(1)
    await turns(50)
    clock.advance(399)
    await turns(50)
    expect([transport.exit, steps]).toEqual([undefined, []])
    clock.advance(1)
    expect(await transport.closed).toMatchObject({ kind: 'closed', by: 'local', exit: { code: null, signal: 'SIGKILL' } })
    expect(clock.pendingCount).toBe(0)
  })

  it('is over with SIGTERM for who heeds it', async () => {
    const clock = new VirtualClock()
    const { transport, ...protocol } = await run('echo ready; exec sleep 100', { clock })
    await until(() => protocol.pieces.length > 0)
    transport.close()
    await turns(50)
    clock.advance(5_000)
    expect(await transport.closed).toMatchObject({ kind: 'closed', by: 'local', exit: { code: null, signal: 'SIGTERM' } })
  })
})

describe('abort() of a child process', () => {
  it('kills it', async () => {
    const { transport, ...protocol } = await run('trap "" TERM; echo ready; while :; do sleep 0.01; done')
    await until(() => protocol.pieces.length > 0)
    transport.abort()
    expect(await transport.closed).toMatchObject({ kind: 'aborted', exit: { signal: 'SIGKILL' } })
    expect(alive(transport.pid)).toBe(false)
  })
})

describe('channels', () => {
  it('are further connections, both ways in one, or one descriptor for each', async () => {
    const protocol = await run('cat <&3 >&3 & cat <&4 >&6 & wait', { channels: { both: 3, two: { write: 4, read: 6 } } })
    const { transport } = protocol
    const [both, two] = [new Recorder(), new Recorder()]
    stack(transport.channels['both']!, nul({ maxChunkBytes: 100 })).start({ dataReceived: (data) => void both.dataReceived(data as Uint8Array) })
    transport.channels['two']!.start(two)
    transport.channels['both']!.write('one\0')
    transport.channels['two']!.write('two')
    await Promise.all([both.received(3), two.received(3)])
    transport.channels['both']!.close()
    transport.channels['two']!.close()
    expect((await protocol.lost).kind).toBe('closed')
    expect([both.data.toString(), two.data.toString()]).toEqual(['one', 'two'])
    expect(Object.getPrototypeOf(transport.channels)).toBe(null)
    expect(existsSync(`/proc/${transport.pid}/fd`)).toBe(false)
  })
})
