import { ConnectionError } from '../../src/errors.ts'
import { type ListenerOptions, type ListenerUnderTest, memoryPair } from '../../src/testing/index.ts'
import type { Listener, Transport } from '../../src/transport.ts'
import { type Bent, type Control, listenerControl } from './bend.ts'

/** A listener in memory: as short as one can be that obeys L1–L9, L16 and L17. */
export class MemoryListener implements Listener {
  readonly address = 'memory'
  readonly closed: Promise<void>
  accepting = true
  refused = 0
  protected readonly held: Transport[] = []
  protected readonly open: Set<Transport> = new Set()
  protected readonly accept: (transport: Transport) => void
  protected readonly options: ListenerOptions
  private resolveClosed!: () => void

  constructor(accept: (transport: Transport) => void, options: ListenerOptions) {
    this.accept = accept
    this.options = options
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  async connect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<Transport> {
    signal?.throwIfAborted()
    if (!this.accepting) throw refused()
    await Promise.resolve()
    const { a, b } = memoryPair(this.options)
    Object.assign(a, { info: { ...a.info, remote: this.address, local: 'peer' } })
    Object.assign(b, { info: { ...b.info, remote: 'peer', local: this.address } })
    this.arrived(b)
    if (signal?.aborted === true) a.abort()
    signal?.throwIfAborted()
    return a
  }

  counts(): { readonly open: number; readonly held: number; readonly refused: number } {
    return { open: this.open.size, held: this.held.length, refused: this.refused }
  }

  close(): void {
    this.accepting = false
    for (const transport of this.held.splice(0)) transport.abort()
    this.check()
  }

  async closeConnections({ graceMs = 30_000 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.close()
    for (const transport of this.open) transport.close()
    const { clock } = this.options
    const timer = clock?.setTimer(() => this.abortConnections(), graceMs)
    await this.closed
    clock?.clearTimer(timer)
  }

  abortConnections(cause?: unknown): void {
    this.close()
    for (const transport of this.open) transport.abort(cause)
  }

  protected get room(): boolean {
    return this.open.size < (this.options.maxConnections ?? Infinity)
  }

  protected arrived(transport: Transport): void {
    if (this.room && this.held.length === 0) this.take(transport)
    else if (this.held.length < (this.options.maxHeldConnections ?? 64)) this.held.push(transport)
    else this.refuse(transport)
  }

  protected refuse(transport: Transport): void {
    this.refused++
    transport.abort()
  }

  /** The one that has waited longest. */
  protected oldest(): Transport | undefined {
    return this.held.shift()
  }

  /** Hands over one transport. */
  protected take(transport: Transport): void {
    this.open.add(transport)
    void transport.closed.then(() => {
      this.open.delete(transport)
      clock?.clearTimer(unstarted)
      if (this.room && this.held.length > 0) this.take(this.oldest()!)
      this.check()
    })
    const { clock } = this.options
    const unstarted = clock?.setTimer(() => transport.abort(), 10_000)
    const started = transport.start.bind(transport)
    transport.start = (protocol, leftover) => {
      clock?.clearTimer(unstarted)
      started(protocol, leftover)
    }
    try {
      const result: unknown = this.accept(transport)
      if (result instanceof Promise) result.catch((error: unknown) => this.failed(transport, error))
    } catch (error) {
      this.failed(transport, error)
    }
  }

  protected failed(transport: Transport, error: unknown): void {
    this.options.onError?.(error)
    transport.abort(error)
  }

  private check(): void {
    if (!this.accepting && this.open.size === 0) this.resolveClosed()
  }
}

const refused = (): ConnectionError => new ConnectionError('ERR_REFUSED', 'nobody listens', { phase: 'connect' })

/** A memory listener that is bent. */
function bent(breaks: string, name: string, bend: (listener: Bent) => void, toNobody: () => Error = refused): Control {
  const makeListener = async (accept: (transport: Transport) => void, options: ListenerOptions = {}): Promise<ListenerUnderTest> => {
    const listener = new MemoryListener(accept, options)
    bend(listener as unknown as Bent)
    return { listener, counts: () => listener.counts(), connect: (more) => listener.connect(more) }
  }
  return listenerControl(breaks, name, makeListener, () => Promise.reject(toNobody()))
}

const drop = (): void => {}

/** The listener unbent: it has to pass. */
export const goodListener: Control = bent('none', 'a listener in memory', drop)

/** Controls of L. */
export const listenerControls: readonly Control[] = [
  bent('L1', 'a connection is read before it is started', (l) => wrapConnect(l, (connected) => {
    const { start } = connected
    connected['start'] = (protocol: unknown) => {
      if (connected['inboxBytes'] === 1000) connected['inbox'] = []
      start.call(connected, protocol)
    }
    return connected
  })),
  bent('L2', 'an aborted connect() rejects with an error of its own', (l) => wrap(l, 'connect', (connect) => (options) => connect(options).catch(() => {
    throw new Error('aborted')
  }))),
  bent('L2', 'connect() ignores a signal that is aborted before', (l) => wrap(l, 'connect', (connect) => (options) => connect(options?.signal?.aborted === true ? {} : options))),
  bent('L2', 'connect() ignores a signal that aborts on the way', (l) => wrap(l, 'connect', (connect) => (options) => (options?.signal?.aborted === false ? connect({}) : connect(options)))),
  bent('L2', 'the signal of connect() ends the connection later', (l) => wrap(l, 'connect', (connect) => async (options) => {
    const made = await connect(options)
    options?.signal?.addEventListener('abort', () => made.abort())
    return made
  })),
  bent('L3', 'a failed connect() rejects with a bare error', drop, () => new Error('refused')),
  bent('L4', 'the second connection is not handed over', (l) => {
    let count = 0
    wrap(l, 'take', (take) => (transport) => (++count === 2 ? undefined : take(transport)))
  }),
  bent('L4', 'what the accept function throws is not reported', (l) => (l['options'] = { ...l['options'], onError: drop })),
  bent('L5', 'close() closes open connections', (l) => wrap(l, 'close', (close) => () => {
    close()
    for (const transport of l['open']) transport.close()
  })),
  bent('L5', 'close() accepts one more', (l) => wrap(l, 'connect', (connect) => async (options) => {
    if (l['accepting'] === true || l['open'].size === 0) return connect(options)
    return memoryPair().a
  })),
  bent('L6', 'closeConnections() aborts', (l) => wrap(l, 'closeConnections', () => async () => {
    l['abortConnections']()
    await l['closed']
  })),
  bent('L6', 'closeConnections() has no deadline', (l) => wrap(l, 'closeConnections', (closeConnections) => () => closeConnections({ graceMs: 1_000_000_000 }))),
  bent('L7', 'abortConnections() closes', (l) => wrap(l, 'abortConnections', (abortConnections) => (cause) => {
    if (cause === undefined) return abortConnections()
    l['close']()
    for (const transport of l['open']) transport.close()
  })),
  bent('L8', 'closed waits for a first connection', (l) => {
    let had = false
    wrap(l, 'take', (take) => (transport) => {
      had = true
      take(transport)
    })
    wrap(l, 'check', (check) => () => had && check())
  }),
  bent('L9', 'a transport that nobody starts stays open', (l) => wrap(l, 'take', (take) => (transport) => {
    const { clock } = l['options']
    l['options'] = { ...l['options'], clock: undefined }
    take(transport)
    l['options'] = { ...l['options'], clock }
  })),
  bent('L9', 'there is no limit', (l) => (l['options'] = { ...l['options'], maxConnections: Infinity })),
  bent('L4', 'an accept function that rejects is not noticed', (l) => wrap(l, 'accept', (accept) => (transport) => void Promise.resolve(accept(transport)).catch(drop))),
  bent('L9', 'a transport that is started late is aborted all the same', (l) => wrap(l, 'take', (take) => (transport) => {
    take(transport)
    if (transport['readHalf'] === 'idle') l['options'].clock?.setTimer(() => transport.abort(), 10_000)
  })),
  bent('L9', 'a transport that ends leaves its timer', (l) => wrap(l, 'take', (take) => (transport) => {
    take(transport)
    if (transport['readHalf'] === 'idle') l['options'].clock?.setTimer(drop, 1000)
  })),
  bent('L17', 'an end that is over knows no address', (l) => wrapConnect(l, (connected) => {
    const info = { ...connected['info'] }
    void connected['closed'].then(() => (info.local = undefined))
    return Object.assign(connected, { info })
  })),
  bent('L16', 'the newest is served first', (l) => (l['oldest'] = () => l['held'].pop())),
  bent('L16', 'nothing is held', (l) => wrap(l, 'arrived', (arrived) => (transport) => (l['room'] ? arrived(transport) : l['refuse'](transport)))),
  bent('L16', 'what is refused is not counted', (l) => (l['refuse'] = (transport: Transport) => transport.abort())),
  bent('L16', 'what is held when it closes is forgotten', (l) => wrap(l, 'close', (close) => () => {
    l['held'].length = 0
    close()
  })),
]

// oxlint-disable-next-line typescript/no-explicit-any -- it bends what is protected
function wrap(listener: Bent, name: string, replacement: (original: (...args: any[]) => any) => (...args: any[]) => any): void {
  listener[name] = replacement(listener[name].bind(listener))
}

function wrapConnect(listener: Bent, change: (connected: Bent) => Bent): void {
  wrap(listener, 'connect', (connect) => async (options) => change(await connect(options)))
}
