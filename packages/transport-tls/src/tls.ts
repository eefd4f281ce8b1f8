import { type Connector, type Layer, ProtocolError, type Stream, type Transport, UsageError } from '@async/core'
import type { TlsOptions, TlsServerOptions } from './options.ts'
import { socketOf, TlsOverSocket } from './over-socket.ts'
import { TlsOverTransport } from './over-transport.ts'
import { probeWorks } from './probe.ts'
import { ClientSide, ServerSide, type Side } from './side.ts'
import type { TlsLayer, TlsTransport } from './transport.ts'

/**
 * TLS on top of what is below, as its client: `stack(transport, tls({ serverName: 'example.test' }))`. The handshake begins with `start`, or with
 * `handshake()`; `connectionMade` comes when it is over. A failed one is told by `connectionLost` alone. Certificates are parsed once, here.
 * @throws UsageError `ERR_INVALID_ARGUMENT`: no `serverName`, credentials that can't be used, a number that is none.
 */
export function tls(options: TlsOptions): Layer<Transport<Stream>, TlsTransport> {
  return layerOf(new ClientSide(options))
}

/** TLS on top of what is below, as its server. See `tls`. @throws UsageError `ERR_INVALID_ARGUMENT`, also without certificate. */
export function tlsServer(options: TlsServerOptions): Layer<Transport<Stream>, TlsTransport> {
  return layerOf(new ServerSide(options))
}

/**
 * A connector that gives transports whose handshake is over: what fails there rejects `connect`, and what is below is let go.
 * (`over(connector, tls(options))` begins the handshake with `start`.)
 * @throws UsageError `ERR_INVALID_ARGUMENT`, as `tls`. `connect` rejects with ConnectionError of phase `handshake`, code `ERR_TLS_…`; with
 * `signal.reason` when aborted; with what `connector` rejects with.
 */
export function tlsConnector(connector: Connector<Transport<Stream>>, options: TlsOptions): Connector<TlsTransport> {
  const layer = tls(options)
  return {
    async connect(how) {
      const transport = layer(await connector.connect(how))
      const signal = how?.signal
      const onAbort = (): void => transport.abort(signal?.reason)
      // It may have come between the end of connecting and here.
      if (signal?.aborted === true) onAbort()
      else signal?.addEventListener('abort', onAbort)
      try {
        await transport.handshake()
        signal?.throwIfAborted()
        return transport
      } catch (error) {
        throw signal?.aborted === true ? signal.reason : error
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
  }
}

/** What becomes of bytes that were read before TLS began. */
export interface StartTlsOptions {
  /**
   * `reject`: there must be none, else the connection is aborted, kind `protocol`, code `ERR_TLS_LEFTOVER`: the side that was told to begin
   * has not begun, so whatever came in plain is not the peer's, or not meant for after the change. `feed`: they are the beginning of the handshake.
   */
  readonly leftover: 'feed' | 'reject'
  /** Bytes that the protocol before has not taken: `takeLeftover()` of a framing layer. Default: none. */
  readonly bytes?: Uint8Array
}

/**
 * Changes a live connection to TLS, as STARTTLS does: the protocol on `below` is told `detached`, and the handshake begins at once. `layer` is
 * `tls(…)` or `tlsServer(…)`. Give `below` itself, not a layer above it; what was written there goes out before.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for a `layer` of another make; `ERR_CLOSED`.
 */
export function startTls(below: Transport<Stream>, layer: Layer<Transport<Stream>, TlsTransport>, options: StartTlsOptions): TlsTransport {
  const side = sides.get(layer)
  const { leftover, bytes = new Uint8Array(0) } = options
  if (side === undefined) throw new UsageError('ERR_INVALID_ARGUMENT', 'startTls takes what tls() or tlsServer() gave')
  if (leftover !== 'feed' && leftover !== 'reject') throw new UsageError('ERR_INVALID_ARGUMENT', "leftover is 'feed' or 'reject': say what becomes of bytes in plain")
  const transport = new TlsOverTransport(below, side, bytes)
  if (leftover === 'reject' && bytes.length > 0) {
    transport.reject(new ProtocolError('ERR_TLS_LEFTOVER', `${bytes.length} bytes came in plain where TLS had to begin`))
  } else transport.handshake().catch(() => {})
  return transport
}

/** So that `startTls` knows the side of a layer. */
const sides: WeakMap<object, Side> = new WeakMap()

/** The layer of one side. */
export function layerOf(side: Side): Layer<Transport<Stream>, TlsTransport> {
  const layer = (below: Transport<Stream>): TlsTransport => layOn(below, side)
  sides.set(layer, side)
  return layer
}

/** One layer, on the road that is open to it. */
export function layOn(below: Transport<Stream>, side: Side): TlsLayer {
  const node = socketOf(below)
  return node === undefined || !(side.allowTruncation || probeWorks() === true) ? new TlsOverTransport(below, side) : new TlsOverSocket(below, node, side)
}
