/**
 * The server's side of the handshake (RFC 6455 §4.2), on a transport whose request somebody else has read: an HTTP server of any kind.
 */
import { STATUS_CODES } from 'node:http'
import { ConnectionError, isAsyncError, type UpgradeRequest, UsageError } from '@async/core'
import { acceptDeflate, Deflate } from './deflate.ts'
import { FrameTransport } from './frame-transport.ts'
import { acceptOf, hasToken, headerLines, isToken, listOf, valueOf } from './http-head.ts'
import { type WebSocketOptions, type WebSocketPolicy, webSocketPolicy } from './options.ts'
import { refusedError } from './refusal.ts'
import type { WebSocketTransport } from './web/websocket.ts'
import { subprotocol } from './ws.ts'

/** An answer other than 101. */
export interface Refusal {
  /** The HTTP status, 400 to 599: 401, 403, 429, … */
  readonly status: number
  /** Further headers: `WWW-Authenticate`, … */
  readonly headers?: Readonly<Record<string, string>>
  /** The body, as plain text. Default: the status in words. */
  readonly body?: string
}

/** What `authenticate` says: nothing or true to go on, false for 403, or another answer. Anything else is answered with 500: nobody gets in by accident. */
export type Verdict = boolean | void | Refusal

/** Options of `acceptWebSocket`. */
export interface AcceptOptions extends WebSocketOptions {
  /** The path that is served, without a query, or a function that knows; another is answered with 404. Default: any. */
  readonly path?: string | ((path: string) => boolean)
  /**
   * The origins (`https://example.test`) whose pages may connect, `'*'` for any, or a function that knows; others get 403. A request without
   * an origin comes from no page, and is accepted. Default: pages of the host that was connected to.
   */
  readonly origins?: readonly string[] | '*' | ((origin: string, request: UpgradeRequest) => boolean)
  /** Subprotocols, best first; the first that the client offers is agreed upon. Who offers others only gets 400. Default: none. */
  readonly protocols?: readonly string[]
  /** Decides who may connect, last, within `handshakeTimeoutMs`. What it throws is answered with 500, and is the cause of the error. */
  readonly authenticate?: (request: UpgradeRequest) => Verdict | Promise<Verdict>
  /** Further headers of the answer 101. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Accepts a WebSocket: writes the answer, 101 or a refusal, on the request's transport, which belongs to it from then on.
 * Nothing is read before the WebSocket is started.
 * @throws (rejects, when the answer is out and the transport closed) ConnectionError `ERR_WEBSOCKET_REFUSED` (it was not 101: `refusedStatus` tells), `ERR_HANDSHAKE_TIMEOUT`,
 * `ERR_CONNECTION_CLOSED` (the client left meanwhile), all of phase `handshake`; UsageError `ERR_INVALID_ARGUMENT`.
 */
export async function acceptWebSocket(request: UpgradeRequest, options: AcceptOptions = {}): Promise<WebSocketTransport> {
  return new Acceptor(options).accept(request)
}

/** `acceptWebSocket` with its options checked once. */
export class Acceptor {
  private readonly options: AcceptOptions
  private readonly policy: WebSocketPolicy
  private readonly extraHeaders: string

