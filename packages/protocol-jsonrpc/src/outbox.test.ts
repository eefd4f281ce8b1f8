import type { Messages, Transport } from '@async/core'
import { expect, it } from 'vitest'
import { Outbox, type OutboxOwner } from './outbox.ts'

it('sends nothing twice when a hook that is told of a message ends the connection in order', () => {
  const written: string[] = []
  const below = { write: (text: string) => void written.push(text) } as unknown as Transport<Messages>
  const watch = { active: true, message: (_: string, text: string) => text === 'one' && written.length === 1 && outbox.flush() }
  const owner = { below, setup: { limits: { maxUnsentBytes: 1000 } }, writable() {}, answerFailed() {}, sendFailed() {}, watch } as unknown as OutboxOwner
  const outbox: Outbox = new Outbox(owner)
  outbox.pause()
  for (const text of ['one', 'two', 'three']) outbox.send(text)
  // As after close(): what the transport takes no more is refused.
  below.write = ((write) => (text: string) => {
    if (written.includes('three')) throw Object.assign(new Error('closed'), { code: 'ERR_CLOSED', name: 'UsageError' })
    write(text)
  })(below.write) as typeof below.write
  outbox.resume()
  expect(written).toEqual(['one', 'two', 'three'])
})

it('takes no call back that a hook was told of as sent, and counts it once', () => {
  const below = { write() {} } as unknown as Transport<Messages>
  const recalled: boolean[] = []
  const watch = { active: true, message: () => recalled.push(outbox.recall(1)) }
  const owner = { below, setup: { limits: { maxUnsentBytes: 10 } }, writable() {}, answerFailed() {}, sendFailed() {}, watch } as unknown as OutboxOwner
  const outbox: Outbox = new Outbox(owner)
  outbox.pause()
  outbox.send('12345678', 1)
  outbox.resume()
  expect(recalled).toEqual([false])
  outbox.pause()
  outbox.send('12345678', 2)
  expect(() => outbox.send('12345678', 3)).toThrow(/maxUnsentBytes/)
})
