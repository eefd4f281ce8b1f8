import type { CloseReason, HalfClosable, Messages, Protocol, Transport } from '@async/core'
import { jsonRpc } from '@async/protocol-jsonrpc'
import type { Peer, PeerOptions, Service } from '@async/protocol-jsonrpc'
import { memoryMessagePair } from '@async/core/testing'
import type { MemoryPairOptions } from '@async/core/testing'

export { memoryMessagePair, memoryPair, VirtualClock } from '@async/core/testing'

/** The far end of a peer's transport, driven by hand: what it is sent is text, and what it says is literal. */
export class Wire implements Protocol<Messages> {
  readonly transport: Transport<Messages> & HalfClosable
  readonly received: string[] = []
  ended = false
  lost: CloseReason | undefined
  private wake: () => void = () => {}

  constructor(transport: Transport<Messages> & HalfClosable) {
    this.transport = transport
    transport.start(this)
  }

  send(...messages: (string | Uint8Array)[]): void {
    for (const message of messages) this.transport.write(message)
  }

  /** Waits for `count` messages in all, and returns them parsed. */
  async answers(count: number): Promise<unknown[]> {
    await this.until(() => this.received.length >= count)
    return this.received.map((text) => JSON.parse(text) as unknown)
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.wake = resolve))
  }

  dataReceived(data: Messages['in']): void {
    this.received.push(typeof data === 'string' ? data : new TextDecoder().decode(data))
    this.wake()
  }

  eofReceived(): void {
    this.ended = true
    this.wake()
  }

  connectionLost(reason: CloseReason): void {
    this.lost = reason
    this.wake()
  }
}

/** A peer whose other end is a wire. */
export function wired(service?: Service, options?: PeerOptions, pair: MemoryPairOptions = {}): { wire: Wire; peer: Peer } {
  const { a, b } = memoryMessagePair(pair)
  return { peer: jsonRpc(service, options)(a), wire: new Wire(b) }
}

/** Two peers, tied together. */
export function peers(service: Service, options?: PeerOptions, other: Service = service, pair: MemoryPairOptions = {}): { a: Peer; b: Peer } {
  const ends = memoryMessagePair(pair)
  return { a: jsonRpc(service, options)(ends.a), b: jsonRpc(other, options)(ends.b) }
}

/** Lets everything happen that is under way and needs no time: ten turns of the event loop. */
export async function turns(count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A promise and its two ends. */
export function deferred<T = unknown>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<any> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was not rejected')
}
