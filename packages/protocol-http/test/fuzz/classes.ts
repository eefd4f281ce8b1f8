/**
 * Every way in which we and another parser are known to differ, with who is right. A difference that fits none fails the run. Those where
 * we refuse are told apart by the code and the words of our error and, where these leave it open, by the input itself.
 */
// oxlint-disable no-control-regex -- bytes are what this is about
import { knownMethods } from './llhttp.ts'
import type { Input } from './generate.ts'
import type { Difference, Message, Outcome, Pairs } from './outcome.ts'
import type { OurOutcome } from './ours.ts'

export type Peer = 'llhttp' | 'h11'

/** A difference with all that can be known of it. */
export interface Case {
  readonly peer: Peer
  readonly input: Input
  readonly ours: OurOutcome
  readonly theirs: Outcome
  readonly difference: Difference
  /** The input from where the message begins. */
  readonly rest: string
  readonly our: Message | undefined
  readonly their: Message | undefined
}

/** `ours`: what they do is against the RFC, or ambiguous where strangers pay for it. `choice`: the RFC allows both. `stricter`: the RFC says otherwise, and we don't on purpose. */
export type Verdict = 'ours' | 'choice' | 'stricter'

export interface DifferenceClass {
  readonly name: string
  readonly what: Difference['what'] | 'any'
  readonly verdict: Verdict
  /** What we do, what they do, and why: with the section. */
  readonly we: string
  readonly they: string
  readonly because: string
  readonly fits: (difference: Case) => boolean
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const valuesOf = (list: Pairs, name: string): string[] => list.flatMap(([each, value]) => (each === name ? [value] : []))
const members = (list: Pairs, name: string): string[] => valuesOf(list, name).flatMap((value) => value.split(',').map((member) => member.trim().toLowerCase()))
/** The first line, without an empty one before it, and the field lines. */
const linesOf = (rest: string): string[] => rest.replace(/^\r\n/, '').split('\r\n')
const targetOf = (rest: string): string => linesOf(rest)[0]!.split(' ')[1] ?? ''
const methodOf = (rest: string): string => linesOf(rest)[0]!.split(' ')[0]!
/** The field line that is none. */
function badLine(rest: string): string {
  const head = linesOf(rest).slice(1)
  return head.find((line) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:/.test(line)) ?? ''
}
/** The head that the difference is about: of the message before, where it is how the connection goes on. */
function headOf({ rest, input, ours, difference }: Case): string {
  const isBehind = difference.what === 'end' || difference.parts[0] === 'leftover'
  return (isBehind ? input.text.slice(ours.starts[difference.at - 1]) : rest).split('\r\n\r\n')[0]!
}
/** The method that the message at `at` answers. */
function askedFor({ input, ours, difference }: Case): string | undefined {
  return input.asked?.[ours.messages.slice(0, difference.at).filter(({ kind }) => kind === 'response').length]
}

/** A class where we refuse: by our code and the beginning of its words. */
function refusal(name: string, verdict: Verdict, code: string, words: string, we: string, they: string, because: string,
  and: (difference: Case) => boolean = () => true): DifferenceClass {
  const start = new RegExp(`^ERR_HTTP_${code} \\d+ ${words}`)
  return { name, what: 'we refuse', verdict, we, they, because, fits: (difference) => start.test(difference.ours.why) && and(difference) }
}

function other(name: string, what: DifferenceClass['what'], verdict: Verdict, we: string, they: string, because: string, fits: (difference: Case) => boolean): DifferenceClass {
  return { name, what, verdict, we, they, because, fits }
}

const requestLine = (name: string, verdict: Verdict, they: string, because: string, and: (rest: string) => boolean): DifferenceClass =>
  refusal(name, verdict, 'BAD_REQUEST_LINE', '', '400', they, because, ({ rest }) => and(rest))
const threeParts = (rest: string): boolean => linesOf(rest)[0]!.split(' ').length === 3

export const classes: readonly DifferenceClass[] = [
  // What would be taken for something else below: the cause is in the head, the difference behind it
  other('a tab behind a length or coding', 'any', 'ours', 'white space around a value is none of it',
    'llhttp knows the space there alone: it refuses, reads to the end what is in HTTP chunks, or leaves them to the protocol that is switched to',
    'RFC 9110 §5.5: OWS is SP or HTAB', (difference) =>
    difference.peer === 'llhttp' && /^(?:content-length|transfer-encoding):[^\r\n]*\t[ \t]*\r?$/im.test(headOf(difference))
    // The head is good for us, and what is refused is in the body.
    && (difference.difference.what !== 'we refuse' || difference.ours.partial !== undefined)),
  other('a tab beside a connection option', 'any', 'ours', 'white space around an option is none of it', 'llhttp knows the space there alone, and so misses `close` or `upgrade`',
    'RFC 9110 §5.6.1, §5.5: OWS is SP or HTAB', (difference) =>
    difference.peer === 'llhttp' && (difference.difference.what === 'end' || /^(?:keep|kind)/.test(difference.difference.parts[0] ?? ''))
      && /^connection:[^\r\n]*\t/im.test(headOf(difference))),
  other('Proxy-Connection', 'any', 'ours', 'is a field like any', 'llhttp reads it as Connection',
    'RFC 9112 §C.2.2: no field of HTTP; who acts on one that a proxy passed on keeps or ends the wrong connection', (difference) =>
    difference.peer === 'llhttp' && (difference.difference.what === 'end' || /^(?:keep|kind)/.test(difference.difference.parts[0] ?? ''))
      && /^proxy-connection:[^\r\n]*(?:close|keep-alive|upgrade)/im.test(headOf(difference))),
  // Lines
  refusal('HTTP/0.9', 'ours', 'BAD_REQUEST_LINE', '', '400', 'llhttp takes a line without a version',
    'RFC 9112 §3: the version is part of the line', ({ their, rest }) => their?.version === '0.9' && !/ HTTP\/0\.9\r?$/.test(linesOf(rest)[0]!)),
  refusal('bare LF', 'ours', 'BAD_LINE_ENDING', '', '400', 'take LF for CRLF',
    'RFC 9112 §2.2 says MAY; but what one end takes for a line and the other does not is smuggling\'s oldest way', ({ rest }) => /(?:^|[^\r])\n/.test(rest)),
  requestLine('empty lines before a request', 'choice', 'skip any number',
    'RFC 9112 §2.2: at least one SHOULD be ignored; one is, CRLF alone', (rest) => /^[\r\n]/.test(rest)),
  requestLine('another protocol in the request line', 'ours', 'take RTSP and ICE',
    'RFC 9112 §2.3: HTTP-name is HTTP', (rest) => /(?:RTSP|ICE)\/\d\.\d\r?$/.test(linesOf(rest)[0]!)),
  requestLine('fragment in the target', 'ours', 'hand it on', 'RFC 9112 §3.2: no form has one', (rest) => threeParts(rest) && targetOf(rest).includes('#')),
  requestLine('CONNECT to no authority', 'ours', 'take any target',
    'RFC 9112 §3.2.3: host and port, no other form', (rest) => threeParts(rest) && methodOf(rest) === 'CONNECT'),
  requestLine('the asterisk without OPTIONS', 'ours', 'take it with any method',
    'RFC 9112 §3.2.4: with OPTIONS alone', (rest) => threeParts(rest) && targetOf(rest) === '*'),
  requestLine('an authority that is none', 'ours', 'take any text',
    'RFC 9110 §4.2.1, §4.2.4: a host, not empty; user information is to be treated as an error',
    (rest) => threeParts(rest) && /^[A-Za-z][A-Za-z0-9+\-.]*:\/\//.test(targetOf(rest))),
  requestLine('a target of no form', 'ours', 'take any text',
    'RFC 9112 §3.2: origin, absolute, authority or asterisk', (rest) => threeParts(rest) && token.test(methodOf(rest))),
  requestLine('white space in the request line', 'ours', 'skip spaces, or take what is around them into the target',
    'RFC 9112 §3: one SP each, and 400 is the advice', (rest) => / {2}|\t| $|[\0-\x1f]/.test(linesOf(rest)[0]!)),
  refusal('another version', 'stricter', 'UNSUPPORTED_VERSION', '', '505', 'llhttp takes 0.9 and 2.0, h11 any',
    'RFC 9110 §2.5 lets 1.2 pass for 1.1 (SHOULD); nobody sends one, and 0.9, 2.0 and above are other protocols'),
  refusal('a status line without its second space', 'choice', 'BAD_STATUS_LINE', '', '400', 'take `HTTP/1.1 200`',
    'RFC 9112 §4: the space is there even without a phrase', ({ rest }) => /^HTTP\/\d\.\d \d{3}(?:\r|$|\n)/.test(rest)),
  refusal('empty lines before a response', 'ours', 'BAD_STATUS_LINE', '', '400', 'skip them',
    'RFC 9112 §2.2 has that for servers alone; these bytes answer nothing', ({ rest }) => /^[\r\n]/.test(rest)),
  refusal('another protocol in the status line', 'ours', 'BAD_STATUS_LINE', '', '400', 'take RTSP and ICE',
    'RFC 9112 §2.3: HTTP-name is HTTP', ({ rest }) => /^(?:RTSP|ICE)\//.test(rest)),
  refusal('a status that is none', 'ours', 'BAD_STATUS_LINE', '', '400', 'take 000 to 099', 'RFC 9110 §15: 100 to 599', ({ rest }) => /^HTTP\/\d\.\d 0\d\d/.test(rest)),
  refusal('a control character in the phrase', 'ours', 'BAD_STATUS_LINE', '', '400', 'take it',
    'RFC 9112 §4: HTAB, SP, VCHAR, obs-text', ({ rest }) => /^HTTP\/\d\.\d \d{3} .*[\0-\x08\x0b-\x1f\x7f]/.test(linesOf(rest)[0]!)),
  // Fields
  refusal('obs-fold', 'ours', 'BAD_HEADER', 'No field line', '400', 'join the lines',
    'RFC 9112 §5.2: a server MUST reject it or replace it', ({ rest }) => /^[ \t]/.test(badLine(rest))),
  refusal('a bare CR in a value', 'ours', 'BAD_HEADER', 'A control character', '400', 'take it',
    'RFC 9112 §2.2: MUST be invalid, or become SP', ({ rest }) => /\r(?!\n)/.test(rest)),
  refusal('a control character in a value', 'choice', 'BAD_HEADER', 'A control character', '400', 'take some, or all but NUL, CR and LF',
    'RFC 9110 §5.5: invalid; MAY be kept in a safe context, which a proxy is not', ({ rest }) => /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(rest)),
  refusal('a connection option that is none', 'ours', 'BAD_HEADER', 'No connection option', '400', 'ignore it, or find `close` in it',
    'RFC 9110 §7.6.1: tokens; who reads `close;` as close and who does not disagree on where the connection ends'),
  refusal('an Upgrade that is none', 'choice', 'BAD_HEADER', 'Upgrade is', '400', 'hand it on',
    'RFC 9110 §7.8: a list of protocols; one that cannot be read cannot be offered on'),
  refusal('no Host', 'ours', 'BAD_HOST', 'No Host', '400', 'llhttp leaves that to node:http, which refuses it too', 'RFC 9112 §3.2: MUST be 400'),
  refusal('two Hosts', 'ours', 'BAD_HOST', 'More than one', '400', 'llhttp leaves that to its user, and node:http keeps the first', 'RFC 9112 §3.2: MUST be 400'),
  refusal('a Host that is not the target\'s', 'ours', 'BAD_HOST', '.*and the target names another', '400', 'leave that to their user',
    'RFC 9112 §3.2.2: the target wins; who does not know is led elsewhere, so such a request is refused'),
  refusal('an empty Host', 'choice', 'BAD_HOST', 'Host is ""', '400', 'take it',
    'RFC 9110 §7.2 has it where the target has no authority; no http URI is like that (§4.2.1)'),
  refusal('a Host that is none', 'ours', 'BAD_HOST', 'Host is', '400', 'take more characters', 'RFC 9112 §3.2: an invalid value MUST be 400'),
  refusal('an unknown expectation', 'choice', 'UNSUPPORTED_EXPECTATION', '', '417', 'leave that to their user', 'RFC 9110 §10.1.1: MAY be 417'),
  // Bodies
  refusal('Transfer-Encoding in 1.0', 'ours', 'BAD_TRANSFER_ENCODING', '.*in HTTP/1\\.0', '400', 'take it', 'RFC 9112 §6.1: MUST be treated as faulty framing'),
  refusal('Transfer-Encoding with CONNECT', 'ours', 'BAD_TRANSFER_ENCODING', '.*with CONNECT', '400', 'ignore it, or read a body',
    'RFC 9110 §9.3.6: no meaning; what is behind the head is the tunnel\'s for one and a body for another'),
  refusal('Content-Length with CONNECT', 'ours', 'BAD_CONTENT_LENGTH', '.*with CONNECT', '400', 'ignore it, or read a body',
    'RFC 9110 §9.3.6: no meaning; what is behind the head is the tunnel\'s for one and a body for another'),
  refusal('Transfer-Encoding beside Content-Length', 'ours', 'BAD_TRANSFER_ENCODING', '.*beside', '400',
    'h11 lets Transfer-Encoding win; llhttp takes it where the coding is empty, or no body follows',
    'RFC 9112 §6.1: MAY reject, and a message with both ought to be an error'),
  refusal('a list of codings', 'stricter', 'BAD_TRANSFER_ENCODING', 'Transfer-Encoding is', '400', 'take `chunked,` or an empty value, or chunked twice',
    'RFC 9112 §6.1: chunked once, and last; but an empty member is to be ignored by RFC 9110 §5.6.1.2, and is where parsers have been made to differ'),
  refusal('another coding', 'ours', 'UNSUPPORTED_TRANSFER_ENCODING', '', '501', 'hand the coded body on, or read to the end', 'RFC 9112 §6.1: SHOULD be 501'),
  refusal('a length that is none', 'ours', 'BAD_CONTENT_LENGTH', 'Content-Length is', '400', 'h11 takes `3, 3`, llhttp white space; neither looks where no body follows',
    'RFC 9110 §8.6: digits; a list of equal ones MAY be rejected'),
  refusal('a length beyond counting', 'choice', 'BODY_TOO_LARGE', '', '413', 'count further',
    'RFC 9110 §8.6: recipients MUST prevent overflow; 15 digits are a petabyte', ({ rest }) => /content-length:\s*\d{16}/i.test(rest)),
  refusal('a chunk size that is none', 'ours', 'BAD_CHUNK_SIZE', '', '400', 'take white space behind it, or more than 16 digits',
    'RFC 9112 §7.1: 1*HEXDIG; overflow MUST be prevented'),
  refusal('a chunk extension that is none', 'ours', 'BAD_CHUNK_EXTENSION', '', '400', 'skip to the line\'s end',
    'RFC 9112 §7.1.1; what is skipped to an end of line is where parsers have been made to differ'),
  refusal('a field that may not be a trailer', 'ours', 'BAD_TRAILER', '.*may not be a trailer', '400', 'hand it on',
    'RFC 9110 §6.5.1: MUST NOT be sent there; merged into the head it would change framing, routing or who may'),
  refusal('a trailer line that is none', 'ours', 'BAD_TRAILER', 'No field line', '400', 'join folded lines, or take more', 'RFC 9112 §7.1.2, §5.2'),
  refusal('a control character in a trailer', 'choice', 'BAD_TRAILER', 'A control character', '400', 'take some', 'RFC 9110 §5.5'),
  refusal('limits', 'choice', '(?:TOO_MANY_HEADERS|HEADER_TOO_LARGE|START_LINE_TOO_LONG|TRAILER_TOO_LARGE|CHUNK_EXTENSION_TOO_LARGE)', '', '413, 414 or 431',
    'have others, or none',
    'RFC 9112 §3, RFC 9110 §5.4: a server\'s own'),
  // Responses
  refusal('a 101 that nobody asked for', 'ours', 'UNEXPECTED_RESPONSE', 'A 101 that', 'an error', 'take it for a 1xx, or for a switch',
    'RFC 9110 §7.8: only to what was offered'),
  refusal('a 101 to what was not offered', 'ours', 'UNEXPECTED_RESPONSE', 'A 101 to', 'an error', 'switch', 'RFC 9110 §7.8: MUST NOT switch to what was not indicated'),
  refusal('bytes behind the last response', 'ours', 'UNEXPECTED_RESPONSE', 'Bytes that', 'an error', 'skip empty lines there',
    'RFC 9112 §9.2: a client MUST NOT take unasked data for a response'),
  // They refuse
  other('an unknown method', 'they refuse', 'ours', 'any token is a method', 'llhttp has a list',
    'RFC 9110 §9.1: method = token; 501 is the application\'s word', ({ peer, our, theirs }) =>
    peer === 'llhttp' && our !== undefined && (our.method === 'PRI' || (/^HPE_INVALID_(?:METHOD|CONSTANT|VERSION)/.test(theirs.why)
      && (!knownMethods.has(our.method) || our.method === 'SOURCE')))),
  other('the same length twice', 'they refuse', 'choice', 'take it once', 'llhttp refuses it',
    'RFC 9110 §8.6, RFC 9112 §6.3: either',
    ({ our, theirs }) => theirs.why.startsWith('HPE_UNEXPECTED_CONTENT_LENGTH') && valuesOf(our?.headers ?? [], 'content-length').length > 1),
  other('limits of theirs', 'they refuse', 'choice', 'have others', 'llhttp under Node: 16 KiB for the start line and the fields together',
    'RFC 9110 §5.4', ({ theirs }) => theirs.why.startsWith('HPE_HEADER_OVERFLOW')),
  other('close in a 1xx', 'they refuse', 'ours', 'the response follows', 'llhttp takes a 1xx of 1.0, or with close, for the last message',
    'RFC 9110 §15.2: a 1xx precedes the response', ({ ours, theirs, difference }) =>
    theirs.why.startsWith('HPE_CLOSED_CONNECTION') && ours.messages[difference.at - 1]?.kind === 'informational'),
  other('a scheme with a digit', 'they refuse', 'ours', 'is a scheme', 'llhttp knows letters alone',
    'RFC 3986 §3.1', ({ theirs, rest }) => /url schema/.test(theirs.why) && /^[A-Za-z][A-Za-z0-9+\-.]*:/.test(targetOf(rest))),
  refusal('a CR and the end', 'ours', 'TRUNCATED', 'The end came in the start', '400', 'llhttp takes it for nothing',
    'RFC 9112 §2.2: CR alone is no empty line', ({ rest }) => rest === '\r'),
  other('framing of a head that switches', 'they refuse', 'ours', 'a length or coding of a 2xx to CONNECT, or of a 101, is not looked at', 'refuse what they cannot read',
    'RFC 9110 §9.3.6: a client MUST ignore them', ({ our }) => our?.kind === 'switch'),
  other('the end before the answer', 'they refuse', 'choice', '`closed`: the client makes an error of it', 'h11 says that it was too early',
    'RFC 9112 §8', ({ peer, our, ours, theirs }) => peer === 'h11' && our === undefined && ours.end === 'clean' && /ConnectionClosed when role=SERVER/.test(theirs.why)),
  other('an empty line that stands alone', 'they refuse', 'ours', 'skip one', 'h11 misses the request line',
    'RFC 9112 §2.2: SHOULD ignore at least one', ({ peer, rest, theirs }) => peer === 'h11' && rest.startsWith('\r\n') && /no request line/.test(theirs.why)),
  // Both take it
  other('whether a response to HEAD leaves the connection', 'meaning', 'ours', 'it has no body, so the connection lives', 'llhttp decides before it is told that there is no body',
    'RFC 9110 §9.3.2, RFC 9112 §9.3', (difference) =>
    difference.peer === 'llhttp' && only(difference, 'keep') && difference.our!.keep && askedFor(difference) === 'HEAD'),
  other('close beside keep-alive', 'meaning', 'ours', 'close wins', 'keep-alive wins in 1.0 (llhttp)', 'RFC 9112 §9.3: close is looked for first', (difference) =>
    difference.peer === 'llhttp' && only(difference, 'keep') && !difference.our!.keep && members(difference.our!.headers, 'connection').includes('close')
      && members(difference.our!.headers, 'connection').includes('keep-alive')),
  other('keep-alive in 1.0', 'meaning', 'choice', 'the connection lives', 'h11 ends it', 'RFC 9112 §9.3, §C.2.2: either', (difference) =>
    difference.peer === 'h11' && difference.difference.parts.includes('keep')
      && difference.difference.parts.every((part) => part === 'keep' || (part === 'headers' && sameBut(difference, 'content-length')))
      && difference.our!.keep && difference.our!.version === '1.0' && members(difference.our!.headers, 'connection').includes('keep-alive')),
  other('Upgrade in 1.0', 'any', 'ours', 'is no offer', 'offer to switch', 'RFC 9110 §7.8: MUST be ignored in 1.0', ({ our, theirs, difference, ours }) => {
    const isOffer = (message: Message | undefined): boolean => message?.version === '1.0' && message.kind === 'request' && valuesOf(message.headers, 'upgrade').length > 0
    return theirs.end === 'switched' && (isOffer(our) || isOffer(ours.messages[difference.at - 1]))
  }),
  other('Upgrade without its connection option', 'any', 'ours', 'is no offer', 'h11 takes it for one',
    'RFC 9110 §7.8: MUST send the option, and what lacks it is a proxy\'s leftover', ({ ours, theirs, difference, our }) => {
    const isNone = (message: Message | undefined): boolean =>
      message?.kind === 'request' && valuesOf(message.headers, 'upgrade').length > 0 && !members(message.headers, 'connection').includes('upgrade')
    return theirs.end === 'switched' && ((difference.what === 'meaning' && theirs.messages.length === difference.at + 1
      && isNone(our)) || (theirs.messages.length === difference.at && isNone(ours.messages[difference.at - 1])))
  }),
  other('a body that ends with the connection', 'meaning', 'ours', 'nothing follows it', 'h11 calls the connection done, not closing', 'RFC 9112 §6.3', (difference) =>
    difference.peer === 'h11' && only(difference, 'keep') && !difference.our!.keep && difference.our!.kind === 'response'
      && valuesOf(difference.our!.headers, 'content-length').length === 0),
  other('the same length twice, told once', 'meaning', 'choice', 'fields as they came', 'h11 joins them', 'RFC 9110 §8.6: either', (difference) =>
    difference.peer === 'h11' && only(difference, 'headers') && sameBut(difference, 'content-length', 'transfer-encoding')
      && valuesOf(difference.our!.headers, 'content-length').length > 1),
  other('the case of a coding', 'meaning', 'choice', 'fields as they came', 'h11 writes `chunked` in lower case',
    'RFC 9112 §7: names of codings have no case', (difference) =>
    difference.peer === 'h11' && only(difference, 'headers') && sameBut(difference, 'transfer-encoding')),
]

/** Classes after which both go on in the same way, so that what follows is compared as well. */
export const harmless: ReadonlySet<string> = new Set(['the same length twice, told once', 'the case of a coding'])

function only({ difference }: Case, part: string): boolean {
  return difference.what === 'meaning' && difference.parts.length === 1 && difference.parts[0] === part
}

/** Whether the headers are the same but for the spelling, or the number, of these. */
function sameBut({ our, their }: Case, ...names: readonly string[]): boolean {
  const plain = ({ headers }: Message): string =>
    JSON.stringify([headers.filter(([each]) => !names.includes(each)), ...names.map((name) => [...new Set(valuesOf(headers, name).map((value) => value.toLowerCase()))])])
  return our !== undefined && their !== undefined && plain(our) === plain(their)
}

/** The class of a difference; undefined: nobody has looked at it yet. */
export function classify(difference: Case): DifferenceClass | undefined {
  return classes.find(({ what, fits }) => (what === 'any' || what === difference.difference.what) && fits(difference))
}
