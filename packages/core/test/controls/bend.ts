/**
 * A control is a transport that breaks one clause: a memory pair of which one method, or one callback, is bent. The kit has to notice, in the
 * cases that are pinned, and in no other.
 */
import type { TransportOptions } from '../../src/base/index.ts'
import { type ListenerUnderTest, memoryMessagePair, memoryPair, type MemoryPairOptions, type Subject } from '../../src/testing/index.ts'
import type { Transport } from '../../src/transport.ts'

/** A transport whose inside is open: a control may bend anything. */
// oxlint-disable-next-line typescript/no-explicit-any -- it bends what is private
export type Bent = Record<string, any>

/** Bends both ends of a pair, one after the other. */
export type Bend = (transport: Bent) => void

/** One broken transport. */
export interface Control {
  /** What is broken. */
  readonly name: string
  /** The clause that it breaks. */
  readonly breaks: string
  /** The broken transport. */
  readonly subject: Subject
}

/** Options of `control`. */
export interface ControlOptions {
  /** What the pair carries. Default: a stream. */
  readonly carries?: 'stream' | 'message'
  /** Changes the options that the case gave. */
  readonly options?: (given: TransportOptions) => MemoryPairOptions
}

/** A memory pair whose ends are bent. */
export function control(breaks: string, name: string, bend: Bend = () => {}, { carries = 'stream', options = (given) => given }: ControlOptions = {}): Control {
  const make = carries === 'stream' ? memoryPair : memoryMessagePair
  const subject: Subject = {
    name: `${breaks}: ${name}`,
    carries,
    async makePair(given = {}) {
      const pair = make(options(given))
      bend(pair.a as unknown as Bent)
      bend(pair.b as unknown as Bent)
      return { a: pair.a, b: pair.b }
    },
  }
  return { name, breaks, subject }
}

/** A listener in memory, bent: see listener.ts. */
export function listenerControl(
  breaks: string,
  name: string,
  makeListener: (accept: (transport: Transport) => unknown, options?: TransportOptions) => Promise<ListenerUnderTest>,
  connectToNobody: () => Promise<Transport>,
): Control {
  return { name, breaks, subject: { name: `${breaks}: ${name}`, carries: 'stream', makePair: async (given) => memoryPair(given), makeListener, holdsConnections: true, connectToNobody } }
}

// oxlint-disable-next-line typescript/no-explicit-any -- as above
type Method = (...args: any[]) => any

/** Replaces `transport[name]`, which the replacement is given. */
export function patch(transport: Bent, name: string, replacement: (original: Method) => Method): void {
  // A pair that cannot be made would fail every case, and look like a control.
  if (typeof transport[name] !== 'function') throw new Error(`a control bends ${name}, which is not there any more`)
  transport[name] = replacement(transport[name].bind(transport))
}

/** Changes every protocol that is started: the methods of `change` instead of its own. */
export function onProtocol(change: (protocol: Bent, transport: Bent) => Bent): Bend {
  return (transport) => patch(transport, 'start', (start) => (protocol, leftover) => {
    const changed = { ...protocol, ...change(protocol, transport) }
    // Absence means something.
    if (changed['eofReceived'] === undefined) delete changed['eofReceived']
    return start(changed, leftover)
  })
}

/** Changes every producer that is registered. */
export function onProducer(change: (producer: Bent, transport: Bent) => Bent): Bend {
  return (transport) => patch(transport, 'register', (register) => (producer) => register({ ...producer, ...change(producer, transport) }))
}

/** Changes the reason of every end. */
export function onReason(change: (reason: Bent, transport: Bent) => Bent): Bend {
  return (transport) => patch(transport, 'makeReason', (makeReason) => (cause, below) => Object.freeze(change(makeReason(cause, below), transport)))
}

/** Does `task` later, in the same turn or (`afterTurn`) in the next. What it throws is the bent transport's fault, and lost. */
export function later(task: () => void, when: (task: () => void) => void = queueMicrotask): void {
  when(() => {
    try {
      task()
    } catch {
      // Lost.
    }
  })
}
