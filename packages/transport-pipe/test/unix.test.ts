import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { StreamTransport } from '@async/core'
import { describe, expect, it } from 'vitest'
import { connectNamedPipe, connectUnix, listenUnix, unixConnector, type UnixListener, type UnixListenOptions } from '../src/index.ts'
import { cleanup, folder, itNeeds, Recorder, until } from './support.ts'

const echo = (transport: StreamTransport): void => transport.start({ dataReceived: (data) => transport.write(data) })

async function listen(options: UnixListenOptions, onTransport = echo): Promise<UnixListener> {
  const listener = await listenUnix(options, onTransport)
  cleanup(() => {
    listener.abortConnections()
    return listener.closed
  })
  return listener
}

/** What an echo makes of `text`. */
async function ask(path: string, text: string, abstract = false): Promise<string> {
  const transport = await connectUnix({ path, abstract })
  const protocol = new Recorder()
  transport.start(protocol)
  transport.write(text)
  transport.halfClose()
  await protocol.lost
  return protocol.data.toString()
}

/** A socket file whose process is gone: Node unlinks the name that it was bound to, so it gets another. */
async function staleSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.bound`, resolve))
  renameSync(`${path}.bound`, path)
  await new Promise((resolve) => server.close(resolve))
}

const mode = (path: string): number => lstatSync(path).mode & 0o777

describe('listenUnix', () => {
  it('makes a socket for its user alone, whatever umask says', async () => {
    const path = join(folder(), 's')
    const before = process.umask(0)
    try {
      await listen({ path })
    } finally {
      process.umask(before)
    }
    expect(mode(path)).toBe(0o600)
  })

  it('gives the rights that it is told, in digits as well', async () => {
    const dir = folder()
    await listen({ path: join(dir, 'a'), mode: 0o666 })
    await listen({ path: join(dir, 'b'), mode: '660' })
    expect([mode(join(dir, 'a')), mode(join(dir, 'b'))]).toEqual([0o666, 0o660])
    expect(readdirSync(dir).sort()).toEqual(['a', 'b'])
    for (const bad of ['rw', '99', 0o1000, -1, 1.5]) await expect(listenUnix({ path: join(dir, 'c'), mode: bad }, echo)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  it('replaces a file that nobody listens to', async () => {
    const path = join(folder(), 's')
    await staleSocket(path)
    await expect(connectUnix({ path })).rejects.toMatchObject({ code: 'ERR_REFUSED', phase: 'connect' })
    await listen({ path })
    expect(await ask(path, 'hello')).toBe('hello')
  })

  it('leaves alone who listens there', async () => {
    const dir = folder()
    const path = join(dir, 's')
    await listen({ path })
    await expect(listenUnix({ path }, echo)).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_ADDRESS_IN_USE', phase: 'connect' })
    expect(await ask(path, 'still there')).toBe('still there')
    expect(readdirSync(dir)).toEqual(['s'])
  })

  it('leaves alone a file that is no socket', async () => {
    const path = join(folder(), 's')
    writeFileSync(path, 'precious')
    await expect(listenUnix({ path }, echo)).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })

  it('has one winner when many start at once, on a stale file, too', async () => {
    const dir = folder()
    const path = join(dir, 's')
    await staleSocket(path)
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => listen({ path })))
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
    expect(await ask(path, 'one')).toBe('one')
    expect(readdirSync(dir)).toEqual(['s'])
  })

  it('takes its file with it when it stops', async () => {
    const dir = folder()
    const listener = await listen({ path: join(dir, 's') })
    listener.close()
    await listener.closed
    expect(readdirSync(dir)).toEqual([])
  })

  it('leaves the file of its successor', async () => {
    const dir = folder()
    const path = join(dir, 's')
    const first = await listen({ path })
    renameSync(path, `${path}.old`)
    await listen({ path })
    first.close()
    await first.closed
    expect(readdirSync(dir).sort()).toEqual(['s', 's.old'])
    expect(await ask(path, 'second')).toBe('second')
  })

  it('says why it can’t', async () => {
    const dir = folder()
    await expect(listenUnix({ path: join(dir, 'none', 's') }, echo)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', phase: 'connect' })
    for (const path of ['', 'a\0b', `${dir}/${'x'.repeat(108)}`]) await expect(listenUnix({ path }, echo)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(() => unixConnector({ path: 'x'.repeat(108) })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(readdirSync(dir)).toEqual([])
  })

  it('takes a name of the longest length', async () => {
    const dir = folder()
    const path = join(dir, 'x'.repeat(107 - dir.length - 1))
    await listen({ path })
    expect(await ask(path, 'long')).toBe('long')
  })
})

describe('connectUnix', () => {
  it('says that there is nothing', async () => {
    await expect(connectUnix({ path: join(folder(), 'none') })).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_NOT_FOUND', phase: 'connect' })
  })

  it('waits for room where the listener’s queue is full', async () => {
    const path = join(folder(), 's')
    // A listener that accepts nobody: its thread sleeps until it is told.
    const signal = new Int32Array(new SharedArrayBuffer(4))
    const { Worker } = await import('node:worker_threads')
    const worker = new Worker(
      `const { workerData: { path, signal }, parentPort } = require('node:worker_threads')
       require('node:net').createServer((peer) => peer.on('error', () => {}).end('hello')).listen({ path, backlog: 1 }, () => {
         parentPort.postMessage('listening')
         setImmediate(() => Atomics.wait(signal, 0, 0))
       })`,
      { eval: true, workerData: { path, signal } },
    )
    cleanup(() => worker.terminate())
    await new Promise((resolve) => worker.once('message', resolve))
    const fillers = [await connectUnix({ path }), await connectUnix({ path })]
    cleanup(() => fillers.forEach((each) => each.abort()))
    await expect(connectUnix({ path, connectTimeoutMs: 30 })).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', phase: 'connect' })
    const reason = new Error('no more')
    await expect(connectUnix({ path, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const waiting = connectUnix({ path })
    Atomics.store(signal, 0, 1)
    Atomics.notify(signal, 0)
    const protocol = new Recorder()
    ;(await waiting).start(protocol)
    await protocol.eof
    expect(protocol.data.toString()).toBe('hello')
  })

  it('refuses Windows’ names elsewhere', async () => {
    await expect(connectNamedPipe({ path: '\\\\.\\pipe\\x' })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
  })
})

describe.runIf(process.platform === 'linux')('abstract names', () => {
  const name = `async-test-${process.pid}`

  it('have no file, and no mode', async () => {
    const listener = await listen({ path: name, abstract: true })
    expect(listener.address).toBe(`@${name}`)
    expect(existsSync(name)).toBe(false)
    expect(await ask(name, 'hello', true)).toBe('hello')
    await expect(listenUnix({ path: name, abstract: true }, echo)).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
    await expect(listenUnix({ path: name, abstract: true, mode: 0o600 }, echo)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
    await expect(connectUnix({ path: `${name}-none`, abstract: true })).rejects.toMatchObject({ code: 'ERR_REFUSED' })
  })

  itNeeds('python3', 'are filled up with NUL for others', async () => {
    const came: string[] = []
    await listen({ path: name, abstract: true }, (transport) => {
      transport.start({ dataReceived: (data) => void came.push(Buffer.from(data).toString()) })
    })
    const { stdout } = spawnSync('python3', ['-c', `
import socket, sys
for name in (b'\\0' + sys.argv[1].encode(), (b'\\0' + sys.argv[1].encode()).ljust(108, b'\\0')):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(name)
            s.sendall(b'padded')
        except OSError: print('refused')
`, name], { encoding: 'utf8' })
    expect(stdout).toBe('refused\n')
    await until(() => came.length === 1)
    expect(came).toEqual(['padded'])
  })
})

describe('an abort on a Unix socket', () => {
  it('is a reset to the peer only if it had sent what was not read', async () => {
    const path = join(folder(), 's')
    const accepted: StreamTransport[] = []
    await listen({ path }, (transport) => void accepted.push(transport))
    const kinds: string[] = []
    for (const text of ['unread', '']) {
      const transport = await connectUnix({ path })
      await until(() => accepted.length === kinds.length + 1)
      expect(transport.info.resets).toBe(false)
      transport.start({ dataReceived: () => {} })
      if (text !== '') {
        transport.write(text)
        await transport.drained(0)
      }
      accepted.at(-1)!.abort()
      kinds.push((await transport.closed).kind)
    }
    expect(kinds).toEqual(['reset', 'closed'])
  })
})
