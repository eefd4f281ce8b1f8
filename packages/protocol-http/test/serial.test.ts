/** HTTP over a serial line: two ttys of the kernel, which socat ties together, our server at one end and our client at the other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connector } from '@async/core'
import { connectSerial, type SerialTransport } from '@async/transport-serial'
import { afterEach, expect } from 'vitest'
import { needs } from '../../core/test/programs.ts'
import { createFetch, serveFetch } from '../src/index.ts'


const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const task of cleanups.splice(0).reverse()) await task()
})

/** The names of two ttys: what is written to one can be read from the other. */
async function ptyPair(): Promise<{ readonly a: string; readonly b: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'async-http-'))
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  const socat = spawn('socat', [`pty,raw,echo=0,link=${a}`, `pty,raw,echo=0,link=${b}`], { stdio: 'ignore' })
  const over = once(socat, 'exit')
  cleanups.push(async () => {
    socat.kill('SIGKILL')
    await over
    rmSync(folder, { recursive: true, force: true })
  })
  while (!existsSync(a) || !existsSync(b)) {
    if (socat.exitCode !== null) throw new Error('socat ended at once')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return { a, b }
}

/** Every byte value, those that a tty would act on among them, in an order that repeats late. */
function pattern(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(bytes)
  let state = seed
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    data[i] = state >>> 24
  }
  return data
}

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

needs('socat')('bodies of 1 MiB both ways over a serial line, of known and unknown length, request after request', async () => {
  const { a, b } = await ptyPair()
  const [up, down] = [pattern(1_048_576, 1), pattern(1_048_576, 2)]
  const served = await connectSerial({ path: b, baudRate: 115_200 })
  const log: unknown[] = []
  const serve = serveFetch(async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/duplex') return new Response(halves(request.arrayBuffer()))
    const got = request.method === 'GET' ? undefined : same(new Uint8Array(await request.arrayBuffer()), up)
    log.push([pathname, request.headers.get('content-length'), request.headers.get('transfer-encoding'), got])
    return pathname === '/none' ? new Response(null, { status: 204 }) : new Response(down)
  }, { onError: (error) => log.push(error) })
  serve(served)

  /** Half of a body at once, and half when all of the other has come. */
  function halves(other: Promise<ArrayBuffer>): ReadableStream<Uint8Array> {
    return new ReadableStream({
      async start(controller) {
        controller.enqueue(down.slice(0, 524_288))
        log.push(['/duplex', same(new Uint8Array(await other), up)])
        controller.enqueue(down.slice(524_288))
        controller.close()
      },
    })
  }

  const opened: SerialTransport[] = []
  const line: Connector<SerialTransport> = {
    async connect() {
      const port = await connectSerial({ path: a, baudRate: 115_200 })
      opened.push(port)
      return port
    },
  }
  const fetch = createFetch(() => line, { maxConnectionCount: 1 })
  cleanups.push(async () => {
    await Promise.all([fetch.close({ graceMs: 0 }), serve.drain({ graceMs: 0 })])
    await Promise.all([served, ...opened].map((port) => port.closed))
  })

  const exchanged = await fetch('http://line.test/down', { method: 'POST', body: up })
  expect([exchanged.status, exchanged.headers.get('content-length')]).toEqual([200, '1048576'])
  expect(same(new Uint8Array(await exchanged.arrayBuffer()), down)).toBe(true)

  const stream = new Blob([up]).stream()
  const streamed = await fetch('http://line.test/none', { method: 'PUT', body: stream, duplex: 'half' } as RequestInit)
  expect([streamed.status, await streamed.text()]).toEqual([204, ''])

  // Both bodies on the line at the same time. Nothing is echoed: socat passes one direction after the other, so who waits with reading until it could write stops both.
  const duplex = await fetch('http://line.test/duplex', { method: 'POST', body: new Blob([up]).stream(), duplex: 'half' } as RequestInit)
  expect([duplex.status, duplex.headers.get('transfer-encoding')]).toEqual([200, 'chunked'])
  expect(same(new Uint8Array(await duplex.arrayBuffer()), down)).toBe(true)

  // Both wait for the one line.
  const both = await Promise.all(['/a', '/b'].map(async (path) => same(new Uint8Array(await (await fetch(`http://line.test${path}`)).arrayBuffer()), down)))
  expect(both).toEqual([true, true])
  expect(log).toEqual([['/down', '1048576', null, true], ['/none', null, 'chunked', true], ['/duplex', true], ['/a', null, null, undefined], ['/b', null, null, undefined]])
  expect(opened.length).toBe(1)
})
