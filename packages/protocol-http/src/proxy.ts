import { ConnectionError, isAsyncError } from '@async/core'
import type { Connector, Stream, StreamTransport, Transport } from '@async/core'
import type { HttpSwitched } from './client-exchange.ts'
import { type HttpClientOptions, poolPolicy } from './client-policy.ts'
import { Pool } from './client-pool.ts'
import { requestTemplate } from './client-request.ts'
import type { HeaderList } from './events.ts'

/** Options of `viaProxy`: where the tunnel leads. */
export interface ProxyOptions extends Pick<HttpClientOptions, 'clock' | 'connectTimeoutMs'> {
  /** The host that the proxy is to connect to: a name, an IPv4 address, an IPv6 address with or without brackets. */
  readonly host: string
  /** Its port. */
  readonly port: number
  /** The value of `Proxy-Authorization`. Default none. */
  readonly authorization?: string
  /** More fields for the proxy. Default none. */
  readonly headers?: HeaderList
  /** Milliseconds for the proxy to answer; then `ERR_HTTP_HEAD_TIMEOUT`. Default 30000. */
  readonly answerTimeoutMs?: number
}

/**
 * A connector through an HTTP proxy: `connector` connects to the proxy, and what comes of it is a tunnel to `host` and `port` (CONNECT,
 * RFC 9110 §9.3.6), the raw transport to the proxy. TLS, or HTTP, goes on top as on any transport. It rejects with ConnectionError
 * `ERR_HTTP_PROXY_REFUSED` of phase `connect` when the proxy answers no 2xx; its cause says what.
 * @throws UsageError `ERR_HTTP_BAD_REQUEST_LINE`, `ERR_HTTP_BAD_HEADER`, `ERR_INVALID_ARGUMENT`.
 */
export function viaProxy(connector: Connector<Transport<Stream>>, options: ProxyOptions): Connector<StreamTransport> {
  const { host, port, authorization, headers = [], answerTimeoutMs = 30_000, clock, connectTimeoutMs } = options
  const authority = `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
  const template = requestTemplate({
    method: 'CONNECT',
    target: authority,
    host: authority,
    headers: authorization === undefined ? headers : [['Proxy-Authorization', authorization], ...headers],
  })
  const policy = poolPolicy({
    maxConnectionCount: Infinity,
    idleTimeoutMs: 0,
    headTimeoutMs: answerTimeoutMs,
    bodyIdleTimeoutMs: answerTimeoutMs,
    ...(clock === undefined ? {} : { clock }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
  })
  const pool = new Pool(connector, policy, () => {})
  return {
    async connect({ signal } = {}) {
      const exchange = await pool.open(template, { signal, fresh: true })
      const onAbort = (): void => exchange.abort(signal?.reason)
      const { switched } = exchange
      signal?.addEventListener('abort', onAbort)
      // It may have aborted since the exchange was given, of which its listener is not told.
      if (signal?.aborted === true) onAbort()
      try {
        exchange.halfClose()
        return withLeftover(await switched)
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason
        const reason = await exchange.closed
        const cause = isAsyncError(error, 'ERR_HTTP_NOT_SWITCHED') && 'error' in reason ? reason.error : error
        throw new ConnectionError('ERR_HTTP_PROXY_REFUSED', `the proxy made no tunnel to ${authority}`, { phase: 'connect', cause })
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
  }
}

/** The transport, whose first protocol gets the leftover first. */
function withLeftover({ transport, leftover }: HttpSwitched): StreamTransport {
  if (leftover.length === 0) return transport
  const given: { start: StreamTransport['start'] } = transport
  const { start } = given
  given.start = (protocol, more = new Uint8Array(0)) => {
    const all = new Uint8Array(leftover.length + more.length)
    all.set(leftover)
    all.set(more, leftover.length)
    start.call(transport, protocol, all)
  }
  return transport
}
