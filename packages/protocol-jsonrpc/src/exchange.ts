import { canHalfClose, ConnectionError, ProtocolError } from '@async/core'
import type { CloseReason, Connector, Messages, Protocol, Transport } from '@async/core'
import { byteLength, utf8Length } from '@async/core/base'
import type { CallOwner, Calls, PendingCall } from './calls.ts'
import type { Diagnostic } from './diagnostics.ts'
import { ConnectionLostError } from './errors.ts'
import { exceeds, messageTooLong } from './limits.ts'
import type { Watch } from './observe.ts'
import type { Setup } from './setup.ts'

/** What an exchange asks of its client. */
export interface ExchangeOwner {
  readonly calls: Calls
  readonly setup: Pick<Setup, 'codec' | 'limits'>
  readonly watch: Watch
  diagnose(diagnostic: Diagnostic): void
  exchangeOver(exchange: Exchange): void
}

/** What gives up connecting, and may serve several exchanges, one after the other. */
export interface Cancel {
  readonly control: AbortController
  /** Exchanges that are over, and had it. */
  uses: number
}

interface Entry {
  /** Undefined: a notification. */
  readonly id: number | undefined
  readonly text: string
}

/**
 * One message out, one message back, over a transport of its own. What goes out is gathered first, and sent as one batch if it is several.
 *
 *   gathering ──begin──► connecting ──connected──► open ──loss──► over        connecting ──refused, or every call given up──► over
 */
export class Exchange implements Protocol<Messages>, CallOwner {
  /** Bytes of what it joins, as a batch. */
  bytes = 1
  private readonly client: ExchangeOwner
  /** Whether it gathers what has nothing to do with each other. */
  private readonly joins: boolean
  /** Gives up connecting. */
  readonly cancel: Cancel
  private state: 'gathering' | 'connecting' | 'open' | 'over' = 'gathering'
  private transport: Transport<Messages> | undefined
  /** What is to be sent, and then what was. */
  private entries: Entry[] = []
  private batchText: string | undefined
  private waiting = 0
  private reading = false
  private sentPromise: Promise<void> | undefined
  private resolveSent: () => void = () => {}
  private rejectSent: (error: unknown) => void = () => {}

  constructor(client: ExchangeOwner, joins: boolean, cancel: Cancel) {
    this.client = client
    this.joins = joins
    this.cancel = cancel
  }

  /** How much is to be sent. */
  get entryCount(): number {
    return this.entries.length
  }

  /** Settles when the other side has ended, in order or not: all that notifications ever learn. */
  get sent(): Promise<void> {
    if (this.sentPromise === undefined) {
      this.sentPromise = new Promise((resolve, reject) => {
        this.resolveSent = resolve
        this.rejectSent = reject
      })
      this.sentPromise.catch(() => {})
    }
    return this.sentPromise
  }

  /** One more call, or (without an id) notification, before it begins. */
  add(text: string, id: number | undefined): void {
    this.entries.push({ id, text })
    if (this.joins) this.bytes += utf8Length(text) + 1
    if (id !== undefined) this.waiting++
  }

  /** A batch that somebody made, with the ids of its entries. Nothing is added to it. */
  addBatch(text: string, ids: readonly (number | undefined)[]): void {
    this.batchText = text
    for (const id of ids) this.add('', id)
  }

  /** Connects and sends. */
  begin(connector: Connector<Transport<Messages>>): void {
    if (this.state !== 'gathering') return
    // All of it was given up.
    if (this.entries.length === 0) return this.refused(undefined)
    this.state = 'connecting'
    let connecting: Promise<Transport<Messages>>
    try {
      connecting = connector.connect({ signal: this.cancel.control.signal })
    } catch (error) {
      return this.refused(error)
    }
    connecting.then(
      (transport) => this.connected(transport),
      (error: unknown) => this.refused(error),
    )
  }

  /** Gives up whatever this is for. */
  abort(cause?: unknown): void {
    if (this.state === 'gathering') this.refused(cause ?? givenUp())
    else if (this.state === 'connecting') {
      this.cancel.control.abort(cause)
      this.refused(cause ?? givenUp())
    } else this.transport!.abort(cause)
  }

