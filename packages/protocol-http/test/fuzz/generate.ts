/**
 * Messages by their structure: each part is mostly right, and sometimes one of the forms that parsers have differed in. Text, one character
 * a byte. What mutate.ts does comes on top.
 */
import { mutate } from './mutate.ts'
import type { Random } from './random.ts'

/** One input: to a server, or (with what a client asked) to a client. */
export interface Input {
  readonly text: string
  /** What the client asked, one after the other; undefined: the input is for a server. `upgrade` is a GET that offers websocket. */
  readonly asked: readonly string[] | undefined
}

const methods = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'CONNECT', 'TRACE']
const oddMethods = ['get', 'G(T', 'M-SEARCH', 'X', '', 'PRI', 'SOURCE', 'DESCRIBE', 'BREW', 'QUERY', 'GE\0T', 'GET\t', '"GET"', 'HTTP/1.1', '__proto__', 'POSTX', 'PURGE', '\xc4T']
const targets = ['/', '/', '/', '/a?b=c', '/index.html', '*', 'http://h/', 'http://h:80/x?y', 'h:80', 'HTTP://H']
const oddTargets = [
  '', '//h/x', '/a#b', '/%zz', '/\xe4', 'a', 'http://', 'http:///', 'http://u@h/', 'http://u:p@h/', 'https://h:443/', 'http://h:99999/', 'ws://h/', 'http:/h', '[::1]:443',
  'h', 'h:', 'h:0x50', ':80', '/\t', '/ HTTP/1.0', '/a b', '/\x7f', '/\x01', '/\\', '/<>"{}|^`', '**', '*?', 'http://h?x', 'http://[::1/', 'http://[v1.x]/',
  'http://h/#f', '?x', '\\', 'mailto:a@b', '1http://h/', 'http://h:/',
]
const oddVersions = [
  'HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/1.10', 'HTTP/11', 'http/1.1', 'HTTP/1.1 ', 'HTTP/01.1', 'HTTP/1.', 'HTTP/1,1', '', 'HTTP /1.1',
  'HTTPS/1.1', 'HTTP/1.1\t', 'HTTP/9.9', 'ICY', 'RTSP/1.0', 'ICE/1.0', 'HTTP/1.1\0',
]
const hosts = ['h', 'h', 'h', 'h', 'h:80', 'example.test', '[::1]', '[::1]:8080', '127.0.0.1:1']
const oddHosts = [
  '', 'h, h', 'a b', 'h:99999', 'h:', 'h:x', 'u@h', 'h/x', '[::1', '::1', '[::g]', '[1:2:3:4:5:6:7:8:9]', '[::ffff:1.2.3.4]', '[1::2::3]', '[::1.2.3.999]',
  'h%41', 'h%4', 'h%zz', 'h\xe4', 'h#', 'h?', '"h"', 'h;x', 'h,h', '*', '[v1.x]', '[1:2:3:4:5:6:7:8]', '[::1.2.3]',
  '[1:2:3:4:5:6:1.2.3.4]', '[1::2:3:4:5:6:7:8]', '[12345::]', '[::]',
]
const lengths = ['0', '1', '3', '5', '10', '+3', '-1', '0x3', '3 ', ' 3', '3, 3', '3,4', '3;3', '03', '00', '3.0', '3e0', '', '9007199254740993',
  '18446744073709551616', '18446744073709551619', '99999999999999999999999', '\xb3', '3\t', '1 2', '3\0', '4294967299', '999999999999999', '1000000000000000']
const codings = [
  'chunked', 'chunked', 'chunked', 'Chunked', 'CHUNKED', 'gzip, chunked', 'chunked, gzip', 'gzip', 'identity', 'chunked, chunked', ' chunked ', 'chunked,',
  ', chunked', 'xchunked', 'chunkedx', '"chunked"', 'chunked;q=1', '', 'chun ked', '\tchunked', '\x0bchunked', 'chunked\0', 'identity, chunked', ',', 'cow',
  'chunked\t',
]
const connections = ['close', 'keep-alive', 'close', 'Close', 'keep-alive, close', 'close, keep-alive', 'upgrade', 'Upgrade', 'keep-alive, Upgrade', '', ',',
  'close,', 'clo se', '"close"', 'x', 'close;', 'transfer-encoding', 'content-length', 'TE', 'keep-alive keep-alive', 'close\t,\tx', 'close x', '\xe4',
  'closed', 'notclose']
