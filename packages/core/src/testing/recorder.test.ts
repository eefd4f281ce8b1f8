import { describe, expect, it } from 'vitest'
import { settle } from '../../test/settle.ts'
import { memoryPair } from './memory-pair.ts'
import { recordTranscript, replay, type Transcript } from './recorder.ts'

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

/** Answers each question mark with what came before it, upside down; ends when the peer does. */
function answering(transport: ReturnType<typeof memoryPair>['a'], suffix = ''): void {
  let held = ''
  transport.start({
    dataReceived(data) {
      held += text(data)
      for (let at = held.indexOf('?'); at >= 0; at = held.indexOf('?')) {
        transport.write([...held.slice(0, at)].reverse().join('') + suffix)
        held = held.slice(at + 1)
      }
    },
    eofReceived: () => transport.halfClose(),
  })
}

const recorded: Transcript = {
  entries: [
    { way: 'in', text: 'abc?' },
    { way: 'out', text: 'cba' },
    { way: 'in', text: 'de' },
    { way: 'in', text: 'f?' },
    { way: 'out', text: 'fed' },
    { way: 'in', end: true },
    { way: 'out', end: true },
  ],
  ended: 'closed',
}

describe('recordTranscript', () => {
  it('writes down what crossed, in order, and why it ended', async () => {
    const { a, b } = memoryPair()
    const recorder = recordTranscript()
    answering(recorder.layer(b) as typeof b)
    a.start({ dataReceived() {}, eofReceived() {} })
    for (const piece of ['abc?', 'de', 'f?']) {
      a.write(piece)
      await settle()
    }
    a.halfClose()
    await a.closed
    expect(recorder.transcript()).toEqual(recorded)
    expect(JSON.parse(JSON.stringify(recorder.transcript()))).toEqual(recorded)
  })

  it.each([
    [[0xff], '/w=='],
    [[0xff, 0x00], '/wA='],
    [[0xff, 0x00, 0x80], '/wCA'],
    [[0xff, 0x00, 0x80, 0x01], '/wCAAQ=='],
  ])('writes the bytes %j, which are no text, as %s, and replays them', async (bytes, base64) => {
    const { a, b } = memoryPair()
    const recorder = recordTranscript()
    recorder.layer(a).start({ dataReceived() {} })
    b.start({ dataReceived: (data) => b.write(data) })
    b.write(Uint8Array.from(bytes))
    await settle()
    expect(recorder.transcript()).toEqual({ entries: [{ way: 'in', base64 }] })
    const again = memoryPair()
    const got: number[] = []
    again.a.start({ dataReceived: (data) => void got.push(...data) })
    await replay(recorder.transcript(), again.b)
    await again.b.drained(0)
    await settle()
    expect(got).toEqual(bytes)
  })
})

describe('replay', () => {
  it('plays the peer, and is content with the same answers', async () => {
    const { a, b } = memoryPair()
    answering(b)
    await replay(recorded, a)
  })

  it('says at which byte an answer differs', async () => {
    const { a, b } = memoryPair()
    answering(b, '!')
    await expect(replay(recorded, a)).rejects.toThrow('byte 3 is 33, and 102 was recorded (entry 5 of 7)')
  })

  it('says that the connection ended too early', async () => {
    const { a, b } = memoryPair()
    b.start({ dataReceived: () => b.abort() })
    await expect(replay(recorded, a)).rejects.toThrow('the connection ended (reset) before the transcript did')
  })
})
