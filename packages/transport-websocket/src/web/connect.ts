import { ConnectionError, type Connector, limits, UsageError } from '@async/core'
import { checkNumbers, type TransportOptions, type TransportPolicy, transportPolicy } from '@async/core/base'
import type { BuiltInConstructor } from './built-in.ts'
import { type BuiltInLimits, BuiltInTransport } from './built-in-transport.ts'
import { checkCounts } from './counts.ts'
import type { WebSocketTransport } from './websocket.ts'

/** Options of `connectWebSocket` and `webSocketConnector`, over the runtime's own WebSocket. */
export interface WebSocketConnectOptions extends TransportOptions {
  /** `ws://host:port/path?query`, or `wss://…`; in a browser also relative to the page. */
  readonly url: string | URL
  /** Subprotocols to offer, best first. Default: none. */
  readonly protocols?: readonly string[]
  /** Bytes of one message; a longer one ends the connection with kind `limit`. It was in memory by then. Default 1 MiB. */
  readonly maxMessageBytes?: number
  /**
   * Bytes that are held while paused, for the runtime can't hold the peer back, a message of fewer than 64 counting as 64; more end the connection with
   * kind `limit`. Default 16 MiB.
   */
  readonly maxHeldBytes?: number
  /** Milliseconds until the WebSocket is open; then `ERR_CONNECT_TIMEOUT`. Default 30,000. */
  readonly connectTimeoutMs?: number
  /** The WebSocket to use. Default: the runtime's. */
  readonly WebSocket?: BuiltInConstructor
}

/**
 * Connects. What comes before the WebSocket is started is held.
 * @throws (rejects) `signal.reason` at once when aborted; ConnectionError of phase `connect`: `ERR_CONNECT_FAILED` (the runtime does not
 * say why), `ERR_CONNECT_TIMEOUT`; UsageError `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED` where the runtime has no WebSocket. (L1–L3)
 */
export async function connectWebSocket(options: WebSocketConnectOptions & { readonly signal?: AbortSignal }): Promise<WebSocketTransport> {
  return webSocketConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector of WebSockets. @throws UsageError, as `connectWebSocket`. */
export function webSocketConnector(options: WebSocketConnectOptions): Connector<WebSocketTransport> {
  const { url, protocols = [], connectTimeoutMs = limits.connectTimeoutMs } = options
  const Built = options.WebSocket ?? (globalThis as { readonly WebSocket?: BuiltInConstructor }).WebSocket
  if (Built === undefined) throw new UsageError('ERR_UNSUPPORTED', 'this runtime has no WebSocket: give one as the option WebSocket')
  const policy = transportPolicy(options)
  const held: BuiltInLimits = { maxMessageBytes: options.maxMessageBytes ?? limits.maxMessageBytes, maxHeldBytes: options.maxHeldBytes ?? limits.maxQueuedBytes }
  checkCounts(held, ['maxMessageBytes'])
  checkNumbers({ ...held, connectTimeoutMs }, ['maxHeldBytes', 'connectTimeoutMs'])
  return { connect: ({ signal } = {}) => open(Built, String(url), [...protocols], policy, held, connectTimeoutMs, signal) }
}

function open(
  Built: BuiltInConstructor, url: string, protocols: string[], policy: TransportPolicy, held: BuiltInLimits, timeoutMs: number, signal: AbortSignal | undefined,
): Promise<WebSocketTransport> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason)
    let socket: InstanceType<BuiltInConstructor>
    try {
      socket = new Built(url, protocols)
    } catch (cause) {
      return reject(new UsageError('ERR_INVALID_ARGUMENT', (cause as Error).message, { cause }))
    }
    socket.binaryType = 'arraybuffer'
    const settle = (): void => {
      policy.clock.clearTimer(timer)
      signal?.removeEventListener('abort', aborted)
      socket.onopen = null
      socket.onclose = null
    }
    const fail = (error: unknown): void => {
      settle()
      socket.close()
      reject(error)
    }
    const aborted = (): void => fail(signal?.reason)
    const timer = policy.clock.setTimer(() => fail(new ConnectionError('ERR_CONNECT_TIMEOUT', `${url}: not open after ${timeoutMs} ms`, { phase: 'connect' })), timeoutMs)
    signal?.addEventListener('abort', aborted)
    // The close that follows settles it.
    socket.onerror = () => {}
    socket.onclose = () => fail(new ConnectionError('ERR_CONNECT_FAILED', `${url}: the WebSocket could not be opened`, { phase: 'connect' }))
    socket.onopen = () => {
      settle()
      resolve(new BuiltInTransport(policy, socket, held, hostOf(url)))
    }
  })
}

/** The peer as text; a page-relative URL has none that is known here. */
function hostOf(url: string): string {
  return /^\w+:\/\/([^/?#]*)/.exec(url)?.[1] ?? ''
}
