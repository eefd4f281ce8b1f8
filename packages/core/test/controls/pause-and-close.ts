import { afterTurn } from '../../src/base/index.ts'
import { type Bent, type Control, control, later, onProducer, onProtocol, onReason, patch } from './bend.ts'

/** Pauses are ignored as long as `when` is true. */
const deaf = (when: (t: Bent) => boolean) => (t: Bent): void => patch(t, 'pause', (pause) => (side) => {
  if (!when(t)) pause(side)
})

/** Controls of P and C. */
export const pauseAndCloseControls: readonly Control[] = [
  control('P1', 'pausing delivers one more time', (t) => patch(t, 'pause', (pause) => (side) => {
    const open = t['readHalf'] === 'flowing'
    pause(side)
    if (open && t['inbox'].length > 0 && t['protocol'] !== undefined) {
      const data = t['inbox'].shift()
      t['inboxBytes'] -= data.length
      later(() => t['protocol']?.dataReceived(data))
    }
  })),
  control('P1', 'a pause before start() is ignored', deaf((t) => t['readHalf'] === 'idle')),
  control('P1', 'a pause inside connectionMade is ignored', (t) => {
    onProtocol((p) => ({
      connectionMade(transport: Bent) {
        t['opening'] = true
        p['connectionMade'](transport)
        t['opening'] = false
      },
    }))(t)
    deaf(() => t['opening'] === true)(t)
  }),
  control('P1', 'a paused transport delivers what it gets', (t) => patch(t, 'pause', () => (side) => {
    if (side !== 'read' && t['writeHalf'] === 'open') t['writeHalf'] = 'held'
  })),
  control('P1', 'eofReceived does not wait while paused', (t) => {
    const peek = (): void => {
      if (t['inboxEnds'] === true && t['inbox'].length === 0 && t['readHalf'] === 'paused' && t['held'] === undefined && t['toldEnd'] !== true) {
        t['toldEnd'] = true
        t['protocol']?.eofReceived?.()
      }
    }
    patch(t, 'takeEnd', (takeEnd) => () => {
      takeEnd()
      afterTurn(peek)
    })
  }),
  control('P1', 'what came before a reset is delivered all at once', (t) => patch(t, 'canDeliver', (canDeliver) => (protocol) => {
    if (t['pendingLoss'] !== undefined && t['readHalf'] === 'paused' && t['inboxEnds'] === false && t['heldAt'] > 0) return t['protocol'] === protocol
    return canDeliver(protocol)
  })),
  control('P2', "pause() holds only deliveries", (t) => patch(t, 'pause', (pause) => () => pause('read'))),
  control('P2', "pause('read') holds writes as well", (t) => patch(t, 'pause', (pause) => () => pause('both'))),
  control('P2', 'the producer is not resumed when a held queue drains', onProducer((p, t) => {
    let held = false
    return {
      pause() {
        held = t['writeHalf'] === 'held'
        p['pause']()
      },
      resume: () => !held && p['resume'](),
    }
  })),
  control('P3', 'pauses are counted', (t) => {
    let count = 0
    patch(t, 'pause', (pause) => (side) => {
      count++
      pause(side)
    })
    patch(t, 'resume', (resume) => (side) => {
      if (side === 'read' || count <= 2 || --count === 0) resume(side)
    })
  }),
  control('P3', "resume('read') lets writes go", (t) => patch(t, 'resume', (resume) => () => resume())),
  control('P4', 'resume() delivers inside the call', (t) => patch(t, 'schedulePump', () => () => {
    if (t['pumping'] === true) return later(() => t['pump']())
    t['pumping'] = true
    if (t['inbox'].length > 0 && t['held'] === undefined) t['held'] = t['inbox'].splice(0)
    t['inboxBytes'] = 0
    t['pump']()
    t['pumping'] = false
  })),
  control('P4', 'a pause right after a resume is lost', deaf((t) => t['readHalf'] === 'resuming' && t['pendingLoss'] === undefined)),
  control('P5', 'a paused transport takes all that comes', () => {}, { options: (given) => ({ ...given, capacityBytes: 64 * 1024 * 1024 }) }),
  control('P5', 'a clean end does not wait behind what is held', (t) => patch(t, 'takeEnd', (takeEnd) => () => {
    if (t['readHalf'] !== 'paused' || t['inbox'].length === 0 || t['protocol']?.eofReceived !== undefined) return takeEnd()
    t['finish']({ kind: 'closed', by: 'peer' })
  })),
  control('P5', 'a pause of a minute is too long', (t) => {
    patch(t, 'pause', (pause) => (side) => {
      pause(side)
      if (t['readHalf'] === 'paused') t['tooLong'] ??= t['policy'].clock.setTimer(() => t['readHalf'] === 'paused' && t['abort'](), 60_000)
    })
    patch(t, 'resume', (resume) => (side) => {
      t['policy'].clock.clearTimer(t['tooLong'])
      t['tooLong'] = undefined
      resume(side)
    })
    patch(t, 'release', (release) => () => {
      t['policy'].clock.clearTimer(t['tooLong'])
      release()
    })
  }),
  control('P5', 'a day without data is too long', (t) => {
    patch(t, 'open', (open) => () => {
      open()
      if (t['cause'] === undefined) t['idle'] = t['policy'].clock.setTimer(() => t['abort'](), 86_400_000)
    })
    patch(t, 'release', (release) => () => {
      t['policy'].clock.clearTimer(t['idle'])
      release()
    })
  }),
  control('P6', 'abort() waits while paused', (t) => patch(t, 'abort', (abort) => (cause) => {
    if (t['writeHalf'] !== 'held' || t['readHalf'] !== 'paused') return abort(cause)
    const resume = t['resume'].bind(t)
    t['resume'] = (side: unknown) => {
      resume(side)
      abort(cause)
    }
  })),
  control('P6', 'close() drops what a pause held', (t) => patch(t, 'closeWrites', (closeWrites) => (options) => {
    if (t['writeHalf'] === 'held' && options === undefined) t['queue'].drop()
    closeWrites(options)
  })),
  control('P6', 'a pause when closing stops the flush', (t) => patch(t, 'pause', (pause) => (side) => {
    if (t['writeHalf'] !== 'ending') return pause(side)
    t['writeHalf'] = 'held'
  })),

  control('C1', 'close() inside dataReceived does not stop deliveries', (t) => {
    onProtocol((p) => ({
      dataReceived(data: unknown) {
        t['lastProtocol'] = p
        p['dataReceived'](data)
      },
    }))(t)
    patch(t, 'received', (received) => (data) => {
      if (t['readHalf'] === 'discarding' && t['lastProtocol'] !== undefined) t['lastProtocol'].dataReceived(data)
      received(data)
    })
  }),
  control('C1', 'close() inside connectionMade does not stop deliveries', (t) => patch(t, 'received', (received) => (data) => {
    if (t['readHalf'] === 'discarding' && t['protocol']?.bytes === 0 && t['protocol'].eofReceived !== undefined && t['inboxBytes'] + data.length === 1000) t['protocol'].dataReceived(data)
    received(data)
  })),
  control('C1', 'eofReceived is called after close()', (t) => patch(t, 'receivedEof', (receivedEof) => () => {
    if (t['readHalf'] === 'discarding' && t['unreadBytes'] > 0) t['protocol']?.eofReceived?.()
    receivedEof()
  })),
  control('C1', 'what is discarded is not counted', onReason((reason) => ({ ...reason, unreadBytes: 0 }))),
  control('C2', 'close() drops what is queued', (t) => patch(t, 'closeWrites', (closeWrites) => (options) => {
    t['queue'].drop()
    closeWrites(options)
  })),
  control('C2', 'close() drops what is queued if it is much', (t) => patch(t, 'closeWrites', (closeWrites) => (options) => {
    if (t['queue'].bytes > 10_000_000) t['queue'].drop()
    closeWrites(options)
  })),
  control('C2', 'close() stops the producer when all is sent', (t) => {
    patch(t, 'closeWrites', (closeWrites) => (options) => {
      const { producer } = t['queue']
      t['queue'].producer = undefined
      closeWrites(options)
      t['queue'].producer = producer
    })
  }),
  control('C3', 'close() does not read on', (t) => patch(t, 'applyReading', (applyReading) => () => {
    if (t['readHalf'] !== 'discarding' || t['queue'].bytes < 1_000_000) return applyReading()
    t['takes'] = false
    t['reading'] = false
    const end = t['endSent'].bind(t)
    t['endSent'] = () => {
      end()
      t['finish']({ kind: 'closed', by: 'local' })
    }
  })),
  control('C3', 'closing with unread input destroys what was sent', (t) => patch(t, 'endSent', (endSent) => () => {
    endSent()
    if (t['unreadBytes'] > 100_000 && t['peer'].inboxBytes > 0) t['peer'].inbox = []
  })),
  control('C4', 'a closing transport does not wait for the peer’s end', (t) => patch(t, 'endSent', (endSent) => () => {
    endSent()
    if (t['readHalf'] === 'discarding') t['finish']({ kind: 'closed', by: 'local' })
  })),
  control('C4', 'a closing transport waits a second longer', () => {}, { options: (given) => ({ ...given, lingerMs: (given.lingerMs ?? 5000) + 1000 }) }),
  control('C4', 'close() after halfClose() waits for ever', (t) => patch(t, 'closeWrites', (closeWrites) => (options) => {
    const half = t['writeHalf'] === 'ended'
    closeWrites(options)
    if (half) t['stopTimer']()
  })),
  control('C4', 'what comes lengthens the wait', (t) => patch(t, 'received', (received) => (data) => {
    received(data)
    if (t['readHalf'] === 'discarding' && t['writeHalf'] === 'ended' && t['timer'] !== undefined) t['setDeadline'](t['policy'].lingerMs)
  })),
  control('C4', 'a peer that still sends is told of an end', (t) => {
    patch(t, 'deadline', (deadline) => () => {
      t['lingered'] = true
      deadline()
    })
    patch(t, 'peerLeft', (peerLeft) => () => (t['peer'].lingered === true ? t['lost']({ kind: 'closed', by: 'peer' }) : peerLeft()))
    patch(t, 'writeFailed', (writeFailed) => (cause) => writeFailed(t['peer'].lingered === true ? { kind: 'closed', by: 'peer' } : cause))
  }),
  control('C5', 'a close may take for ever', (t) => patch(t, 'closeWrites', (closeWrites) => (options) => {
    closeWrites(options)
    if (t['writeHalf'] === 'ending') t['stopTimer']()
  })),
  control('C5', 'a close that takes too long is called closed', onReason((reason) => (reason['kind'] === 'timeout' ? { kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 } : reason))),
  control('C5', 'a close may take 40 s', () => {}, { options: (given) => ({ closeTimeoutMs: 40_000, ...given }) }),
  control('C5', 'the deadline waits while paused', (t) => patch(t, 'close', (close) => (options) => {
    const held = t['writeHalf'] === 'held'
    close(options)
    if (held && options !== undefined) t['stopTimer']()
  })),
  control('C5', 'after halfClose() there is no deadline', (t) => patch(t, 'closeWrites', (closeWrites) => (options) => {
    const half = t['writeHalf'] === 'ending'
    closeWrites(options)
    if (half) t['stopTimer']()
  })),
  control('C6', 'the first deadline stays', (t) => (t['closeAgain'] = () => {})),
  control('C6', 'the last deadline wins', (t) => (t['closeAgain'] = (options: Bent | undefined) => t['setDeadline'](options?.['timeoutMs'] ?? 30_000))),
  control('C7', 'everybody was first', onReason((reason) => (reason['kind'] === 'closed' ? { ...reason, by: 'local' } : reason))),
  control('C7', 'the peer was always first', onReason((reason) => (reason['kind'] === 'closed' ? { ...reason, by: 'peer' } : reason))),
  control('C7', 'close() before start() does nothing', (t) => patch(t, 'close', (close) => (options) => (t['protocol'] === undefined && t['cause'] === undefined && t['readHalf'] === 'idle' ? undefined : close(options)))),
  control('C7', 'disposal aborts', (t) => (t[Symbol.asyncDispose as unknown as string] = async () => t['abort']())),
  control('C8', 'abort() sends what is queued', (t) => patch(t, 'abort', (abort) => (cause) => {
    if (t['queue'].bytes > 0 && t['queue'].bytes < 5000 && t['writeHalf'] === 'open') t['peer'].take(new Uint8Array(t['queue'].bytes))
    abort(cause)
  })),
  control('C8', 'abort() lets go on what is on its way', (t) => patch(t, 'destroy', (destroy) => (reset) => {
    const rest = t['outbox']
    destroy(reset)
    t['outbox'] = rest
  })),
  control('C8', 'abort() does not say why', (t) => patch(t, 'abort', (abort) => () => abort())),
  control('C8', 'abort() does not count what is queued', onReason((reason) => (reason['kind'] === 'aborted' ? { ...reason, unsentBytes: 0 } : reason))),
  control('C8', 'abort() does not stop the producer', (t) => patch(t, 'abort', (abort) => (cause) => {
    if (t['queue'].bytes > 0) t['queue'].producer = undefined
    abort(cause)
  })),
  control('C8', 'abort() lets those wait who wait', (t) => patch(t, 'abort', (abort) => (cause) => {
    if (t['queue'].producer !== undefined) t['queue'].waiters = undefined
    abort(cause)
  })),
  control('C8', 'abort() before start() does nothing', (t) => patch(t, 'abort', (abort) => (cause) => (t['protocol'] === undefined && t['cause'] === undefined && t['readHalf'] === 'idle' ? undefined : abort(cause)))),
  control('C9', 'the error of a reset has no code', onReason((reason) => (reason['kind'] === 'reset' ? { ...reason, error: new Error('reset') } : reason))),
  control('C9', 'an abort looks like an end', (t) => patch(t, 'destroy', (destroy) => () => destroy(false))),
  control('C9', 'an abort is not seen by the peer', (t) => patch(t, 'destroy', (destroy) => (reset) => {
    if (t['cause'].kind !== 'aborted') destroy(reset)
  }), { options: (given) => ({ ...given, halfCloses: false }) }),
  control('C9', 'there are no resets, and an abort is not seen by the peer', (t) => {
    t['info'] = { ...t['info'], resets: false }
    patch(t, 'destroy', (destroy) => (reset) => {
      if (t['cause'].kind !== 'aborted') destroy(reset)
    })
  }),
  control('C9', 'an abort right after halfClose() does not reach the peer', (t) => {
    let half = false
    patch(t, 'halfClose', (halfClose) => () => {
      half = true
      halfClose()
      queueMicrotask(() => (half = false))
    })
    patch(t, 'destroy', (destroy) => (reset) => {
      if (!half) destroy(reset)
    })
  }),
  control('C10', 'the last cause wins', (t) => {
    let cause: unknown
    patch(t, 'abort', (abort) => (given) => {
      cause = given
      abort(given)
    })
    onReason((reason) => (reason['kind'] === 'aborted' && reason['error'].cause !== cause ? { ...reason, error: Object.assign(new Error('aborted'), { code: 'ERR_ABORTED', cause }) } : reason))(t)
  }),
  control('C10', 'abort() when closing does nothing', (t) => patch(t, 'abort', (abort) => (cause) => (t['writeHalf'] === 'ending' && t['queue'].bytes > 100_000 ? undefined : abort(cause)))),
  control('C10', 'close() after abort() makes it clean', (t) => {
    patch(t, 'close', (close) => (options) => {
      t['closedAfter'] = t['cause']?.kind === 'aborted' && t['reason'] === undefined
      close(options)
    })
    onReason((reason) => (t['closedAfter'] === true ? { kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 } : reason))(t)
  }),
  control('C11', 'a reset behind unread data is an end', (t) => patch(t, 'peerReset', (peerReset) => () => {
    if (t['readHalf'] !== 'paused' || t['inboxBytes'] < 60_500) return peerReset()
    t['takeEnd']()
  })),
  control('C11', 'a reset while paused is an end', (t) => patch(t, 'peerReset', (peerReset) => () => (t['readHalf'] === 'paused' && t['inboxBytes'] < 1000 ? t['takeEnd']() : peerReset()))),
  control('C12', 'a write that fails discards what could be read', (t) => patch(t, 'refuse', (refuse) => (data) => {
    if (t['writeHalf'] === 'broken' && data.length === 1000) t['dropHeld']()
    refuse(data)
  })),
  control('C12', 'a reader that resumes after a loss gets nothing of much', (t) => patch(t, 'resume', (resume) => (side) => {
    if (t['pendingLoss'] !== undefined && t['held']?.length === 1) t['dropHeld']()
    resume(side)
  })),
  control('C13', 'drained() waits though the write half is broken', (t) => patch(t, 'drained', (drained) => (below, signal) => (t['writeHalf'] === 'broken' && t['cause'] === undefined ? new Promise(() => {}) : drained(below, signal)))),
  control('C13', 'register() with a broken write half throws', (t) => patch(t, 'register', (register) => (producer) => {
    if (t['writeHalf'] === 'broken' && t['cause'] === undefined) throw t['refusal']()
    register(producer)
  })),
  control('C14', 'close() with a broken write half waits', (t) => patch(t, 'close', (close) => (options) => (t['writeHalf'] === 'broken' && t['cause'] === undefined ? undefined : close(options)))),
  control('C14', 'close() with a broken write half is clean', (t) => patch(t, 'close', (close) => (options) => {
    if (t['pendingLoss'] !== undefined) t['pendingLoss'] = { kind: 'closed', by: 'peer' }
    close(options)
  })),
]