  connectionMade(transport: Transport<Messages>): void {
    try {
      const text = this.batchText ?? joined(this.entries)
      transport.write(text)
      if (this.client.watch.active) this.client.watch.message('sent', text)
    } catch (error) {
      this.failAll(() => error)
      return transport.abort(error)
    }
    // The other side learns that this was all, and closes when it has answered. Where that cannot be told, nobody would.
    if (canHalfClose(transport)) transport.halfClose()
    else if (this.waiting === 0) transport.close()
  }

  dataReceived(data: Messages['in']): void {
    if (this.client.watch.active) this.client.watch.message('received', data)
    const { codec, limits: { maxMessageBytes: allowed } } = this.client.setup
    if (exceeds(data, allowed)) {
      const error = messageTooLong(byteLength(data), allowed)
      this.failAll(() => error)
      return this.transport!.abort(error)
    }
    this.reading = true
    try {
      const value = codec.parse(data)
      for (const entry of Array.isArray(value) && !codec.old ? (value as unknown[]) : [value]) this.entryReceived(entry)
    } catch (error) {
      this.failAll(() => error)
    }
    this.reading = false
    this.resolveSent()
    if (this.waiting === 0) this.transport!.close()
  }

  eofReceived(): void {
    this.failAll(() => new ConnectionLostError({ kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 }))
    this.resolveSent()
    this.transport!.close()
  }

  connectionLost(reason: CloseReason): void {
    if (this.state === 'over') return
    this.state = 'over'
    this.failAll(() => new ConnectionLostError(reason))
    if (reason.kind === 'closed') this.resolveSent()
    else this.rejectSent(new ConnectionLostError(reason))
    this.client.exchangeOver(this)
  }

  callSettled({ id }: PendingCall): void {
    this.waiting--
    if (this.state === 'gathering') {
      // It is left out; more may be added.
      this.entries = this.entries.filter((entry) => entry.id !== id)
      return
    }
    if (this.waiting > 0 || this.reading || this.state === 'over') return
    // The last call was given up: nobody wants what may still come, unless somebody else's notifications are with it.
    if (!this.joins || this.sentPromise === undefined) this.abort()
  }

  private entryReceived(value: unknown): void {
    const entry = this.client.setup.codec.recognise(value)
    if (entry.kind === 'request' || entry.kind === 'notification') {
      this.client.diagnose({ kind: 'unexpected', method: entry.method })
    } else if (entry.kind === 'invalid') this.client.diagnose({ kind: 'invalid' })
    else if (this.client.calls.has(entry.id, this)) this.client.calls.answer(entry)
    else if (entry.id === null && entry.kind !== 'result' && this.waiting > 0) {
      // Without an id it is about the message, and so about every call in it.
      const error = entry.kind === 'error' ? entry.error : new ProtocolError('ERR_JSONRPC_INVALID_RESPONSE', entry.problem)
      this.failAll(() => error)
    } else this.client.diagnose({ kind: 'unknownResponse', response: entry })
  }

  private connected(transport: Transport<Messages>): void {
    if (this.state === 'over') return transport.abort()
    this.transport = transport
    this.state = 'open'
    try {
      transport.start(this)
    } catch (error) {
      // It ended between connecting and here.
      this.refused(error)
      transport.abort(error)
    }
  }

  private refused(error: unknown): void {
    if (this.state === 'over') return
    this.state = 'over'
    this.failAll(() => error)
    this.rejectSent(error)
    this.client.exchangeOver(this)
  }

  private failAll(makeError: () => unknown): void {
    if (this.waiting === 0) return
    const reading = this.reading
    this.reading = true
    for (const { id } of this.entries) if (id !== undefined) this.client.calls.fail(id, makeError())
    this.reading = reading
  }
}

/** One message as it is, several as a batch. */
function joined(entries: readonly Entry[]): string {
  return entries.length === 1 ? entries[0]!.text : `[${entries.map(({ text }) => text).join(',')}]`
}

function givenUp(): ConnectionError {
  return new ConnectionError('ERR_ABORTED', 'given up before it was connected')
}
