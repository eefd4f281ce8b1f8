import { WrappedTransport } from './base/wrapped-transport.ts'
import type { Protocol } from './protocol.ts'
import type { CloseReason } from './reason.ts'
import type { Carries, Data, HalfClosable, Transport } from './transport.ts'

/** A transport that carries what `T` carries, and half-closes if it does: what a layer gives that changes nothing. */
export type SameAs<T> = T extends Transport<infer C> ? (T extends HalfClosable ? Transport<C> & HalfClosable : Transport<C>) : never

/** What a tap sees. Every method is optional; data are not to be kept or changed. */
export interface TapObserver {
  /** `data` were accepted on their way down. */
  readonly onWrite?: (data: Data) => void
  /** `data` are on their way up. */
  readonly onData?: (data: Data) => void
  /** Our side ends: `halfClose` or `close` was called. */
  readonly onEnd?: (call: 'halfClose' | 'close' | 'abort') => void
  /** The peer's side has ended. */
  readonly onEof?: () => void
  /** It is over. */
  readonly onLost?: (reason: CloseReason) => void
}

/** A layer that shows what crosses it, and changes nothing: for logs, counters and pictures. (Y7) */
export function tap(observer: TapObserver): <T extends Transport>(below: T) => SameAs<T> {
  // A wrapper has the abilities of what it wraps; the type says so, the class cannot.
  return (below) => new Tap(below, observer) as unknown as SameAs<typeof below>
}

class Tap<C extends Carries> extends WrappedTransport<C> {
  private readonly observer: TapObserver

  constructor(below: Transport<C>, observer: TapObserver) {
    super(below)
    this.observer = observer
  }

  override write(data: Data): void {
    super.write(data)
    this.observer.onWrite?.(data)
  }

  override writeSequence(list: readonly Data[]): void {
    super.writeSequence(list)
    for (const data of list) this.observer.onWrite?.(data)
  }

  override halfClose(): void {
    super.halfClose()
    this.observer.onEnd?.('halfClose')
  }

  override close(options?: { readonly timeoutMs?: number }): void {
    super.close(options)
    this.observer.onEnd?.('close')
  }

  override abort(cause?: unknown): void {
    super.abort(cause)
    this.observer.onEnd?.('abort')
  }

  override onData(data: C['in'], protocol: Protocol<C>): void {
    this.observer.onData?.(data)
    protocol.dataReceived(data)
  }

  override onEof(protocol: Protocol<C>): void {
    this.observer.onEof?.()
    super.onEof(protocol)
  }

  override onLost(reason: CloseReason, protocol: Protocol<C>): void {
    this.observer.onLost?.(reason)
    protocol.connectionLost?.(reason)
  }
}
