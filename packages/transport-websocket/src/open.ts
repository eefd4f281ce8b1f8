/**
 * The client's side of the handshake (RFC 6455 §4.1), over any stream transport.
 */
import { type CloseReason, ConnectionError, LimitError, ProtocolError, type Protocol, type Stream, type Transport, UsageError } from '@async/core'
import { ByteQueue, lossError } from '@async/core/base'
import { Deflate, deflateAnswered, deflateOffer } from './deflate.ts'
import { FrameTransport } from './frame-transport.ts'
import { acceptOf, hasToken, headerLines, isToken, listOf, makeKey, parseResponse, valueOf } from './http-head.ts'
import { type WebSocketOptions, type WebSocketPolicy, webSocketPolicy } from './options.ts'
import { checkCounts } from './web/counts.ts'
import { refusedError } from './refusal.ts'
import type { WebSocketTransport } from './web/websocket.ts'

/** What a client says in its request, and expects of the answer. */
export interface RequestOptions {
  /** The `Host` header: a name, with the port if it is not the default one. Default: the URL's, or `localhost`. */
  readonly host?: string
  /** The path and the query. Default: the URL's, or `/`. */
  readonly target?: string
  /** Subprotocols to offer, best first. Default: none. */
  readonly protocols?: readonly string[]
  /** The origin that we say we come from, as a page would: `https://example.test`. Default: none. */
  readonly origin?: string
  /** Further headers: `Authorization`, `Cookie`, … */
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes of the answer's head at most. Default 16,384. */
  readonly maxHandshakeBytes?: number
}

/** Options of `openWebSocket`. */
export interface OpenOptions extends WebSocketOptions, RequestOptions {
  /** Gives the handshake up: the transport is aborted, and the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal
}

/**
 * Makes a WebSocket of a live stream transport that nobody has started: TCP, TLS, a Unix socket, a serial line, memory. The transport belongs
 * to it from then on. Nothing but the handshake is read before the WebSocket is started.
 * @throws (rejects) ConnectionError `ERR_WEBSOCKET_REFUSED` (the answer was not 101: `refusedStatus` tells), `ERR_HANDSHAKE_TIMEOUT`,
 * `ERR_WEBSOCKET_HANDSHAKE` (the answer is none, its error is the cause) of phase `handshake`; `signal.reason`; UsageError `ERR_INVALID_ARGUMENT`,
 * `ERR_CLOSED` for a transport that is closing or closed.
 */
export async function openWebSocket(transport: Transport<Stream>, options: OpenOptions = {}): Promise<WebSocketTransport> {
  return new Opener(options).open(transport, options.signal)
}

const ours = new Set(['host', 'upgrade', 'connection', 'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol', 'sec-websocket-extensions'])

/** `openWebSocket` with its options checked once. */
export class Opener {
  readonly policy: WebSocketPolicy
  readonly maxHandshakeBytes: number
  readonly protocols: readonly string[]
  private readonly request: string