const upgrades = ['websocket', 'h2c', 'websocket', 'WebSocket/13', 'a, b', '', ',', 'a b', 'a/b/c', '/', 'h2c;x', 'websocket, h2c']
const expects = ['100-continue', '100-Continue', 'x', '', '100-continue, 100-continue', '200-ok']
const values = ['b', '', 'b c', ' b', 'b ', '\tb\t', 'a, b', '"q"', 'a:b', '\xe4', '\xff', 'x'.repeat(40), 'a\tb', '\x0b', '\x0c', '\x00', '\x7f', 'b\r',
  'HTTP/1.1', '\x1f', ' ', '\x85', '\xa0', ',', '=']
const names = ['X-A', 'Accept', 'Cookie', 'x', 'User-Agent', 'Content-Type', 'Via', 'TE', 'Trailer', '__proto__', 'constructor', 'X_Y', 'Date', 'Keep-Alive',
  'Proxy-Connection', 'Te-', 'Content-Lengt', 'Content-Length2', 'Referer', 'Set-Cookie', 'ETag', 'Sec-WebSocket-Key', 'Content_Length', 'HTTP2-Settings',
  'Cache-Control', '!#$%&\'*+-.^_`|~0', 'Transfer-Encodin']
const oddNames = ['', ' X', 'X ', 'X\t', 'X(', 'X\xe4', 'X\0', 'X@', 'X/Y', 'X\x7f', '"X"', 'X,', 'X;', '\tX', 'X Y', '{', 'X=', '[X]', 'X\\', 'X?', 'X\x0b',
  '\xef\xbb\xbfX', 'Content-Length ', 'Transfer-Encoding ', 'Transfer-Encoding\t', ' Content-Length', 'Content-Length\0', 'Host ', '\x0bTransfer-Encoding']
const sizes = ['0', '0', '00', '0000000000000000', '00000000000000000', '3', '5', 'a', 'A', '0x3', '3 ', ' 3', '+3', '-3', '', 'g', '3h', 'FFFFFFFFFFFFFFFF',
  '10000000000000003', '20000000000003', '1fffffffffffff', 'ffffffff', '3\t', '3\r', '1e1', '00000003', '000000000000003', '3 3', '100000003']
const extensions = [';a', ';a=b', ';a="b"', ';', ';;', ' ;a', '; a', ';a =b', ';a= b', ';a="', ';a="\\"', ';a="\\""', ';a="\t"', ';\xe4', ';a=\xe4',
  ';a="\xe4"', ';a="\x01"', ';a=b;c=d', ';=b', ';a\0', ';a="x";b', ';a=', ';a="\\\x7f"', ';a="b"c', ';a;', ';a\t', ';a=b ', ';a=(', ';' + 'x'.repeat(30),
  ';a="' + 'y'.repeat(30) + '"']
