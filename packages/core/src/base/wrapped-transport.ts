/**
 * A layer that changes nothing of what it carries: idle time-outs, taps, recorders, faults. It has no machine of its own; every call and
 * every event passes straight through, and a subclass looks at (or changes) those that it cares for.
 */
import type { Producer } from '../flow.ts'
import type { Protocol } from '../protocol.ts'
import type { CloseReason } from '../reason.ts'
import type { Carries, CloseOptions, Data, HalfClosable, Info, Side, Transport } from '../transport.ts'
import { ForwardedProducer } from './forwarded-producer.ts'
import { layerInfo, reportThrown } from './layer-transport.ts'

/** Passes everything through. Extend it and override what you care for; the `on…` methods see what comes from below. */
export class WrappedTransport<C extends Carries = Carries> implements Transport<C>, HalfClosable {
  protected readonly below: Transport<C>
  readonly carries: C['kind']

  constructor(below: Transport<C>) {
    this.below = below
    this.carries = below.carries
  }

  get info(): Info {
    return layerInfo(this.below)
  }

  get queuedBytes(): number {
    return this.below.queuedBytes
  }

  get closed(): Promise<CloseReason> {
    return this.below.closed
  }

  start(protocol: Protocol<C, this>, leftover?: Uint8Array): void {
    this.below.start(new WrappedProtocol<C>(this, protocol), leftover)
  }

  write(data: Data): void {
    this.below.write(data)
  }

  writeSequence(list: readonly Data[]): void {
    this.below.writeSequence(list)
  }

  drained(belowBytes?: number, signal?: AbortSignal): Promise<void> {
    return this.below.drained(belowBytes, signal)
  }

  register(producer: Producer): void {
    this.below.register(new ForwardedProducer(producer, this))
  }

  unregister(): void {
    this.below.unregister()
  }

  pause(side?: Side): void {
    this.below.pause(side)
  }

  resume(side?: Side): void {
    this.below.resume(side)
  }

  halfClose(): void {
    ;(this.below as Transport<C> & HalfClosable).halfClose()
  }

  close(options?: CloseOptions): void {
    this.below.close(options)
  }

  abort(cause?: unknown): void {
    this.below.abort(cause)
  }

  /** For layers above: reports what a callback threw from there. */
  reportThrown(error: unknown): void {
    reportThrown(this.below, error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.below[Symbol.asyncDispose]()
  }

  /** The protocol above is started; it was told before this is called. */
  onMade(): void {}

  /** Data from below, on their way to `protocol`. */
  onData(data: C['in'], protocol: Protocol<C>): void {
    protocol.dataReceived(data)
  }

  /** The peer's end, on its way to `protocol`. One without `eofReceived` has the transport closed (H4). */
  onEof(protocol: Protocol<C>): void {
    if (protocol.eofReceived !== undefined) protocol.eofReceived()
    else this.close()
  }

  /** The end, on its way to `protocol`. */
  onLost(reason: CloseReason, protocol: Protocol<C>): void {
    protocol.connectionLost?.(reason)
  }
}

/** One per `start`, so that a replaced protocol is the one that is told `detached`. */
class WrappedProtocol<C extends Carries> implements Protocol<C> {
  private readonly wrapper: WrappedTransport<C>
  private readonly protocol: Protocol<C, any>

  constructor(wrapper: WrappedTransport<C>, protocol: Protocol<C, any>) {
    this.wrapper = wrapper
    this.protocol = protocol
  }

  connectionMade(): void {
    this.protocol.connectionMade?.(this.wrapper)
    this.wrapper.onMade()
  }

  dataReceived(data: C['in']): void {
    this.wrapper.onData(data, this.protocol)
  }

  eofReceived(): void {
    this.wrapper.onEof(this.protocol)
  }

  connectionLost(reason: CloseReason): void {
    this.wrapper.onLost(reason, this.protocol)
  }
}
