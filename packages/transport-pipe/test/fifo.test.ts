import { spawn } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { connectFifo, fdConnector, fifoConnector, openFd } from '../src/index.ts'
import { Fifos } from './fifos.ts'
import { cleanup, folder, itNeeds, Recorder, run, turns } from './support.ts'

const fifos = new Fifos()
afterAll(() => fifos.remove())

const descriptors = (): number => readdirSync('/proc/self/fd').length

describe('connectFifo', () => {
  it('meets a shell pipeline', async () => {
    const [there, back] = fifos.take()
    const child = spawn('sh', ['-c', 'tr a-z A-Z < "$0" > "$1"', there, back])
    cleanup(() => child.kill())
    const transport = await connectFifo({ path: back, writePath: there })
    const protocol = new Recorder()
    transport.start(protocol)
    transport.write('hello')
    transport.halfClose()
    expect((await protocol.lost).kind).toBe('closed')
    expect(protocol.data.toString()).toBe('HELLO')
    expect([transport.info.local, transport.info.remote]).toEqual([back, there])
  })

  itNeeds('python3', 'waits, reading, for who comes to write later', async () => {
    const [there, back] = fifos.take()
    const { child, line, exit } = run('python3', ['-c', `
import sys
there = open(sys.argv[1], 'rb')
print('reads', flush=True)
sys.stdin.readline()
with open(sys.argv[2], 'wb') as back: back.write(b'late')
there.read()
`, there, back])
    const transport = await connectFifo({ path: back, writePath: there })
    const protocol = new Recorder()
    transport.start(protocol)
    expect(await line()).toBe('reads')
    await turns()
    expect(protocol.events).toEqual(['made'])
    child.stdin.end('\n')
    await protocol.eof
    expect(protocol.data.toString()).toBe('late')
    transport.close()
    expect([(await protocol.lost).kind, (await exit).code]).toEqual(['closed', 0])
  })

  it('leaves Node’s threads alone: eight that wait, to connect and to read, and names are looked up', async () => {
    const controller = new AbortController()
    const waiting = Array.from({ length: 8 }, () => {
      const [path, writePath] = fifos.take()
      return connectFifo({ path, writePath, signal: controller.signal })
    })
    const idle = await Promise.all(Array.from({ length: 8 }, async () => {
      const [one, other] = fifos.take()
      return Promise.all([connectFifo({ path: one, writePath: other }), connectFifo({ path: other, writePath: one })])
    }))
    for (const transport of idle.flat()) transport.start(new Recorder())
    // Both go through the pool; with four threads that wait for a FIFO they would never end.
    await Promise.all([stat(fifos.folder), lookup('localhost')])
    const reason = new Error('enough')
    controller.abort(reason)
    for (const each of await Promise.allSettled(waiting)) expect(each).toEqual({ status: 'rejected', reason })
    for (const transport of idle.flat()) transport.abort()
    await Promise.all(idle.flat().map((transport) => transport.closed))
  })

  it('gives up in time, or when it is told, and leaves nothing open', async () => {
    const [path, writePath] = fifos.take()
    await stat(path)
    const before = descriptors()
    await expect(connectFifo({ path, writePath, connectTimeoutMs: 20 })).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_CONNECT_TIMEOUT', phase: 'connect' })
    const reason = new Error('no more')
    await expect(connectFifo({ path, writePath, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const connecting = connectFifo({ path, writePath, signal: controller.signal })
    controller.abort(reason)
    await expect(connecting).rejects.toBe(reason)
    while (descriptors() > before) await stat(path)
  })

  it('says what is wrong', async () => {
    const dir = folder()
    writeFileSync(join(dir, 'file'), '')
    const [path, writePath] = fifos.take()
    await expect(connectFifo({ path: join(dir, 'none'), writePath })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', phase: 'connect' })
    await expect(connectFifo({ path: join(dir, 'file'), writePath })).rejects.toMatchObject({ code: 'ERR_NOT_FIFO', phase: 'connect' })
    await expect(connectFifo({ path, writePath: join(dir, 'file') })).rejects.toMatchObject({ code: 'ERR_NOT_FIFO' })
    const socket = createServer().listen(join(dir, 'socket'))
    cleanup(() => socket.close())
    await once(socket, 'listening')
    await expect(connectFifo({ path: join(dir, 'socket'), writePath })).rejects.toMatchObject({ code: 'ERR_NOT_FIFO' })
    await expect(connectFifo({ path, writePath: join(dir, 'socket') })).rejects.toMatchObject({ code: 'ERR_NOT_FIFO' })
    expect(() => fifoConnector({ path, writePath: path })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => fifoConnector({ path: '', writePath })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

describe('openFd', () => {
  it('refuses what is no descriptor, stdio’s, and a single one that goes one way', async () => {
    const file = openSync(join(folder(), 'file'), 'w+')
    cleanup(() => closeSync(file))
    for (const fd of [-1, 1.5, Number.NaN, 0, 1, 2, file]) expect(() => openFd({ fd })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    await expect(fdConnector({ fd: 1_000_000 }).connect()).rejects.toMatchObject({ name: 'ConnectionError', phase: 'connect' })
  })

  it('reads and writes files', async () => {
    const dir = folder()
    writeFileSync(join(dir, 'in'), 'x'.repeat(200_000))
    const transport = openFd({ fd: openSync(join(dir, 'in'), 'r'), writeFd: openSync(join(dir, 'out'), 'w') })
    const protocol = new Recorder()
    transport.start(protocol)
    transport.write('written')
    await protocol.eof
    transport.close()
    expect((await protocol.lost).kind).toBe('closed')
    expect([protocol.bytes, (await stat(join(dir, 'out'))).size]).toEqual([200_000, 7])
  })
})
