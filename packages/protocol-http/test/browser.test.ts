/** A page in headless Chromium that needs sixty resources, all of them from our server over TCP; twice, the second time with a cache. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listenTcp } from '@async/transport-tcp'
import { afterEach, expect } from 'vitest'
import { needs } from '../../core/test/programs.ts'
import { serveFetch } from '../src/index.ts'


const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const task of cleanups.splice(0).reverse()) await task()
})

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** What the page does: images and scripts as a page has them, then ten requests of its own, and a report of what it saw. */
const page = `<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<script>var seen = []</script>
${numbers(24).map((i) => `<img src="/image/${i}">`).join('')}
${numbers(25).map((i) => `<script src="/script/${i}"></script>`).join('')}
<script>onload = async () => {
  const sum = (bytes) => bytes.reduce((so, each) => (so * 31 + each) % 65521, 0)
  const streamed = (i) => fetch('/stream/' + i).then((got) => got.bytes()).then((bytes) => [bytes.length, sum(bytes)])
  const empty = (i) => fetch('/empty/' + i).then(async (got) => [got.status, (await got.text()).length])
  const posted = (i) => fetch('/echo', { method: 'POST', body: new Uint8Array(300000).fill(i) }).then((got) => got.bytes()).then((bytes) => [bytes.length, bytes.every((each) => each === i)])
  const asked = await Promise.all([streamed(0), empty(1), streamed(2), posted(3), empty(4), streamed(5), posted(6), empty(7), streamed(8), empty(9)])
  const widths = Array.from(document.images, (image) => image.naturalWidth)
  await fetch('/report', { method: 'POST', body: JSON.stringify({ widths, seen, asked, colour: getComputedStyle(document.body).color }) })
  if (location.search === '') location.href = '/?again'
}</script>`

const report = {
  widths: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24],
  seen: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24],
  asked: [[1_048_576, 21_456], [204, 0], [1_048_576, 21_456], [300_000, true], [204, 0], [1_048_576, 21_456], [300_000, true], [204, 0], [1_048_576, 21_456], [204, 0]],
  colour: 'rgb(1, 2, 3)',
}

/** Bytes in pieces, each asked for; `pause` comes before the last one. */
function streamed(bytes: Uint8Array, pause?: Promise<void>): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      const end = Math.min(at + 7_001, bytes.length)
      if (end === bytes.length) await pause
      controller.enqueue(bytes.slice(at, end))
      at = end
      if (at === bytes.length) controller.close()
    },
  })
}

needs('chromium')('Chromium loads a page with sixty resources, and loads it again from what it has kept', async () => {
  const reports: unknown[] = []
  const errors: unknown[] = []
  const statuses = new Map<string, number>()
  let connections = 0
  let requests = 0
  let reported = (): void => {}
  const both = new Promise<void>((resolve) => {
    reported = () => reports.length === 2 && resolve()
  })
  const big = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * i + (i >> 8)) & 0xff)
  /** Slow images: each waits for thirty others to be answered, on its connection alone. */
  let answered = 0
  let release = (): void => {}
  const later = new Promise<void>((resolve) => {
    release = resolve
  })

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const [, kind, number] = pathname.split('/')
    const i = Number(number)
    if (kind === '') return new Response(page, { headers: { 'content-type': 'text/html' } })
    if (kind === 'style.css') return new Response('body { color: rgb(1, 2, 3) }', { headers: { 'content-type': 'text/css' } })
    if (kind === 'script') {
      const text = `seen.push(${i})//${'-'.repeat(i * 1000)}`
      return new Response(i % 2 === 0 ? text : streamed(new TextEncoder().encode(text)), { headers: { 'content-type': 'text/javascript' } })
    }
    if (kind === 'image') {
      const headers = { 'content-type': 'image/svg+xml', etag: `"${i}"`, 'cache-control': i < 4 ? 'no-store' : 'no-cache' }
      if (request.headers.get('if-none-match') === `"${i}"`) return new Response(null, { status: 304, headers })
      const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${i + 1}" height="1"><!--${'.'.repeat(30_000)}--></svg>`
      return new Response(i > 2 && i % 3 === 0 ? text : streamed(new TextEncoder().encode(text), i < 3 ? later : undefined), { headers })
    }
    if (kind === 'stream') return new Response(streamed(big))
    if (kind === 'empty') return new Response(null, { status: 204 })
    if (kind === 'echo') return new Response(request.body)
    if (kind === 'report') {
      reports.push(await request.json())
      return new Response(null, { status: 204 })
    }
    return new Response(null, { status: 404 })
  }

  const serve = serveFetch(async (request) => {
    requests++
    const response = await answer(request)
    const key = String(response.status)
    statuses.set(key, (statuses.get(key) ?? 0) + 1)
    if (++answered === 30) release()
    reported()
    return response
  }, { onError: (error) => errors.push(error) })
  const listener = await listenTcp({ port: 0 }, (transport) => {
    connections++
    serve(transport)
  })
  cleanups.push(async () => {
    listener.close()
    await serve.drain({ graceMs: 100 })
    await listener.closed
  })
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'))
  const url = `http://127.0.0.1:${listener.port}/`
  const child = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`, '--remote-debugging-port=0', url], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, TMPDIR: profile },
  })
  const exit = once(child, 'exit')
  cleanups.push(async () => {
    // The browser is a family of processes.
    process.kill(-child.pid!, 'SIGKILL')
    await exit
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })

  await both
  expect(reports).toEqual([report, report])
  expect(errors).toEqual([])
  // The page, its sixty resources and its report, twice; of the images, twenty were kept.
  expect(requests).toBe(124)
  expect(Object.fromEntries(statuses)).toEqual({ 200: 94, 204: 10, 304: 20 })
  // Chromium has six at a time to a host, and keeps them: twelve if it kept none between the two.
  expect(connections).toBeLessThanOrEqual(12)
}, 60_000)