const trailerNames = [
  'X-T', 'X-T', 'X-Sum', 'Content-Length', 'Transfer-Encoding', 'Host', 'Trailer', 'Connection', 'Authorization', 'Set-Cookie', 'Content-Type', 'Date', 'ETag',
  'Expires', 'Upgrade', 'Cookie', 'TE', 'Age', 'Location', 'Server-Timing', 'Content-Encoding',
]
const bodies = ['', 'abc', 'hello', 'abcdefghij', 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n', '0\r\n\r\n', '\r\n', '\0\xff',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '3\r\nabc\r\n0\r\n\r\n', 'G', 'x'.repeat(100)]
const statuses = ['200 OK', '200 OK', '200 OK', '204 No Content', '304 Not Modified', '100 Continue', '103 Early Hints', '101 Switching Protocols',
  '404 Not Found', '500 ', '205 Reset Content', '102 Processing', '206 Partial Content', '301 Moved', '401 No']
const oddStatuses = [
  '200', '20 OK', '2000 OK', '000 OK', '099 OK', ' 200 OK', '200  OK', '200\tOK', '999 x', '600 x', 'abc x', '-20 x', '+20 x', '2 0 x', '', '200 \xe4',
  '200 O\x01', '200 O\x7fK', '200 OK ', '200 O\rK', '1e2 x', '199 x', '200 \t', '299 x', '0200 x', '200OK', '200-OK', '200 O\0K', '150 x', '100', '226 \x0b',
]

function headerValue(random: Random): string {
  return random.oneIn(12) ? random.pick(values) : random.pick(['b', 'abc', '1', 'text/html', 'a=b; c=d', 'gzip, br', ''])
}

function field(random: Random): string {
  const name = random.oneIn(40) ? random.pick(oddNames) : random.pick(names)
  const colon = random.oneIn(60) ? random.pick(['', ' :', ': : ', '\t:', '=', ' : ', '::']) : random.oneIn(6) ? random.pick([':', ':\t', ':  ', ': \t ']) : ': '
  return name + colon + headerValue(random)
}

function chunks(random: Random): string {
  let text = ''
  for (let count = random.below(3); count > 0; count--) {
    const body = random.pick(bodies) || 'z'
    const size = random.oneIn(25) ? random.pick(sizes) : body.length.toString(16)
    const extension = random.oneIn(6) ? random.pick(extensions) : ''
    const ending = random.oneIn(60) ? random.pick(['\n', '\r', '', 'x\r\n', '\r\n\r\n', ' \r\n', '\0\n', '\r\r\n']) : '\r\n'
    text += `${size}${extension}\r\n${body}${ending}`
  }
  if (random.oneIn(50)) return text
  text += random.oneIn(12) ? random.pick(sizes) : '0'
  if (random.oneIn(12)) text += random.pick(extensions)
  text += '\r\n'
  if (random.oneIn(4)) {
    for (let count = random.below(3); count >= 0; count--) text += `${random.oneIn(25) ? random.pick(oddNames) : random.pick(trailerNames)}: ${headerValue(random)}\r\n`
  }
  return random.oneIn(40) ? text : `${text}\r\n`
}

/** Header lines that frame the body, and the body. */
function framing(random: Random, lines: string[], bare: boolean): string {
  const at = random.below(lines.length + 1)
  const kind = random.below(24)
  if (kind < 6) return bare && random.oneIn(12) ? random.pick(bodies) : ''
  const body = random.pick(bodies)
  if (kind < 12) {
    lines.splice(at, 0, `Content-Length: ${body.length}`)
    return body
  }
  if (kind < 18) {
    lines.splice(at, 0, `Transfer-Encoding: ${random.oneIn(12) ? random.pick(codings) : 'chunked'}`)
    return chunks(random)
  }
  switch (kind) {
    case 18:
      lines.splice(at, 0, `Content-Length: ${random.pick(lengths)}`)
      return body
    case 19: {
      const length = random.oneIn(3) ? random.pick(lengths) : String(body.length)
      lines.splice(at, 0, `Content-Length: ${length}`)
      lines.splice(random.below(lines.length + 1), 0, `content-length: ${random.oneIn(2) ? length : random.pick(lengths)}`)
      return body
    }
    case 20: {
      const chunked = chunks(random)
      lines.splice(at, 0, `Content-Length: ${random.pick([String(chunked.length), '0', '3', '6'])}`)
      lines.splice(random.below(lines.length + 1), 0, `Transfer-Encoding: ${random.pick(codings)}`)
      return chunked
    }
    case 21:
      lines.splice(at, 0, `Transfer-Encoding: ${random.pick(codings)}`)
      lines.splice(random.below(lines.length + 1), 0, `Transfer-Encoding: ${random.pick(codings)}`)
      return chunks(random)
    case 22:
      lines.splice(at, 0, random.pick([
        'Content-Length : 3', 'Transfer-Encoding : chunked', ' Content-Length: 3', 'Content-Length:3', 'Content-Length\t: 3', 'Transfer-Encoding:chunked',
        'X: y\r\n Transfer-Encoding: chunked', 'Transfer-Encoding:\r\n chunked', 'Transfer_Encoding: chunked',
        'Content-Length:\r\n 3', 'X: y\nContent-Length: 3', 'X: y\rContent-Length: 3', 'Transfer-Encoding: x\nTransfer-Encoding: chunked',
      ]))
      return random.oneIn(2) ? body : chunks(random)
    default:
      lines.splice(at, 0, `Transfer-Encoding: ${random.pick(codings)}`)
      return random.oneIn(4) ? body : chunks(random)
  }
}

function commonFields(random: Random, lines: string[]): void {
  for (let count = random.below(4); count > 0; count--) lines.splice(random.below(lines.length + 1), 0, field(random))
  if (random.oneIn(6)) lines.push(`Connection: ${random.pick(connections)}`)
  if (random.oneIn(200)) for (let count = random.pick([30, 33, 70, 99, 100, 101]); count > 0; count--) lines.push('x: y')
  if (random.oneIn(2000)) lines.push(`x: ${'y'.repeat(random.pick([8100, 16300, 16380, 16400]))}`)
}

function request(random: Random): string {
  const method = random.oneIn(25) ? random.pick(oddMethods) : random.pick(methods)
  let target = random.oneIn(20) ? random.pick(oddTargets) : method === 'CONNECT' ? 'h:80' : random.pick(targets)
  if (random.oneIn(2000)) target += 'z'.repeat(random.pick([8000, 8174, 8175, 8176, 8200]))
  const version = random.oneIn(40) ? random.pick(oddVersions) : random.oneIn(8) ? 'HTTP/1.0' : 'HTTP/1.1'
  const lines: string[] = []
  const hostCount = random.oneIn(30) ? random.pick([0, 0, 2]) : 1
  for (let count = hostCount; count > 0; count--) {
    const named = random.oneIn(16) ? random.pick(oddHosts) : /^(?:https?:\/\/|h:80$)/i.test(target) && !random.oneIn(6) ? target.replace(/^[a-z]+:\/\//i,
      '').replace(/\/.*/, '') : random.pick(hosts)
    lines.push(`${random.oneIn(20) ? random.pick(['host', 'HOST', 'Host ', 'hOST']) : 'Host'}: ${named}`)
  }
  commonFields(random, lines)
  if (random.oneIn(14)) {
    lines.push(`Upgrade: ${random.pick(upgrades)}`)
    if (!random.oneIn(3)) lines.push(`Connection: ${random.pick(['upgrade', 'Upgrade', 'keep-alive, upgrade'])}`)
  }
  if (random.oneIn(20)) lines.push(`Expect: ${random.pick(expects)}`)
  const body = framing(random, lines, false)
  const empty = random.oneIn(40) ? random.pick(['\r\n', '\r\n\r\n', '\n', '\r', ' \r\n']) : ''
  const space = random.oneIn(100) ? random.pick(['  ', '\t', ' \t', '']) : ' '
  return `${empty}${method}${space}${target}${version === '' ? '' : space}${version}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`
}

/** Field lines that come again and again, as a client's do, behind different request lines: what is remembered of them must not matter. */
const blocks = ['Host: h\r\n\r\n', 'Host: h\r\n\r\n', 'Host: h\r\nContent-Length: 3\r\n\r\nabc', 'Host: h\r\nConnection: close\r\n\r\n',
  'Host: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'Content-Length: 0\r\n\r\n', 'Host: h:80\r\n\r\n', '\r\n']
function familiar(random: Random): string {
  const line = `${random.pick(methods)} ${random.pick(targets)} HTTP/1.${random.oneIn(5) ? 0 : 1}\r\n`
  return line + (random.oneIn(8) ? random.pick(['X', 'X-A: b\r\n', ' ', '\r\n', 'x: y\r\nHost: h\r\n', '\n']) : '') + random.pick(blocks)
}

function response(random: Random): string {
  const version = random.oneIn(30) ? random.pick(oddVersions) : random.oneIn(6) ? 'HTTP/1.0' : 'HTTP/1.1'
  const status = random.oneIn(15) ? random.pick(oddStatuses) : random.pick(statuses)
  const lines: string[] = []
  commonFields(random, lines)
  if (status.startsWith('101') || random.oneIn(30)) {
    if (!random.oneIn(6)) lines.push(`Upgrade: ${random.pick(upgrades)}`)
    if (!random.oneIn(6)) lines.push(`Connection: ${random.pick(['upgrade', 'Upgrade', 'keep-alive, upgrade'])}`)
  }
  const plain = status.startsWith('1') && !random.oneIn(8)
  const body = plain ? '' : framing(random, lines, true)
  const empty = random.oneIn(60) ? random.pick(['\r\n', '\n', ' ']) : ''
  const space = random.oneIn(100) ? random.pick(['  ', '\t', '']) : ' '
  return `${empty}${version}${space}${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`
}

const askable = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'CONNECT', 'upgrade']

/** The input that these random numbers give. */
export function generate(random: Random): Input {
  const isResponse = random.oneIn(3)
  const make = isResponse ? response : random.oneIn(6) ? familiar : request
  let text = make(random)
  let count = random.oneIn(3) ? 1 + random.below(2) : 0
  const asked = isResponse ? [random.pick(askable)] : undefined
  while (count-- > 0) {
    text += make(random)
    asked?.push(random.pick(askable))
  }
  if (random.below(5) < 2) return { text, asked }
  return { text: mutate(random, text, make), asked }
}
