import { createServer, type Server, type Socket } from 'node:net'
import { ConnectionError, limits, type Listener, type StreamTransport, UsageError } from '@async/core'
import { afterTurn, type TransportPolicy, transportPolicy } from '@async/core/base'
import { connectionError } from './errors.ts'
import { checkNumbers, checkPort, keepAlive, type TcpListenOptions } from './options.ts'
import { type Owner, formatAddress, TcpTransport } from './transport.ts'

/** A listener of TCP transports, and what it counted. */
export interface TcpListener extends Listener {
  /** The port that it listens on: the one asked for, or the OS's choice. */
  readonly port: number
  /** Transports that are open. */
  readonly connectionCount: number
  /** Connections that wait, unread, for one of `maxConnections` to end; also those whose peer has left, for nobody can know yet. */
  readonly heldCount: number
  /** Connections that were reset because `maxHeldConnections` were waiting. */
  readonly refusedCount: number
  /** Failed accepts, of which the listener survives every one (no file descriptor left, …). */
  readonly acceptErrorCount: number
  /** Lets the process end although it listens. */
  unref(): void
}

/**
 * Listens, and hands every accepted transport to `onTransport`, which starts it, now or soon: one that is not started within
 * `startTimeoutMs` is aborted. What `onTransport` throws, or its promise rejects with, aborts that transport, and is reported.
 * @throws (rejects) ConnectionError `ERR_ADDRESS_IN_USE`, `ERR_ADDRESS_NOT_AVAILABLE`, `ERR_ACCESS`, …; UsageError `ERR_UNSUPPORTED` for
 * `reusePort` on a runtime that ignores it, `ERR_INVALID_ARGUMENT`. (L4–L9, L16)
 */
export async function listenTcp(options: TcpListenOptions, onTransport: (transport: StreamTransport) => void): Promise<TcpListener> {
  const { port = 0, host = '127.0.0.1' } = options
  checkPort('port', port, 0)
  checkNumbers(options, ['backlog', 'maxConnections', 'maxHeldConnections', 'startTimeoutMs', 'keepAliveMs'])
  const policy = transportPolicy(options)
  if (options.reusePort === true && !(await supportsReusePort())) {
    throw new UsageError('ERR_UNSUPPORTED', 'this runtime ignores reusePort: a second listener on a port would fail, or take it over')
  }
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: options.noDelay ?? true, ...keepAlive(options) })
  await bind(server, options, host, port)
  return new TcpServer(server, options, policy, onTransport)
}

