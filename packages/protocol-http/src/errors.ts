import { LimitError, ProtocolError } from '@async/core'
import type { ResponseHead } from './events.ts'

/** A `ProtocolError` of HTTP: what came, or was to be sent, is not HTTP as we accept it. */
export class HttpProtocolError extends ProtocolError {
  /** The status that a server answers this with. */
  readonly status: number

  constructor(code: string, message: string, status: number = 400, options?: { readonly cause?: unknown }) {
    super(code, message, options)
    this.status = status
  }
}

/** A `LimitError` of HTTP: a receive limit, and so the end of the connection. */
export class HttpLimitError extends LimitError {
  /** The status that a server answers this with. */
  readonly status: number

  constructor(code: string, limit: string, allowed: number, actual: number, unit: string, status: number) {
    super(code, { limit, allowed, actual, unit })
    this.status = status
  }
}

/** `ERR_HTTP_STATUS`: the server answered, but not with what the exchange is for. */
export class HttpStatusError extends ProtocolError {
  /** The response's status. */
  readonly status: number
  /** The response's head. */
  readonly response: ResponseHead
  /** The first bytes of its body, at most 1024, for a message to the user. */
  readonly body: Uint8Array

  constructor(response: ResponseHead, body: Uint8Array) {
    super('ERR_HTTP_STATUS', `The server answered ${response.status} ${printable(response.reason)}`.trimEnd())
    this.status = response.status
    this.response = response
    this.body = body
  }
}

/** At most 32 characters of what a peer sent, fit for a message. */
export function printable(text: string): string {
  const cut = text.length > 32 ? `${text.slice(0, 32)}…` : text
  return cut.replace(/[^\x20-\x7e…]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
