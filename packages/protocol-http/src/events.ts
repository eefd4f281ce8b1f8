/**
 * What the machine tells: one event at a time, in the order of the bytes. A message is its head, any number of `data`, then `end`;
 * adjacent `data` say nothing by their boundaries.
 */

/** Header names and values in the order of the wire. Names received are in lower case. Never an object's keys: a peer chooses them. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** The versions that are spoken here. */
export type HttpVersion = '1.0' | '1.1'

/** The head of a request. */
export interface RequestHead {
  /** The method, as sent: methods are case-sensitive (RFC 9110 §9.1). */
  readonly method: string
  /** The request target, as sent: origin-form, absolute-form, authority-form (CONNECT) or `*` (OPTIONS). RFC 9112 §3.2 */
  readonly target: string
  /** The client's version. */
  readonly version: HttpVersion
  /** The header fields. */
  readonly headers: HeaderList
}

/** The head of a response. */
export interface ResponseHead {
  /** The status code, 100 to 999. */
  readonly status: number
  /** The reason phrase, possibly empty; means nothing (RFC 9112 §4). */
  readonly reason: string
  /** The server's version. */
  readonly version: HttpVersion
  /** The header fields. */
  readonly headers: HeaderList
}

/** A fact that the machine tells. */
export type HttpEvent =
  | {
      /** A request begins. */
      readonly type: 'request'
      readonly head: RequestHead
      /** The length of the body that follows, where the head tells it. */
      readonly bodyBytes: number | undefined
      /** Whether the client waits for a 100 before it sends the body (RFC 9110 §10.1.1). */
      readonly expectsContinue: boolean
      /** Whether the client offers to go on in another protocol: CONNECT, or a 1.1 request with `Connection: upgrade` and Upgrade. */
      readonly upgrade: boolean
    }
  | {
      /** A 1xx that precedes the response. */
      readonly type: 'informational'
      readonly head: ResponseHead
    }
  | {
      /** The response begins. */
      readonly type: 'response'
      readonly head: ResponseHead
      /** The length of the body that follows, where the head tells it. */
      readonly bodyBytes: number | undefined
    }
  | {
      /** Bytes of the body; at least one. A view of what was received, yours from now on. */
      readonly type: 'data'
      readonly data: Uint8Array
    }
  | {
      /** The message is complete. */
      readonly type: 'end'
      /** The trailer fields behind an HTTP-chunked body, checked as a header's; names in lower case. */
      readonly trailers: HeaderList
    }
  | {
      /** The server switches to the protocol that was asked for (101, or a 2xx to CONNECT): this machine's last event. Client only. */
      readonly type: 'switched'
      readonly head: ResponseHead
      /** Bytes behind the head: they are the other protocol's, and yours. */
      readonly leftover: Uint8Array
    }
  | {
      /** The peer ended its side between two messages. */
      readonly type: 'closed'
    }

export const noTrailers: HeaderList = Object.freeze([])
export const endEvent: HttpEvent = Object.freeze({ type: 'end', trailers: noTrailers })
export const closedEvent: HttpEvent = Object.freeze({ type: 'closed' })
