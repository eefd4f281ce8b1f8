import { UsageError } from '@async/core'
import type { StreamTransport, UpgradeRequest } from '@async/core'
import { httpDate } from './date.ts'
import type { HeaderList } from './events.ts'
import { wasOffered } from './framing.ts'
import { checkHeaders } from './outgoing-headers.ts'
import { statusLine } from './writer.ts'

/** An answer to who asks for another protocol. */
export interface SwitchAnswer {
  /** The status. To accept: 101, which is the default, or to CONNECT any 2xx, 200 by default. To refuse: 300 to 599. */
  readonly status?: number
  /** Header fields: to accept an Upgrade, Upgrade with what was chosen and `Connection: Upgrade`, unless both are left out. */
  readonly headers?: HeaderList
}

/**
 * Writes the head that accepts an `UpgradeRequest`, for who has no words of its own: 101 with the first protocol that was offered, or 200 to
 * CONNECT. Then start `request.transport` with `request.leftover`.
 * @throws UsageError `ERR_HTTP_BAD_HEADER`, `ERR_HTTP_BAD_STATUS_LINE` for what does not accept what was asked; nothing is written.
 */
export function acceptSwitch(request: UpgradeRequest, answer: SwitchAnswer = {}): StreamTransport {
  const { method, transport } = request
  const offered = request.headers.filter(([name]) => name === 'upgrade').map(([, value]) => value).join(', ')
  const isConnect = method === 'CONNECT'
  const { status = isConnect ? 200 : 101, headers = [] } = answer
  const { fields } = checkHeaders(headers)
  const chosen: HeaderList = isConnect || fields.upgrade !== undefined ? [] : [['Connection', 'Upgrade'], ['Upgrade', offered.split(',', 1)[0]!.trim()]]
  const accepts = isConnect ? status >= 200 && status <= 299 : status === 101 && wasOffered(fields.upgrade ?? chosen[1]?.[1], offered)
  if (!accepts || fields.contentLength !== undefined) throw new UsageError('ERR_HTTP_BAD_HEADER', `${status} with these headers accepts nothing that was offered`)
  transport.write(head(status, [...headers, ...chosen]))
  return transport
}

/**
 * Writes a response that refuses an `UpgradeRequest`, without a body, and closes the connection.
 * @throws UsageError `ERR_HTTP_BAD_HEADER`, `ERR_HTTP_BAD_STATUS_LINE` for what may not be sent, `ERR_INVALID_ARGUMENT` for a status that refuses nothing.
 */
export function refuseSwitch(request: UpgradeRequest, answer: SwitchAnswer = {}): void {
  const { status = 403, headers = [] } = answer
  if (!(status >= 300 && status <= 599)) throw new UsageError('ERR_INVALID_ARGUMENT', `${status} refuses nothing`)
  const { fields } = checkHeaders(headers)
  const more: HeaderList = [
    ...(fields.date === undefined ? [['Date', httpDate()] as const] : []),
    ...(fields.contentLength === undefined && status !== 304 ? [['Content-Length', '0'] as const] : []),
    ...(fields.connection === 'close' ? [] : [['Connection', 'close'] as const]),
  ]
  if (fields.contentLength !== undefined && fields.contentLength !== '0') throw new UsageError('ERR_HTTP_BAD_HEADER', 'A refusal has no body')
  const { transport } = request
  transport.write(head(status, [...headers, ...more]))
  transport.close()
}

function head(status: number, headers: HeaderList): string {
  return `${statusLine(status, undefined, true)}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}
