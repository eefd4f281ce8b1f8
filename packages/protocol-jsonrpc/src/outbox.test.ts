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
