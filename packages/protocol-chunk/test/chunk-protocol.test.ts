import type { CloseReason } from '@async/core'
import { describe, expect, it } from 'vitest'
import { ChunkProtocol } from '../src/index.ts'
import { bytes, show } from './feeding.ts'
import { memoryPair } from '@async/core/testing'
import { turns, Wire } from './recording.ts'

describe('ChunkProtocol', () => {
  it('takes a delimiter and a callable, and writes chunks', async () => {
    const { a, b } = memoryPair()
    const chunks: string[] = []
    const protocol = new ChunkProtocol('\r\n', (chunk) => chunks.push(show(chunk)))
    const far = new Wire()
    b.start(far)
    a.start(protocol)
    b.write('one\r\n\r\ntw')
    protocol.writeChunk('hello')
    protocol.writeChunk(bytes('\xff'))
    protocol.writeChunks(['a', bytes('b')])
    await turns()
    b.write('o\r\n')
    await turns()
    expect(chunks).toEqual(['one', '', 'two'])
    expect(far.received).toBe('hello\r\n\xff\r\na\r\nb\r\n')
    a.abort()
  })

  it('takes one object of options, and tells of the beginning and the end', async () => {
    const { a, b } = memoryPair()
    const events: string[] = []
    const protocol = new ChunkProtocol({
      delimiter: ['\n', '\r\n'], mode: 'text',
      onConnectionMade: (self) => {
        events.push('made')
        self.writeChunk('welcome')
      },
      onChunk: (chunk, self) => {
        events.push(chunk)
        self.writeChunk(chunk.toUpperCase())
      },
      onConnectionLost: (reason, self) => events.push(`lost ${reason.kind} ${self === protocol}`),
    })
    const far = new Wire()
    b.start(far)
    a.start(protocol)
    b.write('é\r\nb\n')
    await turns()
    b.halfClose()
    expect((await a.closed).kind).toBe('closed')
    await turns()
    expect(events).toEqual(['made', 'é', 'b', 'lost closed true'])
    expect(far.received).toBe('welcome\n\xc3\x89\nB\n')
  })

  it('takes options behind the callable', async () => {
    const { a, b } = memoryPair()
    const events: string[] = []
    b.start(new Wire())
    a.start(
      new ChunkProtocol(';', (chunk: string) => events.push(chunk), {
        mode: 'text', maxChunkBytes: 3, overlong: 'truncate', onOverlong: ({ bytes: came }) => events.push(`${came}`), deliverTail: true,
      }),
    )
    b.write('abcd;e')
    b.halfClose()
    await a.closed
    expect(events).toEqual(['4', 'abc', 'e'])
  })

  it('stays open for writing behind the end of the peer, if that is handled', async () => {
    const { a, b } = memoryPair()
    const far = new Wire()
    b.start(far)
    a.start(new ChunkProtocol({ delimiter: '\n', onChunk: () => {}, onEof: (self) => self.writeChunk('bye') }))
    b.halfClose()
    await turns()
    expect([far.received, far.isEnded]).toEqual(['bye\n', false])
    a.abort()
  })

  it('is truncated by an end in mid-chunk', async () => {
    const { a, b } = memoryPair()
    let reason: CloseReason | undefined
    b.start(new Wire())
    const chunks: string[] = []
    a.start(
      new ChunkProtocol('\n', (chunk) => chunks.push(show(chunk)), {
        onConnectionLost: (lost) => {
          reason = lost
        },
      }),
    )
    b.write('one\ntwo')
    b.halfClose()
    await a.closed
    expect(chunks).toEqual(['one'])
    expect(reason).toMatchObject({ kind: 'truncated', error: { code: 'ERR_TRUNCATED' }, unreadBytes: 3 })
  })

  it('holds what one read brought when it is paused in its callable, and delivers it when resumed', async () => {
    const { a, b } = memoryPair()
    const chunks: string[] = []
    const protocol = new ChunkProtocol('\n', (chunk, self) => {
      chunks.push(show(chunk))
      self.pause('read')
    })
    b.start(new Wire())
    a.start(protocol)
    b.write('one\ntwo\nthree\n')
    await turns()
    expect(chunks).toEqual(['one'])
    protocol.resume('read')
    expect(chunks).toEqual(['one'])
    await turns()
    expect(chunks).toEqual(['one', 'two'])
    a.abort()
  })

  it('delivers nothing behind the chunk in which it was closed, or the transport below it', async () => {
    for (const which of ['protocol', 'below', 'below, aborted'] as const) {
      const { a, b } = memoryPair()
      const chunks: string[] = []
      const protocol = new ChunkProtocol('\n', (chunk, self) => {
        chunks.push(show(chunk))
        if (which === 'protocol') self.close()
        else if (which === 'below') a.close()
        else a.abort()
      })
      b.start(new Wire())
      a.start(protocol)
      b.write('one\ntwo\nthree\n')
      await turns()
      b.close()
      const reason = await a.closed
      expect(chunks, which).toEqual(['one'])
      expect(reason.kind, which).toBe(which === 'below, aborted' ? 'aborted' : 'closed')
      expect(await protocol.transport.closed, which).toMatchObject({ kind: reason.kind, unreadBytes: 10 })
    }
  })

  it('changes its mode in its callable: lines, then bytes, then lines', async () => {
    const { a, b } = memoryPair()
    const seen: string[] = []
    const protocol = new ChunkProtocol('\n', (chunk, self) => {
      seen.push(show(chunk))
      if (show(chunk) === 'body 3') self.setCount(3)
      else if (show(chunk) === 'raw') self.setRaw()
      else self.setDelimiter()
    })
    b.start(new Wire())
    a.start(protocol)
    b.write('body 3\na\nbnext\nraw\nwhatever\ncomes')
    await turns()
    expect(seen).toEqual(['body 3', 'a\nb', 'next', 'raw', 'whatever\ncomes'])
    a.abort()
  })

  it('hands over to another protocol with what it did not decode', async () => {
    const { a, b } = memoryPair()
    const lost: string[] = []
    const next = new Wire()
    const protocol = new ChunkProtocol('\n', (_, self) => a.start(next, self.takeLeftover()), {
      onConnectionLost: (reason) => lost.push(reason.kind),
    })
    b.start(new Wire())
    a.start(protocol)
    b.write('upgrade\nthe rest')
    await turns()
    expect(next.received).toBe('the rest')
    expect(lost).toEqual(['detached'])
    expect(() => protocol.writeChunk('x')).toThrow(expect.objectContaining({ code: 'ERR_DETACHED' }))
    a.abort()
  })

  it('aborts when its callable throws, with what it threw', async () => {
    const { a, b } = memoryPair()
    b.start(new Wire())
    const chunks: string[] = []
    const thrown = new Error('in the callable')
    const protocol = new ChunkProtocol('\n', (chunk) => {
      chunks.push(show(chunk))
      throw thrown
    })
    const reported: unknown[] = []
    const report = console.error
    console.error = (...args: unknown[]) => void reported.push(...args)
    try {
      a.start(protocol)
      b.write('one\ntwo\n')
      expect(await a.closed).toMatchObject({ kind: 'protocol', error: { code: 'ERR_CALLBACK_THREW', cause: thrown } })
    } finally {
      console.error = report
    }
    expect(chunks).toEqual(['one'])
    expect(reported.filter((argument) => argument === thrown || (argument as Error)?.cause === thrown)).toHaveLength(1)
  })

  it('refuses to be used without a transport, or with two', async () => {
    const protocol = new ChunkProtocol('\n', () => {})
    expect(() => protocol.writeChunk('x')).toThrow(expect.objectContaining({ code: 'ERR_NOT_CONNECTED' }))
    expect(() => protocol.transport).toThrow(expect.objectContaining({ code: 'ERR_NOT_CONNECTED' }))
    const { a } = memoryPair()
    a.start(protocol)
    expect(() => protocol.connectionMade(memoryPair().a)).toThrow(expect.objectContaining({ code: 'ERR_ALREADY_CONNECTED' }))
    a.abort()
    await a.closed
    expect(() => protocol.writeChunk('x')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('refuses options that make no sense when it is made', () => {
    expect(() => new ChunkProtocol('', () => {})).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => new ChunkProtocol({ delimiter: '\n' } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
