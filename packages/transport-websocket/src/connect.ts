import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { ConnectionError, type Connector, limits, type Stream, type StreamTransport, type Transport, UsageError } from '@async/core'
import { checkNumbers, type TransportPolicy, transportPolicy } from '@async/core/base'
import { dial, type Dialled, formatAddress, socketError } from '@async/core/node'
import { Opener, type RequestOptions } from './open.ts'
import type { WebSocketOptions } from './options.ts'
import { NodeSocketTransport } from './socket.ts'
import type { WebSocketTransport } from './web/websocket.ts'

/** Options of `connectWebSocket` and `webSocketConnector`: a `url`, a `connector`, or both. */
export interface WebSocketConnectOptions extends WebSocketOptions, RequestOptions {
  /** `ws://host:port/path?query`, or `wss://…`. A name and password in it are sent as `Authorization`. */
  readonly url?: string | URL
  /** What to run over: anything that gives stream transports. Default: TCP, or TLS over it, to the URL's host. */
  readonly connector?: Connector<Transport<Stream>>
  /** Options of Node's TLS for `wss:` without a connector: `ca`, `cert`, `key`, … */
  readonly tls?: ConnectionOptions
  /** Milliseconds until TCP and TLS are there, without a connector. Default 30,000. */
  readonly connectTimeoutMs?: number
}

/**
 * Connects, and shakes hands. Nothing else is read before the WebSocket is started.
 * @throws (rejects) `signal.reason` at once when aborted; ConnectionError of phase `connect` (`ERR_REFUSED`, `ERR_HOST_NOT_FOUND`,
 * `ERR_CONNECT_TIMEOUT`, …), or what `openWebSocket` rejects with, of phase `handshake`; UsageError `ERR_INVALID_ARGUMENT`. (L1–L3)
 */
export async function connectWebSocket(options: WebSocketConnectOptions & { readonly signal?: AbortSignal }): Promise<WebSocketTransport> {
  return webSocketConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector of WebSockets. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function webSocketConnector(options: WebSocketConnectOptions): Connector<WebSocketTransport> {
  const url = options.url === undefined ? undefined : parseUrl(options.url)
  if (url === undefined && options.connector === undefined) throw new UsageError('ERR_INVALID_ARGUMENT', 'a WebSocket needs a url, a connector, or both')
  const opener = new Opener(url === undefined ? options : { host: url.host, target: url.pathname + url.search, ...options, headers: { ...authorization(url), ...options.headers } })
  const below = options.connector ?? new SocketConnector(url!, options)
  return {
    async connect({ signal } = {}) {
      const transport = await below.connect(signal === undefined ? {} : { signal })
      return opener.open(transport, signal)
    },
  }
}

/** The URL of a WebSocket. Also checks what a browser would. */
function parseUrl(text: string | URL): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch (error) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `${JSON.stringify(String(text))} is no URL`, { cause: error })
  }
  if (!/^(ws|http)s?:$/.test(url.protocol)) throw new UsageError('ERR_INVALID_ARGUMENT', `the URL's scheme is ${url.protocol} a WebSocket has ws: or wss:`)
  if (url.hash !== '') throw new UsageError('ERR_INVALID_ARGUMENT', 'the URL of a WebSocket has no fragment')
  return url
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  try {
    return { Authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` }
  } catch (cause) {
    throw new UsageError('ERR_INVALID_ARGUMENT', "the URL's name or password has a % that stands for nothing", { cause })
  }
}

/** TCP, or TLS over it, to one host. */
class SocketConnector implements Connector<StreamTransport> {
  private readonly host: string
  private readonly port: number
  private readonly tls: ConnectionOptions | undefined
  private readonly policy: TransportPolicy
  private readonly timeoutMs: number

  constructor(url: URL, options: WebSocketConnectOptions) {
    checkNumbers(options, ['connectTimeoutMs'])
    const isSecure = url.protocol === 'wss:' || url.protocol === 'https:'
    this.host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    this.port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port)
    this.tls = isSecure ? (options.tls ?? {}) : undefined
    this.policy = transportPolicy(options)
    this.timeoutMs = options.connectTimeoutMs ?? limits.connectTimeoutMs
  }

  connect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<StreamTransport> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason)
      const { clock } = this.policy
      const where = formatAddress(this.host, this.port)
      const dialled = this.tls === undefined ? dial({ host: this.host, port: this.port, noDelay: true }) : this.dialTls(this.tls)
      const { socket } = dialled
      const fail = (error: unknown): void => {
        settle()
        socket.on('error', ignore)
        socket.destroy()
        reject(error)
      }
      const aborted = (): void => fail(signal?.reason)
      const failed = (error: Error): void => fail(socketError(error, 'connect', where))
      const timer = clock.setTimer(() => {
        fail(new ConnectionError('ERR_CONNECT_TIMEOUT', `${where}: not connected after ${this.timeoutMs} ms`, { phase: 'connect' }))
      }, this.timeoutMs)
      const settle = (): void => {
        clock.clearTimer(timer)
        signal?.removeEventListener('abort', aborted)
        socket.off('error', failed)
        socket.off('end', ended)
      }
      const ended = (): void => failed(new Error('the connection ended in the TLS handshake'))
      signal?.addEventListener('abort', aborted)
      socket.once('error', failed)
      socket.once('end', ended)
      socket.once(this.tls === undefined ? 'connect' : 'secureConnect', () => {
        settle()
        const transport = new NodeSocketTransport(this.policy, socket, this.tls === undefined ? undefined : noOwner)
        dialled.adopt(transport)
        resolve(transport)
      })
    })
  }

  private dialTls(options: ConnectionOptions): Dialled {
    const isName = /[a-z]/i.test(this.host) && !this.host.includes(':')
    const socket: TLSSocket = connectTls({ ...(isName ? { servername: this.host } : {}), ...options, host: this.host, port: this.port, allowHalfOpen: true } as ConnectionOptions)
    socket.setNoDelay(true)
    socket.pause()
    return { socket, adopt() {} }
  }
}

const noOwner = { released(): void {} }

function ignore(): void {}
