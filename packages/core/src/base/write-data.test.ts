import { describe, expect, it } from 'vitest'
import { memoryPair } from '../testing/memory-pair.ts'

describe('what write takes', () => {
  it.each([[undefined], [null], [1], [{}], [[1, 2]], [new Uint16Array(1)], [new ArrayBuffer(1)], [new DataView(new ArrayBuffer(1))]])('is not %o: refused, and the connection is unharmed', async (data: unknown) => {
    const { a, b } = memoryPair()
    const got: string[] = []
    b.start({ dataReceived: (piece) => got.push(new TextDecoder().decode(piece)), eofReceived: () => b.close() })
    a.start({ dataReceived() {} })
    const refused = expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' })
    expect(() => a.write(data as never)).toThrowError(refused)
    expect(() => a.writeSequence(['x', data as never])).toThrowError(refused)
    expect(a.queuedBytes).toBe(0)
    a.write('fine')
    a.close()
    await b.closed
    expect(got.join('')).toBe('fine')
  })
})
