import { lossError } from './base/queued-transport.ts'
import type { Producer } from './flow.ts'
import type { CloseReason } from './reason.ts'
import { canHalfClose, type Carries, type Data, type Transport } from './transport.ts'

/**
 * The read side of a transport as a producer: paced, it pauses reading and nothing else. (A transport itself is none: the draft's two-sided
 * `pause()` would hold its writes as well, and a relay of two would stand still.) `stop()` closes the transport.
 */
export function readSide(transport: Transport): Producer {
  return {
    halfRegister() {},
    pause: () => transport.pause('read'),
    resume: () => transport.resume('read'),
    stop: () => transport.close(),
  }
}

/** Options of `pipe`. */
export interface PipeOptions {
  /**
   * What `to` gets when the source has ended in order. `halfClose` (where `to` can, else `close`) is the default for a transport, `close`
   * for an iterable; `none` leaves `to` open.
   */
  readonly end?: 'halfClose' | 'close' | 'none'
}

/**
 * Sends all that `from` gives to `to`, at the pace of `to`, then ends `to` as `end` says. A transport is started by this; an iterable is
 * pulled when `to` has room. If the source fails, `to` is aborted with its error, for what came is not the whole. If `to` takes no more, the
 * source is read and discarded (a transport; it may have an answer under way) or returned from (an iterable).
 *
 * A relay is `pipe(a, b)` and `pipe(b, a)`. Resolves when the source has ended and `to` was told; rejects with the error that ended either.
 */
export function pipe<C extends Carries>(from: Transport<C> | AsyncIterable<Data> | Iterable<Data>, to: Transport<C>, options: PipeOptions = {}): Promise<void> {
  return 'start' in from ? pipeTransport(from, to, options.end ?? 'halfClose') : pipeIterable(from, to, options.end ?? 'close')
}

function end(to: Transport, how: 'halfClose' | 'close' | 'none'): void {
  if (how === 'none') return
  if (how === 'halfClose' && canHalfClose(to)) to.halfClose()
  else to.close()
}

function pipeTransport<C extends Carries>(from: Transport<C>, to: Transport<C>, how: 'halfClose' | 'close' | 'none'): Promise<void> {
  return new Promise((resolve, reject) => {
    let taken = true
    let ended = false
    const done = (): void => {
      if (ended) return
      ended = true
      if (taken) {
        to.unregister()
        end(to, how)
      }
      resolve()
    }
    to.register({
      halfRegister() {},
      pause: () => from.pause('read'),
      resume: () => from.resume('read'),
      stop() {
        // What still comes is dropped, so that the source gets to its end and can still be written to.
        taken = false
        if (!ended) from.resume('read')
      },
    })
    const failed = (error: unknown): void => {
      ended = true
      if (taken) to.abort(error)
      reject(error)
    }
    try {
      from.start({
        dataReceived(data) {
          if (taken) to.write(data)
        },
        eofReceived: done,
        connectionLost(reason: CloseReason) {
          if (reason.kind === 'closed') done()
          else if (!ended) failed(lossError(reason))
        },
      })
    } catch (error) {
      // It was over before it began.
      failed(error)
    }
  })
}

/** A source may have nothing for long: whoever waits hears of the end of `to` all the same, and the source with its next item. */
function pipeIterable(from: AsyncIterable<Data> | Iterable<Data>, to: Transport, how: 'halfClose' | 'close' | 'none'): Promise<void> {
  const over = to.closed.then((reason): never => {
    throw lossError(reason)
  })
  return Promise.race([pump(from, to, how), over])
}

async function pump(from: AsyncIterable<Data> | Iterable<Data>, to: Transport, how: 'halfClose' | 'close' | 'none'): Promise<void> {
  try {
    for await (const data of from) {
      to.write(data)
      await to.drained()
    }
  } catch (error) {
    to.abort(error)
    throw error
  }
  end(to, how)
}

