import { UsageError } from '@async/core'
import type { Info, Stream, StreamTransport, Transport, UpgradeRequest } from '@async/core'
import { type TransportOptions, transportPolicy, type TransportPolicy } from '@async/core/base'
import { type HttpLimits, pickLimits } from './limits.ts'
import { ServerConnection } from './server-connection.ts'
import type { HttpServerExchange } from './server-exchange.ts'

/** Options of `httpServer`. Those of transports are the exchanges'. */
export interface HttpServerOptions extends TransportOptions, Partial<HttpLimits> {
  /**
   * Takes an exchange: start it, or answer it. One at a time on a connection; the next comes when this one is over. What it throws, or
   * its promise is rejected with, is reported once and answered with 500.
   */
  readonly onExchange: (exchange: HttpServerExchange) => void | Promise<void>
  /**
   * Takes a connection over at a request without a body whose Upgrade names one of `upgradeProtocols`: the raw transport, on which nothing
   * is answered yet. Whoever takes it writes the whole response, a 101 or a refusal, and starts the transport with the leftover; until
   * then nothing is read. Without it such requests are answered as any other. A throw is reported once, and aborts.
   */
  readonly onUpgrade?: (request: UpgradeRequest, info: Info) => void | Promise<void>
  /** The protocols, in lower case, that go to `onUpgrade`; requests for others (curl's h2c) go to `onExchange`. Default `websocket`. */
  readonly upgradeProtocols?: readonly string[]
  /** Takes a connection over at CONNECT, as `onUpgrade` does. Without it CONNECT is answered with 501. */
  readonly onConnect?: (request: UpgradeRequest, info: Info) => void | Promise<void>
  /** Bytes of a request's body that are read and dropped behind the response; then the connection closes. Default 262144: Go. */
  readonly maxDrainBytes?: number
  /** Requests on a connection; the answer to the last says `Connection: close`. Default Infinity: Node. (nginx: 1000.) */
  readonly maxRequestCount?: number
  /** Milliseconds for a whole request head, from the start of the connection or the head's first byte; then 408. Default 60000: Node. */
  readonly headTimeoutMs?: number
  /**
   * Milliseconds without a byte of a request's body that the exchange waits for, before the response began: 408; or without a byte that
   * the client takes of a response: an abort. Default 60000: nginx. (Apache: 20 s and 500 bytes a second.)
   */
  readonly bodyIdleTimeoutMs?: number
  /** Milliseconds for a whole request with its body, if it is not answered before; then 408. Default 300000: Node. */
  readonly requestTimeoutMs?: number
  /** Milliseconds from a request's head to the response's; then 503. Default Infinity: how long an answer takes is the application's. */
  readonly handlerTimeoutMs?: number
  /** Milliseconds between two requests; then the connection closes. Default 5000: Node. */
  readonly keepAliveTimeoutMs?: number
}

/** A server: a function to hand to a listener, which serves the HTTP connection on each transport that it is given. */
export interface HttpServer {
  /** Serves the connection on `transport`. It need not have a half-close: a serial line will do. */
  (transport: Transport<Stream>): void
  /** Connections that are open. */
  readonly connectionCount: number
  /**
   * Ends in order: connections without a request close now, others with the answer to the one that runs, which says `Connection: close`;
   * after `graceMs` (30 000) what is left is aborted. A connection that comes later is closed. Close the listener first. Again: no effect
   * but a shorter grace. Resolves when no connection is open.
   */
  drain(options?: { readonly graceMs?: number }): Promise<void>
}

/** `HttpServerOptions` with every default filled in. */
export interface ServerPolicy {
  readonly onExchange: HttpServerOptions['onExchange']
  readonly onUpgrade: HttpServerOptions['onUpgrade']
  readonly onConnect: HttpServerOptions['onConnect']
  readonly upgradeProtocols: readonly string[]
  readonly limits: HttpLimits
  readonly transport: TransportPolicy
  readonly maxDrainBytes: number
  readonly maxRequestCount: number
  readonly headTimeoutMs: number
  readonly bodyIdleTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly handlerTimeoutMs: number
  readonly keepAliveTimeoutMs: number
}

/**
 * Makes a server, over whatever transports it is handed.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range.
 */
export function httpServer(options: HttpServerOptions): HttpServer {
  const connections = new Connections(serverPolicy(options))
  const serve = (transport: Transport<Stream>): void => connections.serve(transport as StreamTransport)
  return Object.defineProperty(
    Object.assign(serve, { connectionCount: 0, drain: (drainOptions?: { readonly graceMs?: number }) => connections.drain(drainOptions?.graceMs) }),
    'connectionCount',
    { get: () => connections.open.size },
  )
}

function serverPolicy(options: HttpServerOptions): ServerPolicy {
  const { onExchange, onUpgrade, onConnect, upgradeProtocols = ['websocket'] } = options
  for (const [name, value] of Object.entries({ onExchange, onUpgrade: onUpgrade ?? onExchange, onConnect: onConnect ?? onExchange })) {
    if (typeof value !== 'function') throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is no function`)
  }
  const numbers = {
    maxDrainBytes: options.maxDrainBytes ?? 256 * 1024,
    maxRequestCount: options.maxRequestCount ?? Infinity,
    headTimeoutMs: options.headTimeoutMs ?? 60_000,
    bodyIdleTimeoutMs: options.bodyIdleTimeoutMs ?? 60_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 300_000,
    handlerTimeoutMs: options.handlerTimeoutMs ?? Infinity,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? 5_000,
  }
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${value}; it takes a number from 0`)
  }
  return { onExchange, onUpgrade, onConnect, upgradeProtocols, limits: pickLimits(options), transport: transportPolicy(options), ...numbers }
}

/** The connections of one server, and their common end. */
class Connections {
  readonly open = new Set<ServerConnection>()
  private readonly policy: ServerPolicy
  private draining = false
  private timer: unknown
  private timerDueMs = Infinity
  private readonly waiting: (() => void)[] = []

  constructor(policy: ServerPolicy) {
    this.policy = policy
  }

  serve(transport: StreamTransport): void {
    const connection = new ServerConnection(this.policy, this.gone)
    this.open.add(connection)
    try {
      transport.start(connection)
    } catch (error) {
      this.gone(connection)
      throw error
    }
    if (this.draining) connection.drain()
  }

  drain(graceMs: number = 30_000): Promise<void> {
    if (!(graceMs >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `graceMs is ${graceMs}; it takes a number from 0`)
    this.draining = true
    for (const connection of this.open) connection.drain()
    if (this.open.size === 0) return Promise.resolve()
    const { clock } = this.policy.transport
    if (clock.nowMs() + graceMs < this.timerDueMs) {
      clock.clearTimer(this.timer)
      this.timerDueMs = clock.nowMs() + graceMs
      this.timer = clock.setTimer(() => {
        for (const connection of this.open) connection.abort()
      }, graceMs)
    }
    return new Promise((resolve) => void this.waiting.push(resolve))
  }

  /** One for all connections, as their `onGone`. */
  private readonly gone = (connection: ServerConnection): void => {
    this.open.delete(connection)
    if (!this.draining || this.open.size > 0) return
    this.policy.transport.clock.clearTimer(this.timer)
    this.timerDueMs = Infinity
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}