  constructor(options: AcceptOptions) {
    this.options = options
    this.policy = webSocketPolicy(options)
    this.extraHeaders = headerLines(options.headers ?? {})
    for (const name of options.protocols ?? []) if (!isToken(name)) throw new UsageError('ERR_INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of a subprotocol`)
  }

  async accept(request: UpgradeRequest): Promise<WebSocketTransport> {
    const { transport, leftover } = request
    transport.pause('read')
    try {
      const refusal = shape(request) ?? (await this.judge(request))
      if (refusal !== undefined) throw await refuse(request, refusal)
      const offered = listOf(request.headers, 'sec-websocket-protocol')
      const agreed = this.options.protocols?.find((name) => offered !== undefined && subprotocol.parse(offered).has(name))
      const compression = this.compression(request)
      transport.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(valueOf(request.headers, 'sec-websocket-key')!)}\r\n` +
          (agreed === undefined ? '' : `Sec-WebSocket-Protocol: ${agreed}\r\n`) +
          (compression === undefined ? '' : `Sec-WebSocket-Extensions: ${compression.answer}\r\n`) +
          `${this.extraHeaders}\r\n`,
      )
      // The answer is not the WebSocket's: it is out before anybody can hold or abort that.
      if ((await this.inTime(transport.drained(0))) === late) throw this.lateError('the answer could not be sent')
      return new FrameTransport(transport, leftover, this.policy, { isServer: true, subprotocol: agreed ?? '', deflate: compression?.deflate })
    } catch (error) {
      transport.abort(error)
      if (isAsyncError(error) && error.name === 'ConnectionError' && (error as ConnectionError).phase === 'handshake') throw error
      throw new ConnectionError('ERR_CONNECTION_CLOSED', 'the client left during the handshake', { phase: 'handshake', cause: error })
    }
  }

  /** Whether it is for us: path, origin, subprotocol. */
  private place(request: UpgradeRequest): Refusal | undefined {
    const { path, protocols } = this.options
    const asked = pathOf(request.target)
    if (path !== undefined && (typeof path === 'string' ? path !== asked : path(asked) !== true)) return { status: 404 }
    if (!this.allowsOrigin(request)) return { status: 403, body: 'pages of this origin may not connect' }
    const offered = listOf(request.headers, 'sec-websocket-protocol')
    if (offered === undefined) return undefined
    let names: Set<string>
    try {
      names = subprotocol.parse(offered)
    } catch {
      return { status: 400, body: 'Sec-WebSocket-Protocol is no list of tokens' }
    }
    return protocols === undefined || protocols.some((name) => names.has(name)) ? undefined : { status: 400, body: `subprotocols here: ${protocols.join(', ')}` }
  }

  private allowsOrigin(request: UpgradeRequest): boolean {
    const { origins } = this.options
    const all = listOf(request.headers, 'origin')
    if (origins === '*' || all === undefined) return true
    const origin = all.toLowerCase()
    if (typeof origins === 'function') return origins(origin, request) === true
    if (origins !== undefined) return origins.some((allowed) => allowed.toLowerCase() === origin)
    const host = valueOf(request.headers, 'host')?.toLowerCase()
    return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
  }

  /** What the options say, functions among them: what those throw is nothing that a client should see. */
  private async judge(request: UpgradeRequest): Promise<Refusal | undefined> {
    let verdict: Verdict | typeof gone | typeof late
    try {
      const refusal = this.place(request)
      const { authenticate } = this.options
      if (refusal !== undefined || authenticate === undefined) return refusal
      verdict = await this.inTime(Promise.race([authenticate(request), request.transport.closed.then((): typeof gone => gone)]))
      if (verdict !== gone && verdict !== late) return refusalOf(verdict)
    } catch (error) {
      throw await refuse(request, { status: 500 }, error)
    }
    if (verdict === gone) throw new ConnectionError('ERR_CONNECTION_CLOSED', 'the client left during the handshake', { phase: 'handshake' })
    await refuse(request, { status: 503 })
    throw this.lateError('authenticate() did not answer')
  }

  /** What `promise` gives, or `late`. */
  private async inTime<T>(promise: Promise<T>): Promise<T | typeof late> {
    const { clock, handshakeTimeoutMs } = this.policy
    let timer: unknown
    const timeout = new Promise<typeof late>((resolve) => {
      timer = clock.setTimer(() => resolve(late), handshakeTimeoutMs)
    })
    try {
      return await Promise.race([promise, timeout])
    } finally {
      clock.clearTimer(timer)
    }
  }

  private lateError(what: string): ConnectionError {
    return new ConnectionError('ERR_HANDSHAKE_TIMEOUT', `${what} within ${this.policy.handshakeTimeoutMs} ms`, { phase: 'handshake' })
  }

  private compression({ headers }: UpgradeRequest): { readonly answer: string; readonly deflate: Deflate } | undefined {
    const offered = listOf(headers, 'sec-websocket-extensions')
    const { deflateThresholdBytes, maxMessageBytes } = this.policy
    if (deflateThresholdBytes === undefined || offered === undefined) return undefined
    try {
      const accepted = acceptDeflate(offered)
      return accepted === undefined ? undefined : { answer: accepted.answer, deflate: new Deflate(accepted.windowBits, maxMessageBytes, deflateThresholdBytes) }
    } catch {
      // An offer that we do not understand is one that we do not take (RFC 7692 §5.1).
      return undefined
    }
  }
}

const late: unique symbol = Symbol('late')
const gone: unique symbol = Symbol('gone')

/** What `authenticate` said, as an answer. @throws UsageError for what is no verdict. */
function refusalOf(verdict: Verdict): Refusal | undefined {
  if (verdict === undefined || verdict === true) return undefined
  if (verdict === false) return { status: 403 }
  const status: unknown = (verdict as Refusal | null)?.status
  if (!Number.isInteger(status) || (status as number) < 400 || (status as number) > 599) {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'authenticate() gives nothing, a boolean, or a refusal with a status from 400 to 599')
  }
  return verdict
}

/** Whether it is a WebSocket's request at all (RFC 6455 §4.2.1). */
function shape({ method, headers }: UpgradeRequest): Refusal | undefined {
  if (method !== 'GET') return { status: 405, headers: { Allow: 'GET' } }
  if (!hasToken(listOf(headers, 'upgrade'), 'websocket') || !hasToken(listOf(headers, 'connection'), 'upgrade')) {
    return { status: 426, headers: { Upgrade: 'websocket', Connection: 'Upgrade' }, body: 'this is a WebSocket' }
  }
  if (valueOf(headers, 'sec-websocket-version') !== '13') return { status: 426, headers: { 'Sec-WebSocket-Version': '13' }, body: 'WebSocket version 13 is served' }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(valueOf(headers, 'sec-websocket-key') ?? '')) return { status: 400, body: 'Sec-WebSocket-Key is missing, or not 16 bytes in base64' }
  return undefined
}

/** The path of a target, in origin form or absolute form (RFC 9112 §3.2). */
function pathOf(target: string): string {
  const [, path = ''] = /^(?:https?:\/\/[^/?#]*)?([^?#]*)/i.exec(target) ?? []
  return path === '' ? '/' : path
}

/**
 * Answers, and closes. Gives the error to reject with, once that is over: whoever aborts the connection of a rejected upgrade, as our HTTP server
 * does, would abort the answer.
 */
async function refuse({ transport }: UpgradeRequest, { status, headers = {}, body = STATUS_CODES[status] ?? '' }: Refusal, cause?: unknown): Promise<ConnectionError> {
  const words = STATUS_CODES[status] ?? ''
  const connection = Object.keys(headers).some((name) => name.toLowerCase() === 'connection') ? '' : 'Connection: close\r\n'
  let lines: string
  try {
    lines = headerLines(headers)
  } catch (error) {
    return refuse({ transport } as UpgradeRequest, { status: 500 }, error)
  }
  transport.write(`HTTP/1.1 ${status} ${words}\r\n${lines}${connection}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  transport.close()
  await transport.closed
  return refusedError(status, `refused with ${status} ${words}${body === words ? '' : `: ${body}`}`, cause)
}