  constructor(options: WebSocketOptions & RequestOptions) {
    const { host = 'localhost', target = '/', protocols = [], origin, headers = {}, maxHandshakeBytes = 16_384 } = options
    this.policy = webSocketPolicy(options)
    this.maxHandshakeBytes = maxHandshakeBytes
    checkCounts({ maxHandshakeBytes }, ['maxHandshakeBytes'])
    this.protocols = protocols
    if (!/^\/[\x21-\x7e]*$/.test(target)) throw new UsageError('ERR_INVALID_ARGUMENT', `${JSON.stringify(target)} is no path and query`)
    for (const name of protocols) if (!isToken(name)) throw new UsageError('ERR_INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of a subprotocol`)
    const taken = Object.keys(headers).find((name) => ours.has(name.toLowerCase()))
    if (taken !== undefined) throw new UsageError('ERR_INVALID_ARGUMENT', `the header ${taken} is the handshake's own`)
    this.request =
      `GET ${target} HTTP/1.1\r\n${headerLines({ Host: host })}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      (protocols.length === 0 ? '' : `Sec-WebSocket-Protocol: ${protocols.join(', ')}\r\n`) +
      (this.policy.deflateThresholdBytes === undefined ? '' : `Sec-WebSocket-Extensions: ${deflateOffer()}\r\n`) +
      headerLines(origin === undefined ? headers : { Origin: origin, ...headers })
  }

  open(transport: Transport<Stream>, signal: AbortSignal | undefined): Promise<WebSocketTransport> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        transport.abort(signal.reason)
        return reject(signal.reason)
      }
      new Handshake(this, transport, signal, resolve, reject).begin()
    })
  }

  /** The request, with `key`. */
  requestWith(key: string): string {
    return `${this.request}Sec-WebSocket-Key: ${key}\r\n\r\n`
  }

  /** What the answer agreed upon. @throws ConnectionError, ProtocolError for an answer that is not what was asked for. */
  check(head: string, key: string): { readonly subprotocol: string; readonly deflate: Deflate | undefined } {
    const { status, words, headers } = parseResponse(head)
    if (status !== 101) throw refusedError(status, `the server refused with ${status} ${words}`)
    if (!hasToken(listOf(headers, 'upgrade'), 'websocket') || !hasToken(listOf(headers, 'connection'), 'upgrade')) throw wrong('it does not upgrade to a WebSocket')
    if (valueOf(headers, 'sec-websocket-accept') !== acceptOf(key)) throw wrong('Sec-WebSocket-Accept does not answer our key')
    const subprotocol = listOf(headers, 'sec-websocket-protocol') ?? ''
    if (subprotocol !== '' && !this.protocols.includes(subprotocol)) throw wrong('the subprotocol was not offered')
    const answered = listOf(headers, 'sec-websocket-extensions')
    const { deflateThresholdBytes, maxMessageBytes } = this.policy
    if (answered === undefined) return { subprotocol, deflate: undefined }
    if (deflateThresholdBytes === undefined) throw wrong('the server answered with an extension that was not offered')
    let accepted: { readonly windowBits: number } | undefined
    try {
      accepted = deflateAnswered(answered)
    } catch (error) {
      throw wrong((error as Error).message)
    }
    return { subprotocol, deflate: accepted && new Deflate(accepted.windowBits, maxMessageBytes, deflateThresholdBytes) }
  }
}

function wrong(what: string): ProtocolError {
  return new ProtocolError('ERR_WEBSOCKET_HANDSHAKE', what)
}

/** Writes the request, reads the head of the answer, and hands the transport over. */
class Handshake implements Protocol<Stream> {
  private readonly opener: Opener
  private readonly transport: Transport<Stream>
  private readonly signal: AbortSignal | undefined
  private readonly resolve: (transport: WebSocketTransport) => void
  private readonly reject: (error: unknown) => void
  private readonly key: string = makeKey()
  private readonly input = new ByteQueue()
  private readonly timer: unknown
  private settled = false
  private searched = 0

  constructor(
    opener: Opener, transport: Transport<Stream>, signal: AbortSignal | undefined, resolve: (transport: WebSocketTransport) => void, reject: (error: unknown) => void,
  ) {
    this.opener = opener
    this.transport = transport
    this.signal = signal
    this.resolve = resolve
    this.reject = reject
    const { clock, handshakeTimeoutMs } = opener.policy
    const late = (): void => this.fail(new ConnectionError('ERR_HANDSHAKE_TIMEOUT', `no answer to the handshake within ${handshakeTimeoutMs} ms`, { phase: 'handshake' }))
    this.timer = clock.setTimer(late, handshakeTimeoutMs)
    signal?.addEventListener('abort', this.aborted)
  }

  begin(): void {
    try {
      this.transport.start(this)
    } catch (error) {
      this.fail(error)
    }
  }

  readonly connectionMade = (): void => {
    this.transport.write(this.opener.requestWith(this.key))
  }

  readonly dataReceived = (data: Uint8Array): void => {
    this.input.append(data)
    const bytes = this.input.take(this.input.length)!
    const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('\r\n\r\n', Math.max(0, this.searched - 3))
    const { maxHandshakeBytes } = this.opener
    if ((end === -1 ? bytes.length : end) > maxHandshakeBytes) {
      return this.fail(handshakeError(new LimitError('ERR_HEADER_TOO_LARGE', { limit: 'maxHandshakeBytes', allowed: maxHandshakeBytes, actual: bytes.length, unit: 'bytes' })))
    }
    if (end === -1) {
      this.searched = bytes.length
      return this.input.append(bytes)
    }
    try {
      const agreed = this.opener.check(Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('latin1'), this.key)
      this.settle()
      this.resolve(new FrameTransport(this.transport, bytes.subarray(end + 4), this.opener.policy, { isServer: false, ...agreed }))
    } catch (error) {
      this.fail(error)
    }
  }

  eofReceived(): void {
    this.fail(handshakeError(new ConnectionError('ERR_TRUNCATED', 'the connection ended before the answer was complete')))
  }

  connectionLost(reason: CloseReason): void {
    this.fail(handshakeError(lossError(reason)))
  }

  private readonly aborted = (): void => this.fail(this.signal?.reason)

  private fail(error: unknown): void {
    if (this.settled) return
    this.settle()
    this.reject(error instanceof ProtocolError ? handshakeError(error) : error)
    this.transport.abort(error)
  }

  private settle(): void {
    this.settled = true
    this.opener.policy.clock.clearTimer(this.timer)
    this.signal?.removeEventListener('abort', this.aborted)
  }
}

function handshakeError(cause: Error): ConnectionError {
  return new ConnectionError('ERR_WEBSOCKET_HANDSHAKE', `the handshake failed: ${cause.message}`, { phase: 'handshake', cause })
}
