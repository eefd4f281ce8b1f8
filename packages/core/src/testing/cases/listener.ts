import { type Case, type ListenerOptions, type ListenerUnderTest, type TestTransport, testCase } from '../kit/case.ts'
import { check, equal, rejection } from '../kit/check.ts'
import type { CaseContext } from '../kit/context.ts'
import { type Recording, record } from '../kit/recording.ts'

/** L: connecting and listening. */
export const listenerCases: readonly Case[] = [
  testCase('L1 connect() gives a transport of which nothing is read before start()', async (t) => {
    const accepted: TestTransport[] = []
    const { connect } = await t.listener((transport) => {
      accepted.push(transport)
      transport.start(record())
      transport.write(t.pattern.bytes(1000))
    })
    const mine = t.own(await t.wait('a connection', connect()))
    await t.until('the accepted end', () => accepted.length === 1)
    await t.quiet()
    const recording = record()
    mine.start(recording)
    equal(recording.events, ['made'], 'events inside start()')
    await t.until('data', () => recording.bytes === 1000)
  }, { needs: ['makeListener'] }),

  testCase('L2 connect() with an aborted signal rejects with signal.reason', async (t) => {
    const accepted: TestTransport[] = []
    const { connect } = await t.listener((transport) => accepted.push(transport))
    const controller = new AbortController()
    const mine = new Error('not any more')
    controller.abort(mine)
    equal((await t.wait('the rejection', rejection(connect({ signal: controller.signal }), 'connect()'))) === mine, true, 'rejected with the reason')
    await t.quiet()
    equal(accepted.length, 0, 'connections that were made')
  }, { needs: ['makeListener'] }),

  testCase('L2 connect() aborted on the way rejects at once, and a late success is aborted', async (t) => {
    const ends: string[] = []
    const { connect } = await t.listener((transport) => {
      transport.start(record({ lost: (reason) => ends.push(reason.kind), eof: 'close' }))
    })
    const controller = new AbortController()
    const mine = new Error('not any more')
    const waiting = rejection(connect({ signal: controller.signal }), 'connect()')
    controller.abort(mine)
    equal((await t.wait('the rejection', waiting)) === mine, true, 'rejected with the reason')
    await t.quiet(100)
    const other = t.own(await t.wait('another connection', connect()))
    const recording = record()
    other.start(recording)
    await t.quiet()
    check(ends.length <= 1, `${ends.length} connections ended`)
    equal(recording.events, ['made'], 'events of a connection that was made later')
  }, { needs: ['makeListener'] }),

  testCase('L2 a signal that aborts after the connection was made has no effect', async (t) => {
    const { connect } = await t.listener((transport) => transport.start(record()))
    const controller = new AbortController()
    const mine = t.own(await t.wait('a connection', connect({ signal: controller.signal })))
    const recording = record()
    mine.start(recording)
    controller.abort()
    await t.quiet()
    equal(recording.events, ['made'], 'events')
  }, { needs: ['makeListener'] }),

  testCase('L3 connect() to where nobody listens rejects with a ConnectionError of phase connect', async (t) => {
    const waiting = rejection(t.subject.connectToNobody!(), 'connect()')
    const error = (await t.wait('the rejection', waiting)) as { readonly name?: string; readonly phase?: string; readonly code?: string }
    equal(error.name, 'ConnectionError', 'name')
    equal(error.phase, 'connect', 'phase')
    check(error.code?.startsWith('ERR_') === true, `the code is ${error.code}`)
  }, { needs: ['connectToNobody'] }),

  testCase('L4 each connection is handed to the accept function, and works both ways', async (t) => {
    const recordings: ReturnType<typeof record>[] = []
    const { connect, listener } = await t.listener((transport) => {
      const recording = record({ data: (data) => transport.write(data) })
      recordings.push(recording)
      transport.start(recording)
    })
    check(listener.address.length > 0, 'the address is empty')
    for (let i = 1; i <= 3; i++) {
      const mine = t.own(await t.wait('a connection', connect()))
      const recording = record()
      mine.start(recording)
      mine.write(t.pattern.bytes(i * 10))
      await t.until('the echo', () => recording.bytes === i * 10)
    }
    equal(recordings.map((recording) => recording.bytes), [10, 20, 30], 'bytes at the accepted ends')
  }, { needs: ['makeListener'] }),

  testCase('L17 both ends tell each other’s addresses, also when they are over', async (t) => {
    const accepted: TestTransport[] = []
    const { connect, listener } = await t.listener((transport) => {
      accepted.push(transport)
      transport.start(record({ eof: 'close' }))
    })
    const mine = t.own(await t.wait('a connection', connect()))
    mine.start(record({ eof: 'close' }))
    await t.until('the accepted end', () => accepted.length === 1)
    const other = accepted[0]!
    equal(mine.info.remote, listener.address, 'the address of the listener')
    mine.close()
    await t.wait('our end', mine.closed)
    await t.wait('the other end', other.closed)
    await t.quiet()
    check(mine.info.local !== undefined && mine.info.local.length > 0, 'our address is not known')
    equal([mine.info.local, mine.info.remote], [other.info.remote, other.info.local], 'our addresses, and what the other end tells')
  }, { needs: ['makeListener'] }),

  testCase('L4 what the accept function throws is reported, and ends that connection alone', async (t) => {
    const mine = new Error('not this one')
    let calls = 0
    const { connect } = await t.listener((transport) => {
      if (++calls === 1) throw mine
      transport.start(record())
    })
    // The connection may be gone before connect() resolves.
    let over = false
    connect().then((first) => {
      t.own(first).start(record({ eof: 'close', lost: () => (over = true) }))
    }, () => (over = true))
    await t.until('its end', () => over)
    equal(t.reports.length, 1, 'reports')
    equal(t.reports[0] === mine, true, 'the report is what was thrown')
    const second = t.own(await t.wait('a connection', connect()))
    const other = record({ eof: 'close' })
    second.start(other)
    await t.until('the accept function', () => calls === 2)
    await t.quiet()
    equal(other.events, ['made'], 'events of the second connection')
  }, { needs: ['makeListener'] }),

  testCase('L4 what an asynchronous accept function rejects with is reported, and ends that connection alone', async (t) => {
    const mine = new Error('not this one')
    const accepted: TestTransport[] = []
    const { connect } = await t.listener((transport) => {
      accepted.push(transport)
      transport.start(record({ eof: 'close' }))
      return accepted.length === 1 ? Promise.reject(mine) : Promise.resolve()
    })
    let over = false
    connect().then((first) => t.own(first).start(record({ eof: 'close', lost: () => (over = true) })), () => (over = true))
    await t.until('its end', () => over)
    equal(t.reports.length, 1, 'reports')
    equal(t.reports[0] === mine, true, 'the report is what it rejected with')
    const other = record({ eof: 'close' })
    t.own(await t.wait('a connection', connect())).start(other)
    await t.until('the accept function', () => accepted.length === 2)
    await t.quiet()
    equal([other.events, t.reports.length], [['made'], 1], 'events of the second connection, and reports')
  }, { needs: ['makeListener'] }),

  testCase('L5 close() stops accepting; open connections live on, and closed waits for them', async (t) => {
    const accepted: TestTransport[] = []
    const { connect, listener } = await t.listener((transport) => {
      accepted.push(transport)
      transport.start(record({ data: (data) => transport.write(data), eof: 'close' }))
    })
    const mine = t.own(await t.wait('a connection', connect()))
    const recording = record()
    mine.start(recording)
    await t.until('the accepted end', () => accepted.length === 1)
    let over = false
    void listener.closed.then(() => (over = true))
    listener.close()
    listener.close()
    await t.quiet()
    mine.write(t.pattern.bytes(10))
    await t.until('the echo', () => recording.bytes === 10)
    equal(over, false, 'closed resolved though a connection is open')
    await t.wait('the rejection', rejection(connect(), 'connect() after close()'))
    mine.close()
    await t.until('closed', () => over)
  }, { needs: ['makeListener'] }),

  testCase('L6 closeConnections() closes every connection in order', async (t) => {
    const recordings: ReturnType<typeof record>[] = []
    const { connect, listener } = await t.listener((transport) => {
      const recording = record()
      recordings.push(recording)
      transport.start(recording)
      transport.write(t.pattern.bytes(50_000))
    })
    const mine = [t.own(await t.wait('a connection', connect())), t.own(await t.wait('a connection', connect()))]
    const ours = mine.map((transport) => {
      const recording = record({ eof: 'close' })
      transport.start(recording)
      return recording
    })
    await t.until('the accepted ends', () => recordings.length === 2)
    await t.wait('closeConnections()', listener.closeConnections())
    await t.until('the ends', () => ours.every((recording) => recording.reason !== undefined))
    equal(recordings.map((recording) => recording.reason?.kind), ['closed', 'closed'], 'reasons at the accepted ends')
    equal(ours.map((recording) => [recording.bytes, recording.reason?.kind]), [[50_000, 'closed'], [50_000, 'closed']], 'bytes and reasons at our ends')
    await t.wait('closed', listener.closed)
  }, { needs: ['makeListener'] }),

  testCase('L6 closeConnections() aborts what is still open after graceMs', async (t) => {
    const recordings: ReturnType<typeof record>[] = []
    const { connect, listener } = await t.listener((transport) => {
      const recording = record()
      recordings.push(recording)
      transport.start(recording)
      transport.pause()
      transport.write(t.pattern.bytes(1000))
    })
    const mine = t.own(await t.wait('a connection', connect()))
    mine.start(record())
    await t.until('the accepted end', () => recordings.length === 1)
    // Our end neither reads nor ends.
    mine.pause('read')
    const done = listener.closeConnections({ graceMs: 700 })
    await t.quiet()
    t.clock.advance(700)
    await t.wait('closeConnections()', done)
    await t.until('the end', () => recordings[0]?.reason !== undefined)
    await t.wait('closed', listener.closed)
  }, { needs: ['makeListener'] }),

  testCase('L7 abortConnections() stops accepting and aborts every connection', async (t) => {
    const recordings: ReturnType<typeof record>[] = []
    const { connect, listener } = await t.listener((transport) => {
      const recording = record()
      recordings.push(recording)
      transport.start(recording)
    })
    const mine = t.own(await t.wait('a connection', connect()))
    const recording = record({ eof: 'close' })
    mine.start(recording)
    await t.until('the accepted end', () => recordings.length === 1)
    const cause = new Error('over')
    listener.abortConnections(cause)
    await t.wait('closed', listener.closed)
    await t.until('both ends', () => recording.reason !== undefined && recordings[0]?.reason !== undefined)
    equal(recordings[0]?.reason?.kind, 'aborted', 'reason at the accepted end')
    await t.wait('the rejection', rejection(connect(), 'connect() after abortConnections()'))
  }, { needs: ['makeListener'] }),

  testCase('L8 closed resolves when nothing was ever accepted', async (t) => {
    const { listener } = await t.listener(() => {})
    listener.close()
    await t.wait('closed', listener.closed)
    listener.close()
    listener.abortConnections()
    await t.wait('closeConnections() after the end', listener.closeConnections())
  }, { needs: ['makeListener'] }),

  testCase('L9 an accepted transport that nobody starts is aborted after a while', async (t) => {
    const accepted: TestTransport[] = []
    const { connect } = await t.listener((transport) => accepted.push(transport))
    const mine = t.own(await t.wait('a connection', connect()))
    const recording = record({ eof: 'close' })
    mine.start(recording)
    await t.until('the accepted end', () => accepted.length === 1)
    await t.quiet()
    t.clock.advance(600_000)
    await t.until('the end', () => recording.reason !== undefined)
    check(accepted[0] !== undefined && (await t.wait('closed', accepted[0].closed)).kind !== 'closed', 'the reason is a clean end')
  }, { needs: ['makeListener'] }),

  testCase('L9 an accepted transport that is started later, but in time, lives on', async (t) => {
    const accepted: TestTransport[] = []
    const { connect } = await t.listener((transport) => accepted.push(transport))
    const mine = t.own(await t.wait('a connection', connect()))
    const recording = record({ eof: 'close' })
    mine.start(recording)
    mine.write(t.pattern.bytes(10))
    await t.until('the accepted end', () => accepted.length === 1)
    await t.quiet()
    t.clock.advance(9_999)
    await t.quiet()
    const late = record()
    accepted[0]!.start(late)
    t.clock.advance(600_000)
    await t.until('data', () => late.bytes === 10)
    await t.quiet()
    equal([late.events, recording.events], [['made', 'data'], ['made']], 'events at the accepted end, and at ours')
  }, { needs: ['makeListener'] }),

  testCase('L9 a listener leaves no timer', async (t) => {
    const accepted: TestTransport[] = []
    const { connect, listener } = await t.listener((transport) => {
      accepted.push(transport)
      if (accepted.length === 1) transport.start(record({ eof: 'close' }))
    })
    for (let i = 1; i <= 2; i++) {
      t.own(await t.wait('a connection', connect())).start(record({ eof: 'close' }))
      await t.until('the accepted end', () => accepted.length === i)
    }
    accepted[1]!.abort()
    await t.wait('its end', accepted[1]!.closed)
    await t.wait('closeConnections()', listener.closeConnections())
    await t.quiet()
    equal(t.clock.pendingCount, 0, 'timers')
  }, { needs: ['makeListener'] }),

  testCase('L9 above the limit a connection is refused, and accepted again when there is room', async (t) => {
    const accepted: TestTransport[] = []
    const { connect } = await t.listener((transport) => {
      accepted.push(transport)
      transport.start(record({ eof: 'close' }))
    }, { maxConnections: 1 })
    const first = t.own(await t.wait('a connection', connect()))
    const atFirst = record()
    first.start(atFirst)
    await t.until('the accepted end', () => accepted.length === 1)
    const second = connect().then((transport) => {
      t.own(transport).start(record({ eof: 'close' }))
      return transport.closed
    }, () => undefined)
    await t.quiet(100)
    equal(accepted.length, 1, 'connections accepted')
    equal(atFirst.events, ['made'], 'events of the first')
    first.close()
    await t.wait('closed', first.closed)
    await t.until('the accepted end to be free', () => isOver(accepted[0]!))
    await t.quiet()
    const third = t.own(await t.wait('a connection', connect()))
    third.start(record())
    await t.until('another accepted end', () => accepted.length >= 2)
    for (const transport of accepted) transport.abort()
    await t.wait('the end of the second', second)
  }, { needs: ['makeListener'] }),

  testCase('L16 above the limit connections are held unread, and served in order when there is room', async (t) => {
    const { recordings, connect, counts, mine } = await crowd(t, { maxConnections: 2, maxHeldConnections: 2 }, 4)
    equal([counts(), recordings.length], [{ open: 2, held: 2, refused: 0 }, 2], 'counts, and connections accepted')
    const fifth = record({ eof: 'close' })
    // It may be gone before connect() resolves.
    let over = false
    connect().then((transport) => t.own(transport).start(Object.assign(fifth, { connectionLost: () => (over = true) })), () => (over = true))
    await t.until('the fifth to be refused', () => over)
    equal([counts(), recordings.length], [{ open: 2, held: 2, refused: 1 }, 2], 'counts, and connections accepted')
    for (const [i, bytes] of [[2, 30], [3, 40]] as const) mine[i]!.write(t.pattern.bytes(bytes))
    await t.quiet()
    mine[0]!.abort()
    await t.until('the third', () => recordings.length === 3 && recordings[2]!.bytes === 30)
    equal(counts(), { open: 2, held: 1, refused: 1 }, 'counts with room for one')
    mine[1]!.abort()
    await t.until('the fourth', () => recordings.length === 4 && recordings[3]!.bytes === 40)
    equal(counts(), { open: 2, held: 0, refused: 1 }, 'counts with room for two')
    mine[2]!.abort()
    mine[3]!.abort()
    await t.until('their ends', () => counts().open === 0)
    equal(counts(), { open: 0, held: 0, refused: 1 }, 'counts at the end')
  }, { needs: ['makeListener', 'holdsConnections'] }),

  testCase('L16 what waits is let go when the listener stops accepting', async (t) => {
    const { recordings, counts, mine, ours, listener } = await crowd(t, { maxConnections: 1 }, 3)
    equal(counts(), { open: 1, held: 2, refused: 0 }, 'counts')
    listener.close()
    await t.until('the ends of the held ones', () => ours[1]!.reason !== undefined && ours[2]!.reason !== undefined)
    equal(counts(), { open: 1, held: 0, refused: 0 }, 'counts after close()')
    mine[0]!.write(t.pattern.bytes(10))
    await t.until('data of the open one', () => recordings[0]!.bytes === 10)
    mine[0]!.close()
    await t.wait('closed', listener.closed)
    equal(recordings.length, 1, 'connections accepted')
  }, { needs: ['makeListener', 'holdsConnections'] }),
]

/** `count` connections, one after the other, to a listener that has room for fewer. */
async function crowd(t: CaseContext, options: ListenerOptions, count: number): Promise<Pick<ListenerUnderTest, 'connect' | 'listener'> & {
  readonly recordings: readonly Recording[]
  readonly counts: NonNullable<ListenerUnderTest['counts']>
  readonly mine: readonly TestTransport[]
  readonly ours: readonly Recording[]
}> {
  const recordings: Recording[] = []
  const made = await t.listener((transport) => {
    const recording = record({ eof: 'close' })
    recordings.push(recording)
    transport.start(recording)
  }, options)
  const counts = made.counts!.bind(made)
  const mine: TestTransport[] = []
  const ours: Recording[] = []
  for (let i = 0; i < count; i++) {
    mine.push(t.own(await t.wait('a connection', made.connect())))
    ours.push(record({ eof: 'close' }))
    mine[i]!.start(ours[i]!)
    await t.until('the listener to know', () => counts().open + counts().held + counts().refused === i + 1)
  }
  return { recordings, counts, mine, ours, connect: made.connect, listener: made.listener }
}

function isOver(transport: TestTransport): boolean {
  try {
    transport.write('x')
    return false
  } catch {
    return true
  }
}