function bind(server: Server, options: TcpListenOptions, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(connectionError(error, 'connect', formatAddress(host, port)))
    server.once('error', failed)
    const how = { host, port, backlog: options.backlog ?? 511, ipv6Only: options.ipv6Only ?? false, reusePort: options.reusePort ?? false }
    server.listen(how, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

class TcpServer implements TcpListener, Owner {
  readonly address: string
  readonly port: number
  readonly closed: Promise<void>
  refusedCount = 0
  acceptErrorCount = 0
  private readonly server: Server
  private readonly options: TcpListenOptions
  private readonly policy: TransportPolicy
  private readonly onTransport: (transport: StreamTransport) => void
  private readonly open: Set<TcpTransport> = new Set()
  private readonly waiting: Set<Socket> = new Set()
  private readonly startTimers: WeakMap<TcpTransport, unknown> = new WeakMap()
  private accepting = true
  private resolveClosed!: () => void

  constructor(server: Server, options: TcpListenOptions, policy: TransportPolicy, onTransport: (transport: StreamTransport) => void) {
    this.server = server
    this.options = options
    this.policy = policy
    this.onTransport = onTransport
    const bound = server.address() as { address: string; port: number }
    this.port = bound.port
    this.address = formatAddress(bound.address, bound.port)
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    if (options.ref === false) server.unref()
    server.on('connection', (socket) => this.accepted(socket))
    server.on('error', () => {
      this.acceptErrorCount++
    })
  }

  get connectionCount(): number {
    return this.open.size
  }

  get heldCount(): number {
    return this.waiting.size
  }

  unref(): void {
    this.server.unref()
  }

  close(): void {
    if (!this.accepting) return
    this.accepting = false
    for (const socket of this.waiting) socket.resetAndDestroy()
    this.waiting.clear()
    this.server.close()
    this.maybeClosed()
  }

  async closeConnections(options?: { readonly graceMs?: number }): Promise<void> {
    const graceMs = options?.graceMs ?? limits.closeTimeoutMs
    this.close()
    for (const transport of this.open) transport.close({ timeoutMs: graceMs })
    const timer = this.policy.clock.setTimer(() => {
      this.abortConnections(new ConnectionError('ERR_CLOSE_TIMEOUT', `still open ${graceMs} ms after closeConnections()`, { phase: 'close' }))
    }, graceMs)
    await this.closed
    this.policy.clock.clearTimer(timer)
  }

  abortConnections(cause?: unknown): void {
    this.close()
    for (const transport of this.open) transport.abort(cause)
  }

  released(transport: TcpTransport): void {
    this.open.delete(transport)
    this.policy.clock.clearTimer(this.startTimers.get(transport))
    // From a turn of its own: the transport that ended is still in the middle of it.
    if (this.waiting.size > 0) afterTurn(() => this.fill())
    this.maybeClosed()
  }

  private get hasRoom(): boolean {
    return this.open.size < (this.options.maxConnections ?? Infinity)
  }

  private accepted(socket: Socket): void {
    if (this.options.ref === false) socket.unref()
    if (this.hasRoom && this.waiting.size === 0) return this.take(socket)
    socket.on('error', ignore)
    if (this.waiting.size < (this.options.maxHeldConnections ?? 64)) this.waiting.add(socket)
    else {
      this.refusedCount++
      socket.resetAndDestroy()
    }
  }

  /** Takes those that wait, the oldest first, while there is room. */
  private fill(): void {
    for (const socket of this.waiting) {
      if (!this.hasRoom) return
      this.waiting.delete(socket)
      socket.off('error', ignore)
      this.take(socket)
    }
  }

  private take(socket: Socket): void {
    const transport = new TcpTransport(this.policy, socket, this)
    this.open.add(transport)
    try {
      const result: unknown = this.onTransport(transport)
      if (result instanceof Promise) result.catch((error: unknown) => this.handlerFailed(transport, error))
    } catch (error) {
      this.handlerFailed(transport, error)
    }
    if (!transport.isIdle) return
    const ms = this.options.startTimeoutMs ?? 10_000
    const timer = this.policy.clock.setTimer(() => {
      if (transport.isIdle) transport.abort(new ConnectionError('ERR_NOT_STARTED', `nobody started the accepted transport within ${ms} ms`))
    }, ms)
    if (this.options.ref === false) (timer as { unref?: () => void } | undefined)?.unref?.()
    this.startTimers.set(transport, timer)
  }

  private handlerFailed(transport: TcpTransport, error: unknown): void {
    this.policy.onError(error)
    transport.abort(error)
  }

  private maybeClosed(): void {
    if (!this.accepting && !this.server.listening && this.open.size === 0) queueMicrotask(this.resolveClosed)
  }
}

function ignore(): void {}

let reusePort: Promise<boolean> | undefined

/** Whether the runtime does as `reusePort` says: two listeners on one port, tried once. */
export function supportsReusePort(): Promise<boolean> {
  reusePort ??= (async () => {
    const one = createServer()
    const two = createServer()
    try {
      await bind(one, { reusePort: true }, '127.0.0.1', 0)
      await bind(two, { reusePort: true }, '127.0.0.1', (one.address() as { port: number }).port)
      return true
    } catch {
      return false
    } finally {
      one.close()
      two.close()
    }
  })()
  return reusePort
}
