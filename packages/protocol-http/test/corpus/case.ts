import type { Seen } from '../run.ts'

/** A raw message or several, the section that decides, and the one outcome: exactly these events, or these up to a refusal. */
export type Case = readonly [name: string, section: string, input: string, expected: readonly Seen[], options?: CaseOptions]

/** What a client had asked; that the connection ends behind the input. */
export interface CaseOptions {
  readonly methods?: readonly string[]
  readonly eof?: boolean
}

/** A request, its body, and its end. */
export const ok = (text: string, ...body: readonly Seen[]): Seen[] => [['request', text], ...body, ['end']]
/** A refusal. */
export const bad = (code: string, status = 400): Seen[] => [['error', `ERR_HTTP_${code}`, status]]
/** A refusal in the body of a request that `chunked` made. */
export const badBody = (code: string, status = 400, ...data: readonly Seen[]): Seen[] => [['request', 'POST / 1.1|host=h|transfer-encoding=chunked'], ...data, ['error', `ERR_HTTP_${code}`, status]]
export const post = (headers: string, body = ''): string => `POST / HTTP/1.1\r\nHost: h\r\n${headers}\r\n${body}`
export const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body)
