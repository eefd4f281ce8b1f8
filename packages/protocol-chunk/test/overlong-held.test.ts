import { memoryPair } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { chunk } from '../src/index.ts'
import { Recorder, turns, Wire } from './recording.ts'

/** A layer that was paused by the report of a chunk that was too long, with the head of it still to come. */
async function pausedBefore() {
  const { a, b } = memoryPair()
  b.start(new Wire())
  const recorder = new Recorder()
  const top = chunk({ delimiter: '\n', maxChunkBytes: 3, overlong: 'truncate', onOverlong: () => top.pause('read') })(a)
  top.start(recorder)
  b.write('12345\n')
  await turns()
  return { b, top, recorder }
}

describe('the head of a chunk that was too long', () => {
  it('is held before a loss, as whole ones are', async () => {
    const { b, top, recorder } = await pausedBefore()
    expect(top.heldBytes).toBe(3)
    b.abort()
    await turns()
    expect(recorder.events).toEqual(['made'])
    top.resume('read')
    expect(await top.closed).toMatchObject({ kind: 'reset', unreadBytes: 0 })
    expect(recorder.events).toEqual(['made', '123', 'lost reset'])
  })
})
