/** What a parser makes of an input that is followed by the end of the connection, in a form that all parsers' can be brought into. */

// oxlint-disable no-control-regex -- bytes are what this is about
export type Pairs = readonly (readonly [name: string, value: string])[]

/** A message that was complete. Texts have one character a byte; names are in lower case. */
export interface Message {
  readonly kind: 'request' | 'informational' | 'response' | 'switch'
  /** Of a request; of a response the status and the reason phrase. */
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: Pairs
  readonly body: string
  readonly trailers: Pairs
  /** Whether the connection may have another message behind it; true of what is informational or a switch. */
  readonly keep: boolean
}

export interface Outcome {
  readonly messages: Message[]
  /**
   * `clean`: the connection ended between two messages, or what followed its last one was dropped. `switched`: what followed is another
   * protocol's. `refused`: all else, a message that was cut off too.
   */
  end: 'clean' | 'switched' | 'refused'
  /** Why it was refused: the parser's own code and words. */
  why: string
  /** What is left for another protocol. */
  leftover: string
}

export const latin1Bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** `text` as it can stand in a document, in at most `maxLength` characters. */
export function escaped(text: string, maxLength = 300): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return cut.replace(/[\0-\x1f\\\x7f-\xff]/g, (character) => {
    const known: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\' }
    return known[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

const samePairs = (some: Pairs, others: Pairs): boolean =>
  some.length === others.length && some.every(([name, value], at) => name === others[at]![0] && value === others[at]![1])

/** Which parts of a message two parsers read differently. */
export function partsThatDiffer(ours: Message, theirs: Message): string[] {
  const parts: string[] = []
  for (const part of ['kind', 'method', 'target', 'version', 'body', 'keep'] as const) if (ours[part] !== theirs[part]) parts.push(part)
  if (!samePairs(ours.headers, theirs.headers)) parts.push('headers')
  if (!samePairs(ours.trailers, theirs.trailers)) parts.push('trailers')
  return parts
}

/** Where two outcomes part: at message `at`, one refuses what the other takes, or both take it and mean different things. */
export interface Difference {
  readonly at: number
  readonly what: 'we refuse' | 'they refuse' | 'meaning' | 'end'
  /** Of `meaning`: the parts of the message, or what is left behind it. `end`: the connection goes on in another way behind the message before. */
  readonly parts: readonly string[]
}

/** The first difference from a message on, or undefined when there is none. That both refuse the same message is agreement, whatever the reasons. */
export function firstDifference(ours: Outcome, theirs: Outcome, from: number = 0): Difference | undefined {
  const count = Math.max(ours.messages.length, theirs.messages.length)
  for (let at = from; at < count; at++) {
    const our = ours.messages[at]
    const their = theirs.messages[at]
    if (our === undefined) return { at, what: ours.end === 'refused' ? 'we refuse' : 'end', parts: [] }
    if (their === undefined) return { at, what: theirs.end === 'refused' ? 'they refuse' : 'end', parts: [] }
    const parts = partsThatDiffer(our, their)
    if (parts.length > 0) return { at, what: 'meaning', parts }
  }
  if (ours.end !== theirs.end && (ours.end === 'switched' || theirs.end === 'switched')) return { at: count, what: 'end', parts: [] }
  if (ours.end !== theirs.end) return { at: count, what: ours.end === 'refused' ? 'we refuse' : theirs.end === 'refused' ? 'they refuse' : 'end', parts: [] }
  if (ours.leftover !== theirs.leftover) return { at: count, what: 'meaning', parts: ['leftover'] }
  return undefined
}
