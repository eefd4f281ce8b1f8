import { afterTurn } from '../../src/base/index.ts'
import { type Bent, type Control, control, later, onProtocol, patch } from './bend.ts'

const cut = (data: unknown): unknown => (typeof data === 'string' ? data.slice(0, -1) : (data as Uint8Array).subarray(0, -1))

/** Controls of T and W. */
export const startAndWriteControls: readonly Control[] = [
  control('T1', 'what came before start() is forgotten', (t) => patch(t, 'start', (start) => (protocol, leftover) => {
    if (t['protocol'] === undefined) {
      t['inbox'] = []
      t['inboxBytes'] = 0
    }
    return start(protocol, leftover)
  })),
  control('T2', 'connectionMade is called in a microtask', onProtocol((p, t) => ({ connectionMade: () => later(() => p['connectionMade'](t)) }))),
  control('T2', 'connectionMade is given another object', onProtocol((p, t) => ({ connectionMade: () => p['connectionMade'](new Proxy(t, {})) }))),
  control('T2', 'connectionMade is called again when nothing happens', onProtocol((p, t) => ({
    connectionMade() {
      p['connectionMade'](t)
      let turns = 0
      const idle = (): void => {
        if (t['cause'] === undefined && p['events']?.length === 1 && ++turns < 20) afterTurn(idle)
        else if (turns === 20) p['events'].push('made')
      }
      idle()
    },
  }))),
  control('T3', 'connectionLost comes twice after a clean end', onProtocol((p) => ({
    connectionLost(reason: Bent) {
      p['connectionLost'](reason)
      if (reason['kind'] === 'closed') p['connectionLost'](reason)
    },
  }))),
  control('T3', 'an end before any data is told twice', onProtocol((p) => ({
    connectionLost(reason: Bent) {
      p['connectionLost'](reason)
      if (p['bytes'] === 0 && reason['kind'] === 'aborted') p['connectionLost'](reason)
    },
  }))),
  control('T3', 'an end by this side after 100 bytes is told twice', onProtocol((p) => ({
    connectionLost(reason: Bent) {
      p['connectionLost'](reason)
      if (p['bytes'] === 100 && reason['kind'] === 'aborted') p['connectionLost'](reason)
    },
  }))),
  control('T4', 'the old protocol is not told that it was replaced', onProtocol((p) => ({
    connectionLost: (reason: Bent) => reason['kind'] !== 'detached' && p['connectionLost'](reason),
  }))),
  control('T4', 'the old protocol is told that it was aborted', onProtocol((p) => ({
    connectionLost: (reason: Bent) => p['connectionLost'](reason['kind'] === 'detached' ? { ...reason, kind: 'aborted' } : reason),
  }))),
  control('T4', 'data after a replacement inside dataReceived go to the old protocol, once', (t) => patch(t, 'start', (start) => (protocol, leftover) => {
    const old = t['protocol']
    if (old === undefined || t['inboxBytes'] === 0) return start(protocol, leftover)
    let first = true
    return start({ ...protocol, dataReceived: (data: unknown) => (first ? ((first = false), old.dataReceived(data)) : protocol.dataReceived(data)) }, leftover)
  })),
  control('T5', 'a leftover is delivered inside start()', (t) => patch(t, 'start', (start) => (protocol, leftover) => {
    start(protocol)
    if (leftover?.length > 0) protocol.dataReceived(leftover)
  })),
  control('T5', 'an empty leftover is delivered', (t) => patch(t, 'start', (start) => (protocol, leftover) => {
    start(protocol, leftover)
    if (leftover?.length === 0) protocol.dataReceived(Uint8Array.of(0))
  })),
  control('T5', 'a leftover is not delivered until the peer sends', (t) => patch(t, 'start', (start) => (protocol, leftover) => {
    if (t['protocol'] === undefined || leftover === undefined || t['inboxBytes'] > 0 || t['readHalf'] === 'paused') return start(protocol, leftover)
    return start(protocol)
  })),
  control('T5', 'the first start() ignores its leftover', (t) => patch(t, 'start', (start) => (protocol, leftover) => start(protocol, t['protocol'] === undefined ? undefined : leftover))),
  control('T5', 'a paused transport delivers a leftover', (t) => patch(t, 'start', (start) => (protocol, leftover) => {
    if (t['readHalf'] !== 'paused' || t['inboxBytes'] > 0 || !leftover?.length) return start(protocol, leftover)
    start(protocol)
    later(() => protocol.dataReceived(leftover))
  })),
  control('T6', 'start() when closing is accepted, and does nothing', (t) => patch(t, 'start', (start) => (protocol, leftover) => t['isClosing']() || t['cause'] !== undefined ? undefined : start(protocol, leftover))),
  control('T6', 'a leftover on a message transport is delivered as a message', (t) => patch(t, 'start', (start) => (protocol, leftover) => {
    start(protocol)
    if (leftover?.length > 0) later(() => protocol.dataReceived(leftover))
  }), { carries: 'message' }),
  control('T7', 'an end that was delivered is not delivered again', (t) => patch(t, 'handOver', (handOver) => (leftover) => {
    if (t['readHalf'] === 'ended') return
    handOver(leftover)
  })),
  control('T7', 'what is held is dropped when the protocol is replaced', (t) => patch(t, 'handOver', (handOver) => (leftover) => {
    if (t['readHalf'] === 'paused' && leftover === undefined) {
      t['inbox'] = []
      t['dropHeld']()
    }
    handOver(leftover)
  })),
  control('T7', 'what came before a reset is lost when the protocol is replaced', (t) => patch(t, 'handOver', (handOver) => (leftover) => {
    if (t['pendingLoss'] !== undefined) t['dropHeld']()
    handOver(leftover)
  })),

  control('W1', 'the last byte of the first large write is lost', (t) => patch(t, 'write', (write) => (data) => {
    if (data.length < 65_535 || t['cutOnce'] === true) return write(data)
    t['cutOnce'] = true
    write(cut(data))
  })),
  control('W1', 'one byte is sent twice', (t) => patch(t, 'write', (write) => (data) => {
    write(data)
    if (data.length === 1 && t['doubled'] !== true && t['queue'].bytes === 1) {
      t['doubled'] = true
      write(data)
    }
  })),
  control('W1', 'byte 10,000,000 is wrong', (t) => {
    let at = 0
    patch(t, 'received', (received) => (data) => {
      if (at <= 10_000_000 && at + data.length > 10_000_000) data[10_000_000 - at] += 1
      at += data.length
      received(data)
    })
  }),
  control('W1', 'a write of one more byte than a read loses it', (t) => patch(t, 'write', (write) => (data) => write(data.length === 65_537 ? cut(data) : data))),
  control('W2', 'a string is Latin-1', (t) => patch(t, 'write', (write) => (data) => write(typeof data === 'string' ? Uint8Array.from(data, (letter) => letter.charCodeAt(0)) : data))),
  control('W2', 'strings overtake bytes', (t) => patch(t, 'writeSequence', (writeSequence) => (list) => writeSequence([...list].sort((x, y) => Number(typeof x !== 'string') - Number(typeof y !== 'string'))))),
  control('W3', 'an empty write delivers nothing, but calls the protocol', (t) => patch(t, 'write', (write) => (data) => {
    write(data)
    if (data.length === 0 && t['writeHalf'] === 'open') later(() => t['peer'].protocol?.dataReceived(new Uint8Array(0)))
  })),
  control('W3', 'empty messages are dropped', (t) => patch(t, 'accept', (accept) => (data) => data.length > 0 && accept(data)), { carries: 'message' }),
  control('W3', 'empty messages in a sequence are dropped', (t) => patch(t, 'acceptSequence', (acceptSequence) => (list) => acceptSequence(list.filter((data: Uint8Array) => data.length > 0))), { carries: 'message' }),
  control('W4', 'the items of a sequence are joined to one message', (t) => patch(t, 'acceptSequence', (acceptSequence) => (list: Uint8Array[]) => {
    if (list.length < 4) return acceptSequence(list)
    acceptSequence([Uint8Array.from(list.flatMap((data) => Array.from(data)))])
  }), { carries: 'message' }),
  control('W4', 'a sequence is sent in reverse', (t) => patch(t, 'acceptSequence', (acceptSequence) => (list) => acceptSequence(list.length > 3 ? [...list].reverse() : list))),
  control('W4', 'a sequence is accepted as far as there is room', (t) => {
    t['acceptSequence'] = (list: Uint8Array[]) => list.forEach((data) => data.length > 0 && t['accept'](data))
  }),
  control('W5', 'above the cap the connection is aborted', (t) => patch(t, 'write', (write) => (data) => {
    try {
      write(data)
    } catch (error) {
      if ((error as Bent)['code'] === 'ERR_WRITE_QUEUE_FULL' && t['policy'].maxQueuedBytes < 1_000_000) later(() => t['abort']())
      throw error
    }
  })),
  control('W5', 'above the cap data are dropped silently', (t) => patch(t, 'write', (write) => (data) => {
    try {
      write(data)
    } catch (error) {
      if ((error as Bent)['code'] !== 'ERR_WRITE_QUEUE_FULL' || t['policy'].maxQueuedBytes > 1_000_000) throw error
    }
  })),
  control('W5', 'the cap is 32 MiB', () => {}, { options: (given) => ({ maxQueuedBytes: 32 * 1024 * 1024, ...given }) }),
  ...(['ERR_HALF_CLOSED', 'ERR_CLOSED'] as const).map((code) =>
    control('W6', `a write that has to throw ${code} is dropped silently`, (t) => patch(t, 'refuse', (refuse) => (data) => {
      if (t['refusal']().code !== code || t['cause']?.kind === 'reset' || t['pendingLoss'] !== undefined) refuse(data)
    })),
  ),
  control('W6', 'an empty sequence is never refused', (t) => patch(t, 'writeSequence', (writeSequence) => (list) => (list.length === 0 && t['writeHalf'] !== 'broken' ? undefined : writeSequence(list)))),
  control('W7', 'after a loss writes throw in the same turn', (t) => (t['dropThisTurn'] = () => {})),
  control('W7', 'what is dropped after a loss is not counted', (t) => patch(t, 'refuse', (refuse) => (data) => t['dropping'] === true ? undefined : refuse(data))),
  control('W8', 'writes to a broken write half are dropped while paused', (t) => patch(t, 'refuse', (refuse) => (data) => {
    if (t['writeHalf'] !== 'broken' || t['cause'] !== undefined || data === '' ) return refuse(data)
    if ((t['tries'] = (t['tries'] ?? 0) + 1) > 200) throw Object.assign(new Error('late'), { code: 'ERR_LATE' })
  })),
  control('W9', 'drained(0) resolves when the bytes are queued', (t) => patch(t, 'drained', (drained) => (below, signal) => (below === 0 && t['policy'].maxQueuedBytes > 1_000_000 && t['queue'].bytes > 10_000 && t['queue'].producer === undefined && !signal && t['peer'].takes ? Promise.resolve() : drained(below, signal)))),
  control('W9', 'bytes that were written are wiped', (t) => patch(t, 'sent', (sent) => (bytes) => {
    if (t['wipe']?.length === 300_000) t['wipe'].fill(0)
    sent(bytes)
  })),
]
for (const { subject } of startAndWriteControls.slice(-1)) {
  const { makePair } = subject
  Object.assign(subject, {
    async makePair(given: object) {
      const pair = await makePair(given)
      patch(pair.a as unknown as Bent, 'accept', (accept) => (data) => {
        ;(pair.a as unknown as Bent)['wipe'] = data
        accept(data)
      })
      return pair
    },
  })
}
