import { memoryPair } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { Lines } from './protocol-kit/lines.ts'
import { settle } from './settle.ts'

describe('a layer whose loss waits behind what it holds', () => {
  for (const [call, kind] of [['abort', 'aborted'], ['close', 'reset']] as const) {
    it(`tells of it from a clean stack when ${call}() lets go of that`, async () => {
      const { a, b } = memoryPair()
      const lines = new Lines(b)
      const seen: string[] = []
      lines.start({
        dataReceived: () => lines.pause('read'),
        connectionLost: (reason) => void seen.push(`${reason.kind}, ${reason.unreadBytes} unread, below ${reason.below?.kind}`),
      })
      a.start({ dataReceived() {} })
      a.write('one\ntwo\n')
      await settle()
      a.abort()
      await settle()
      lines[call]()
      expect(seen).toEqual([])
      expect(await lines.closed).toMatchObject({ kind })
      expect(seen).toEqual([`${kind}, 4 unread, below reset`])
    })
  }
})
