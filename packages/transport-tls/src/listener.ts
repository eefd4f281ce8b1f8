import { ConnectionError, type Info, limits, type Listener, type Stream, type Transport } from '@async/core'
import { checkNumbers } from '@async/core/base'
import type { TlsServerOptions } from './options.ts'
import { ServerSide } from './side.ts'
import { layOn } from './tls.ts'
import type { Keeper, TlsLayer, TlsTransport } from './transport.ts'

/** Options of `tlsListener` and `listenTls`. */
export interface TlsListenerOptions extends TlsServerOptions {
  /** Told of each handshake that failed, and of whom it was. Default: they are only counted. */
  readonly onHandshakeError?: (error: Error, info: Info) => void
  /** Milliseconds in which a transport must be started once its handshake is over, else it is aborted. Default 10,000. */
  readonly startTimeoutMs?: number
}

/** What a TLS listener counts. */
export interface TlsCounts {
  /** Handshakes in progress. */
  readonly handshakeCount: number
  /** Handshakes that failed, for whatever reason; the program never hears of those connections. */
  readonly failedCount: number
  /** Handshakes that were completed. */
  readonly completedCount: number
}

/** A function to hand to a listener, and what it counted. */
export interface TlsAcceptor extends TlsCounts {
  /** Begins the handshake on an accepted transport. */
  (below: Transport<Stream>): void
  /** Closes every TLS transport, so that each says close_notify; a listener that closes what is below can't. Resolves when none is open. */
  closeConnections(options?: { readonly graceMs?: number }): Promise<void>
  /** Aborts every TLS transport. */
  abortConnections(cause?: unknown): void
}

/**
 * TLS for a listener: `listenTcp({ port }, tlsListener({ cert, key }, onTransport))`. `onTransport` gets transports whose handshake is over,
 * and starts them. What it throws, or its promise rejects with, aborts that transport, and is reported. To end all connections in order,
 * call `closeConnections` of the acceptor, or use `listenTls`.
 * @throws UsageError `ERR_INVALID_ARGUMENT`, as `tlsServer`.
 */
export function tlsListener(options: TlsListenerOptions, onTransport: (transport: TlsTransport) => unknown): TlsAcceptor {
  const acceptor = new Acceptor(options, onTransport)
  const accept = (below: Transport<Stream>): void => acceptor.accept(below)
  return Object.defineProperties(accept as TlsAcceptor, {
    handshakeCount: { get: () => acceptor.side.handshakeCount },
    failedCount: { get: () => acceptor.failedCount },
    completedCount: { get: () => acceptor.completedCount },
    closeConnections: { value: (how?: { readonly graceMs?: number }) => acceptor.closeConnections(how) },
    abortConnections: { value: (cause?: unknown) => acceptor.abortConnections(cause) },
  })
}

/** A listener of TLS transports, over any listener: its address and ends, and what was counted. */
export interface TlsListener<L extends Listener = Listener> extends Listener, TlsCounts {
  /** The listener below. */
  readonly below: L
}

/**
 * Listens, with TLS on top: `listenTls((accept) => listenTcp({ port: 443 }, accept), { cert, key }, onTransport)`. As `tlsListener`, and its
 * `closeConnections` closes the TLS transports, so that peers know that nothing was cut off.
 * @throws (rejects) with what `listen` rejects with; UsageError `ERR_INVALID_ARGUMENT`, as `tlsServer`. (L4–L9)
 */
export async function listenTls<L extends Listener>(
  listen: (accept: (below: Transport<Stream>) => void) => Promise<L>,
  options: TlsListenerOptions,
  onTransport: (transport: TlsTransport) => unknown,
): Promise<TlsListener<L>> {
  const acceptor = new Acceptor(options, onTransport)
  const below = await listen((transport) => acceptor.accept(transport))
  return {
    below,
    address: below.address,
    closed: below.closed,
    get handshakeCount() {
      return acceptor.side.handshakeCount
    },
    get failedCount() {
      return acceptor.failedCount
    },
    get completedCount() {
      return acceptor.completedCount
    },
    close: () => below.close(),
    async closeConnections(how) {
      below.close()
      await acceptor.closeConnections(how)
      // Those that never got as far as TLS.
      below.abortConnections()
      await below.closed
    },
    abortConnections(cause) {
      acceptor.abortConnections(cause)
      below.abortConnections(cause)
    },
  }
}

class Acceptor implements Keeper {
  readonly side: ServerSide
  failedCount = 0
  completedCount = 0
  private readonly options: TlsListenerOptions
  private readonly startTimeoutMs: number
  private readonly onTransport: (transport: TlsTransport) => unknown
  private readonly open: Set<TlsLayer> = new Set()

  constructor(options: TlsListenerOptions, onTransport: (transport: TlsTransport) => unknown) {
    checkNumbers(options, ['startTimeoutMs'])
    this.options = options
    this.startTimeoutMs = options.startTimeoutMs ?? 10_000
    this.onTransport = onTransport
    this.side = new ServerSide(options)
  }

  accept(below: Transport<Stream>): void {
    const layer = layOn(below, this.side)
    this.open.add(layer)
    layer.handshakeFor(this)
  }

  opened(layer: TlsLayer): void {
    this.completedCount++
    try {
      const result = this.onTransport(layer)
      if (result instanceof Promise) result.catch((error: unknown) => this.handlerFailed(layer, error))
    } catch (error) {
      this.handlerFailed(layer, error)
    }
    if (layer.isIdle) this.expectStart(layer)
  }

  refused(layer: TlsLayer, error: Error): void {
    this.failedCount++
    try {
      this.options.onHandshakeError?.(error, layer.info.below)
    } catch (thrown) {
      this.side.policy.onError(thrown)
    }
  }

  over(layer: TlsLayer): void {
    this.open.delete(layer)
  }

  async closeConnections(how?: { readonly graceMs?: number }): Promise<void> {
    const graceMs = how?.graceMs ?? limits.closeTimeoutMs
    const { clock } = this.side.policy
    for (const transport of this.open) transport.close({ timeoutMs: graceMs })
    const timer = clock.setTimer(() => {
      this.abortConnections(new ConnectionError('ERR_CLOSE_TIMEOUT', `still open ${graceMs} ms after closeConnections()`, { phase: 'close' }))
    }, graceMs)
    await Promise.all([...this.open].map(({ closed }) => closed))
    clock.clearTimer(timer)
  }

  abortConnections(cause?: unknown): void {
    for (const transport of this.open) transport.abort(cause)
  }

  private expectStart(layer: TlsLayer): void {
    const { clock } = this.side.policy
    const timer = clock.setTimer(() => {
      if (layer.isIdle) layer.abort(new ConnectionError('ERR_NOT_STARTED', `nobody started the accepted transport within ${this.startTimeoutMs} ms`))
    }, this.startTimeoutMs)
    void layer.closed.then(() => clock.clearTimer(timer))
  }

  private handlerFailed(layer: TlsLayer, error: unknown): void {
    this.side.policy.onError(error)
    layer.abort(error)
  }
}
