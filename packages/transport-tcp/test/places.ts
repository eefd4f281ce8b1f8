import { once } from 'node:events'
import { createServer, connect, type Server, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { NameUnderTest, Place } from '@async/core/testing'
import { connectTcp } from '../src/index.ts'

/**
 * Listens in a thread that sleeps, so that nobody accepts: once the queue is full, who connects waits, neither refused nor accepted.
 * Woken, it accepts whoever comes. An end of the worker ends it all.
 */
const sleeper = `
const { workerData: { host, port, signal }, parentPort } = require('node:worker_threads')
const server = require('node:net').createServer((peer) => peer.on('error', () => {}))
server.listen({ host, port, backlog: 1 }, () => {
  parentPort.postMessage('listening')
  // The message leaves before the thread sleeps.
  setImmediate(() => Atomics.wait(new Int32Array(signal), 0, 0))
})
`

interface Sleeping {
  wake(): void
  dispose(): unknown
}

async function sleeping(host: string, port: number): Promise<Sleeping> {
  const signal = new SharedArrayBuffer(4)
  const worker = new Worker(sleeper, { eval: true, workerData: { host, port, signal } })
  worker.unref()
  await once(worker, 'message')
  const fillers = Array.from({ length: 4 }, () => connect({ host, port }).on('error', () => {}))
  await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, 'connect')))
  return {
    wake() {
      for (const filler of fillers) filler.destroy()
      Atomics.store(new Int32Array(signal), 0, 1)
      Atomics.notify(new Int32Array(signal), 0)
    },
    dispose() {
      for (const filler of fillers) filler.destroy()
      return worker.terminate()
    },
  }
}

function listening(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve((server.address() as { port: number }).port))
  })
}

/** Sockets of this process, of which a worker's are none. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}

/** Places on this machine's loopback addresses, all on one port. */
export async function makeName(places: readonly Place[]): Promise<NameUnderTest> {
  let next = 0
  const addresses = places.map(({ family }) => (family === 6 ? '::1' : `127.0.0.${++next}`))
  const peers = new Set<Socket>()
  const servers: Server[] = []
  const sleepers: Sleeping[] = []
  // Holds the port on an address that nobody asks for.
  const holder = createServer()
  const port = await listening(holder, '127.0.0.100', 0)
  servers.push(holder)
  for (const [i, { does }] of places.entries()) {
    const host = addresses[i]!
    if (does === 'hang') sleepers.push(await sleeping(host, port))
    if (does !== 'accept') continue
    const server = createServer((peer) => {
      peers.add(peer)
      peer.on('error', () => {}).on('close', () => peers.delete(peer))
    })
    await listening(server, host, port)
    servers.push(server)
  }
  const before = openSockets()
  return {
    addresses,
    connect: (options) => connectTcp({ ...options, port }),
    answer() {
      for (const each of sleepers) each.wake()
    },
    socketCount: () => openSockets() - before - peers.size,
    async dispose() {
      for (const peer of peers) peer.destroy()
      await Promise.all([...servers.map((server) => server.close()), ...sleepers.map((each) => each.dispose())])
    },
  }
}
