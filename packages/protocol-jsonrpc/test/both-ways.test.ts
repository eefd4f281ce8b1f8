import type { Transport } from '@async/core'
import { createService, jsonRpc, lspConventions } from '@async/protocol-jsonrpc'
import type { Context, Peer } from '@async/protocol-jsonrpc'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { rejection } from './helpers.ts'
import { describeWith } from '../../core/test/programs.ts'
import { programStacks, stacks } from './stacks.ts'
import type { Place } from './stacks.ts'

/** What is the same wherever a message goes in both directions: each side calls, serves, cancels, and is told of the end. */
for (const [program, { name, open }] of [...stacks.map((stack) => ['', stack] as const), ...programStacks]) {
  const describeStack = describeWith(program)
  describeStack(`two peers on ${name}`, () => {
    let place: Place<Transport<any>>
    let peer: Peer
    let served: Peer
    const service = createService({
      add: ([a, b]: [number, number]) => a + b,
      back: async (params: object, context: Context) => `${String(await context.peer.call('name', params as {}))}!`,
      hang: (_: unknown, { signal }: Context) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      steps: (_: unknown, { progress }: Context) => [1, 2].forEach((step) => progress({ step })),
    })

    beforeEach(async () => {
      let accept!: (transport: Transport<any>) => void
      const accepted = new Promise<Transport<any>>((resolve) => (accept = resolve))
      place = await open(accept)
      const name = (params: object): string => JSON.stringify(params)
      peer = jsonRpc(createService({ name }), { conventions: lspConventions })(await place.connect())
      // Some are accepted when the first message comes.
      const first = peer.call('add', [0, 0])
      served = jsonRpc(service, { conventions: lspConventions })(await accepted)
      await first
    })

    afterEach(async () => {
      peer.abort()
      served.abort()
      await place.close()
    })

    it('call each other, in batches too, cancel, and report progress', async () => {
      expect(await peer.call('add', [1, 2])).toBe(3)
      expect(await peer.call('back', { text: 'é€😀\n' })).toBe('{"text":"é€😀\\n"}!')
      expect(await served.call('name', { a: 1 })).toBe('{"a":1}')
      expect(await Promise.allSettled(peer.batch([{ method: 'add', params: [3, 4] }, { method: 'none' }]))).toMatchObject([{ value: 7 }, { reason: { code: -32601 } }])
      const control = new AbortController()
      const hanging = peer.call('hang', [], { signal: control.signal })
      control.abort('enough')
      expect(await rejection(hanging)).toBe('enough')
      const steps: unknown[] = []
      await peer.call('steps', {}, { onProgress: (value) => steps.push(value) })
      expect(steps).toEqual([{ step: 1 }, { step: 2 }])
      const long = 'x'.repeat(300_000)
      const echo = served.call('name', { long })
      expect(await echo).toHaveLength(300_011)
      expect(await Promise.all(Array.from({ length: 200 }, (_, at) => peer.call('add', [at, 1])))).toEqual(Array.from({ length: 200 }, (_, at) => at + 1))
    })

    it('settle what waits when one of them goes', async () => {
      // A serial line has no end that the other side could see.
      const waiting = name.includes('serial') ? peer.call('hang') : served.call('add', [1, 2])
      const mine = peer.call('hang')
      peer.close()
      expect(await rejection(mine)).toMatchObject({ code: 'ERR_CONNECTION_CLOSED', reason: { kind: 'closed', by: 'local' } })
      expect(await rejection(waiting)).toMatchObject(name.includes('serial') ? { code: 'ERR_CONNECTION_CLOSED' } : { name: expect.stringMatching(/JsonRpcError|ConnectionError/) })
      expect([peer.pendingCalls, served.pendingCalls]).toEqual([0, 0])
    })
  })
}
