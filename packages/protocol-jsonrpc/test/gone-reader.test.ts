/** A peer that asks, does not read, and goes: it leaves nothing behind. */
import { type Context, createService, jsonRpc } from '@async/protocol-jsonrpc'
import { expect, it } from 'vitest'
import { memoryMessagePair, turns } from './helpers.ts'

it('lets go of who is sent something in vain while handlers wait for the end', async () => {
  const { a, b } = memoryMessagePair()
  const watch = (_params: unknown, { signal }: Context): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  const service = createService({ watch }, { maxConcurrentHandlers: 2, maxQueuedRequests: 2 })
  const peer = jsonRpc(service)(b)
  a.start({ dataReceived() {} })
  for (let id = 1; id <= 10; id++) a.write(JSON.stringify({ jsonrpc: '2.0', method: 'watch', id }))
  await turns()
  expect(service.counters).toMatchObject({ peers: 1, running: 2, queued: 2 })
  a.close({ lingerMs: 0 })
  await turns()
  peer.notify('news')
  await turns()
  expect(service.counters).toMatchObject({ peers: 0, running: 0, queued: 0 })
})

it('lets go of who asked for more than it read, though reading has paused', async () => {
  const { a, b } = memoryMessagePair({ capacityBytes: 1000, highWaterMarkBytes: 1000, lowWaterMarkBytes: 100 })
  const service = createService({ long: () => 'x'.repeat(500) }, { maxQueuedRequests: 4 })
  const peer = jsonRpc(service)(b)
  a.start({ dataReceived() {} })
  a.pause('read')
  for (let id = 1; id <= 20; id++) a.write(JSON.stringify({ jsonrpc: '2.0', method: 'long', id }))
  await turns()
  expect(service.counters).toMatchObject({ peers: 1, running: 0, queued: 4 })
  peer.notify('back')
  const drained = peer.drained().catch((error: unknown) => error)
  // Its end waits behind what nobody reads, and what we send has nowhere to go.
  a.close({ lingerMs: 0 })
  await turns()
  expect(await peer.closed).toMatchObject({ kind: 'reset' })
  expect(await drained).toMatchObject({ code: 'ERR_RESET' })
  expect(service.counters).toMatchObject({ peers: 0, running: 0, queued: 0 })
})
