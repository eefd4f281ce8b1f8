/**
 * Raw requests and responses, each with its RFC section and the one outcome: accepted with exactly these events, or refused with this code
 * and status. Each runs whole, byte by byte, and in two at every place.
 */
import { describe, expect, it } from 'vitest'
import { asClient, asServer, cuts } from './run.ts'
import type { Seen } from './run.ts'

type Case = readonly [name: string, section: string, input: string, expected: readonly Seen[]]

const ok = (text: string, ...body: readonly Seen[]): Seen[] => [['request', text], ...body, ['end']]
const bad = (code: string, status = 400): Seen[] => [['error', `ERR_HTTP_${code}`, status]]
const badBody = (code: string, status = 400, ...data: readonly Seen[]): Seen[] => [['request', 'POST / 1.1|host=h|transfer-encoding=chunked'], ...data, ['error', `ERR_HTTP_${code}`, status]]
const post = (headers: string, body = ''): string => `POST / HTTP/1.1\r\nHost: h\r\n${headers}\r\n${body}`
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body)

const requests: readonly Case[] = [
  // Lines
  ['a bare LF ends the request line', 'RFC 9112 §2.2', 'GET / HTTP/1.1\nHost: h\r\n\r\n', bad('BAD_LINE_ENDING')],
  ['a bare LF ends a field line', 'RFC 9112 §2.2', 'GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n', bad('BAD_LINE_ENDING')],
  ['a bare LF ends the head', 'RFC 9112 §2.2', 'GET / HTTP/1.1\r\nHost: h\r\n\n', bad('BAD_LINE_ENDING')],
  ['LF LF ends the head', 'RFC 9112 §2.2', 'GET / HTTP/1.1\r\nHost: h\n\n', bad('BAD_LINE_ENDING')],
  ['a bare CR in the request line', 'RFC 9112 §2.2', 'GET /\r HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a bare CR in a value', 'RFC 9112 §2.2', 'GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n', bad('BAD_HEADER')],
  ['a bare CR in a name', 'RFC 9112 §2.2', 'GET / HTTP/1.1\r\nHost: h\r\nX\ry: a\r\n\r\n', bad('BAD_HEADER')],
  ['CR CR LF after a value', 'RFC 9112 §2.2', 'GET / HTTP/1.1\r\nHost: h\r\r\n\r\n', bad('BAD_HEADER')],
  ['CR CR LF at the end of the head', 'RFC 9112 §2.2', 'GET / HTTP/1.1\r\nHost: h\r\n\r\r\n', bad('BAD_HEADER')],
  ['one empty line before a request', 'RFC 9112 §2.2', '\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n', ok('GET / 1.1|host=h')],
  ['two empty lines before a request', 'RFC 9112 §2.2', '\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a bare LF before a request', 'RFC 9112 §2.2', '\nGET / HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['white space before the first field', 'RFC 9112 §2.2', 'GET / HTTP/1.1\r\n Host: h\r\n\r\n', bad('BAD_HEADER')],
  // Request line
  ['two spaces after the method', 'RFC 9112 §3', 'GET  / HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['two spaces before the version', 'RFC 9112 §3', 'GET /  HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a space in the target', 'RFC 9112 §3.2', 'GET /a b HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a tab for a space', 'RFC 9112 §3', 'GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a space before the method', 'RFC 9112 §3', ' GET / HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a space after the version', 'RFC 9112 §3', 'GET / HTTP/1.1 \r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['no version (HTTP/0.9)', 'RFC 9112 §3', 'GET /\r\n', bad('BAD_REQUEST_LINE')],
  ['no target', 'RFC 9112 §3', 'GET HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a method that is no token', 'RFC 9110 §9.1', 'G(T / HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a method of another case is another method', 'RFC 9110 §9.1', 'get / HTTP/1.1\r\nHost: h\r\n\r\n', ok('get / 1.1|host=h')],
  ['a control character in the target', 'RFC 9112 §3.2', 'GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a NUL in the target', 'RFC 9112 §3.2', 'GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a byte above ASCII in the target', 'RFC 9112 §3.2', 'GET /\xe4 HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a fragment in the target', 'RFC 9112 §3.2', 'GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a target without a slash', 'RFC 9112 §3.2.1', 'GET index.html HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['absolute-form', 'RFC 9112 §3.2.2', 'GET http://a.test:80/x?y HTTP/1.1\r\nHost: a.test:80\r\n\r\n', ok('GET http://a.test:80/x?y 1.1|host=a.test:80')],
  ['absolute-form with user information', 'RFC 9110 §4.2.4', 'GET http://u@a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['absolute-form with an empty authority', 'RFC 9110 §4.2.1', 'GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['OPTIONS *', 'RFC 9112 §3.2.4', 'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n', ok('OPTIONS * 1.1|host=h')],
  ['GET *', 'RFC 9112 §3.2.4', 'GET * HTTP/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a lower-case version', 'RFC 9112 §2.3', 'GET / http/1.1\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['HTTP/2.0', 'RFC 9110 §2.5', 'GET / HTTP/2.0\r\nHost: h\r\n\r\n', bad('UNSUPPORTED_VERSION', 505)],
  ['the preface of HTTP/2', 'RFC 9113 §3.4', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', bad('UNSUPPORTED_VERSION', 505)],
  ['HTTP/1.2', 'RFC 9110 §2.5', 'GET / HTTP/1.2\r\nHost: h\r\n\r\n', bad('UNSUPPORTED_VERSION', 505)],
  ['HTTP/1.10', 'RFC 9112 §2.3', 'GET / HTTP/1.10\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['HTTP/1.', 'RFC 9112 §2.3', 'GET / HTTP/1.\r\nHost: h\r\n\r\n', bad('BAD_REQUEST_LINE')],
  ['a TLS hello', 'RFC 9112 §3', '\x16\x03\x01\x02\0', bad('BAD_REQUEST_LINE')],
  // Fields
  ['a space before the colon', 'RFC 9112 §5.1', post('Content-Length : 3\r\n', 'abc'), bad('BAD_HEADER')],
  ['a tab before the colon', 'RFC 9112 §5.1', post('Content-Length\t: 3\r\n', 'abc'), bad('BAD_HEADER')],
  ['a folded value', 'RFC 9112 §5.2', post('X: a\r\n b\r\n'), bad('BAD_HEADER')],
  ['a value folded with a tab', 'RFC 9112 §5.2', post('X: a\r\n\tb\r\n'), bad('BAD_HEADER')],
  ['a fold that hides a length', 'RFC 9112 §5.2', post('X:\r\n Content-Length: 3\r\n', 'abc'), bad('BAD_HEADER')],
  ['no colon', 'RFC 9112 §5', post('Nonsense\r\n'), bad('BAD_HEADER')],
  ['an empty name', 'RFC 9112 §5', post(': x\r\n'), bad('BAD_HEADER')],
  ['a space in a name', 'RFC 9110 §5.1', post('Content Length: 3\r\n', 'abc'), bad('BAD_HEADER')],
  ['a parenthesis in a name', 'RFC 9110 §5.1', post('X(: 3\r\n'), bad('BAD_HEADER')],
  ['a byte above ASCII in a name', 'RFC 9110 §5.1', post('Transfer-Encodin\xe7: chunked\r\n'), bad('BAD_HEADER')],
  ['a NUL in a value', 'RFC 9110 §5.5', post('X: a\0b\r\n'), bad('BAD_HEADER')],
  ['a DEL in a value', 'RFC 9110 §5.5', post('X: a\x7fb\r\n'), bad('BAD_HEADER')],
  ['a vertical tab before a value', 'RFC 9110 §5.5', post('Transfer-Encoding:\x0bchunked\r\n'), bad('BAD_HEADER')],
  ['an empty value', 'RFC 9110 §5.5', 'GET / HTTP/1.1\r\nHost: h\r\nX:\r\n\r\n', ok('GET / 1.1|host=h|x=')],
  ['white space around a value', 'RFC 9112 §5', 'GET / HTTP/1.1\r\nHost:\t h \t\r\nX:  a b  \r\n\r\n', ok('GET / 1.1|host=h|x=a b')],
  ['obs-text in a value', 'RFC 9110 §5.5', 'GET / HTTP/1.1\r\nHost: h\r\nX: \xe4\xff\r\n\r\n', ok('GET / 1.1|host=h|x=\xe4\xff')],
  ['a name of an object\'s prototype', 'RFC 9110 §5.1', 'GET / HTTP/1.1\r\nHost: h\r\n__proto__: x\r\nconstructor: y\r\n\r\n', ok('GET / 1.1|host=h|__proto__=x|constructor=y')],
  // Host
  ['no Host', 'RFC 9112 §3.2', 'GET / HTTP/1.1\r\n\r\n', bad('BAD_HOST')],
  ['no Host in 1.0', 'RFC 9112 §3.2', 'GET / HTTP/1.0\r\n\r\n', ok('GET / 1.0')],
  ['two Hosts', 'RFC 9112 §3.2', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', bad('BAD_HOST')],
  ['two equal Hosts', 'RFC 9112 §3.2', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n', bad('BAD_HOST')],
  ['two Hosts in 1.0', 'RFC 9112 §3.2', 'GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n', bad('BAD_HOST')],
  ['an empty Host', 'RFC 9110 §4.2.1', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', bad('BAD_HOST')],
  ['a list of Hosts', 'RFC 9110 §7.2', 'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n', bad('BAD_HOST')],
  ['a Host with user information', 'RFC 9110 §7.2', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', bad('BAD_HOST')],
  ['a Host with a path', 'RFC 9110 §7.2', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', bad('BAD_HOST')],
  ['a Host with a space', 'RFC 9110 §7.2', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', bad('BAD_HOST')],
  ['a Host with a port that is none', 'RFC 9110 §7.2', 'GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n', bad('BAD_HOST')],
  ['an IPv6 Host', 'RFC 9110 §7.2', 'GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', ok('GET / 1.1|host=[::1]:80')],
  // Content-Length
  ['a sign', 'RFC 9110 §8.6', post('Content-Length: +3\r\n', 'abc'), bad('BAD_CONTENT_LENGTH')],
  ['a negative length', 'RFC 9110 §8.6', post('Content-Length: -1\r\n'), bad('BAD_CONTENT_LENGTH')],
  ['a hexadecimal length', 'RFC 9110 §8.6', post('Content-Length: 0x3\r\n', 'abc'), bad('BAD_CONTENT_LENGTH')],
  ['a length with a space in it', 'RFC 9110 §8.6', post('Content-Length: 1 2\r\n'), bad('BAD_CONTENT_LENGTH')],
  ['a fraction', 'RFC 9110 §8.6', post('Content-Length: 3.0\r\n', 'abc'), bad('BAD_CONTENT_LENGTH')],
  ['an exponent', 'RFC 9110 §8.6', post('Content-Length: 3e0\r\n', 'abc'), bad('BAD_CONTENT_LENGTH')],
  ['an empty length', 'RFC 9110 §8.6', post('Content-Length:\r\n'), bad('BAD_CONTENT_LENGTH')],
  ['digits that are not ASCII', 'RFC 9110 §8.6', post('Content-Length: \xb3\r\n', 'abc'), bad('BAD_CONTENT_LENGTH')],
  ['two lengths that differ', 'RFC 9112 §6.3', post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abc'), bad('BAD_CONTENT_LENGTH')],
  ['two lengths that differ in a zero', 'RFC 9112 §6.3', post('Content-Length: 3\r\nContent-Length: 03\r\n', 'abc'), bad('BAD_CONTENT_LENGTH')],
  ['a list of lengths', 'RFC 9112 §6.3', post('Content-Length: 3, 3\r\n', 'abc'), bad('BAD_CONTENT_LENGTH')],
  ['the same length twice', 'RFC 9112 §6.3', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'), ok('POST / 1.1|host=h|content-length=3|content-length=3', ['data', 'abc'])],
  ['a length beyond counting', 'RFC 9110 §8.6', post('Content-Length: 99999999999999999999\r\n'), bad('BODY_TOO_LARGE', 413)],
  ['a length', 'RFC 9112 §6.2', post('Content-Length: 3\r\n', 'abc'), ok('POST / 1.1|host=h|content-length=3', ['data', 'abc'])],
  ['no length is no body', 'RFC 9112 §6.3', post(''), ok('POST / 1.1|host=h')],
  ['a body on GET is framed like any', 'RFC 9110 §9.3.1', 'GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nxGET /2 HTTP/1.1\r\nHost: h\r\n\r\n', [...ok('GET / 1.1|host=h|content-length=1', ['data', 'x']), ...ok('GET /2 1.1|host=h')]],
  // Transfer-Encoding
  ['CL.TE', 'RFC 9112 §6.3', post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), bad('BAD_TRANSFER_ENCODING')],
  ['TE.CL', 'RFC 9112 §6.3', post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', '0\r\n\r\n'), bad('BAD_TRANSFER_ENCODING')],
  ['TE in 1.0', 'RFC 9112 §6.1', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', bad('BAD_TRANSFER_ENCODING')],
  ['TE.TE: chunked twice in a list', 'RFC 9112 §6.1', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'), bad('BAD_TRANSFER_ENCODING')],
  ['TE.TE: chunked twice in two lines', 'RFC 9112 §6.1', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), bad('BAD_TRANSFER_ENCODING')],
  ['TE.TE: another value in a second line', 'RFC 9112 §6.1', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n', '0\r\n\r\n'), bad('UNSUPPORTED_TRANSFER_ENCODING', 501)],
  ['TE: identity', 'RFC 9112 §6.1', post('Transfer-Encoding: identity\r\n'), bad('UNSUPPORTED_TRANSFER_ENCODING', 501)],
  ['TE: gzip, chunked', 'RFC 9112 §6.1', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), bad('UNSUPPORTED_TRANSFER_ENCODING', 501)],
  ['TE: xchunked', 'RFC 9112 §6.1', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), bad('UNSUPPORTED_TRANSFER_ENCODING', 501)],
  ['TE: "chunked"', 'RFC 9112 §6.1', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'), bad('UNSUPPORTED_TRANSFER_ENCODING', 501)],
  ['TE: chunked;q=1', 'RFC 9112 §6.1', post('Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n'), bad('UNSUPPORTED_TRANSFER_ENCODING', 501)],
  ['TE: ,chunked', 'RFC 9112 §6.1', post('Transfer-Encoding: ,chunked\r\n', '0\r\n\r\n'), bad('BAD_TRANSFER_ENCODING')],
  ['an empty TE', 'RFC 9112 §6.1', post('Transfer-Encoding:\r\n'), bad('BAD_TRANSFER_ENCODING')],
  ['TE: CHUNKED', 'RFC 9112 §7', post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n'), ok('POST / 1.1|host=h|transfer-encoding=CHUNKED')],
  // HTTP chunks
  ['two HTTP chunks', 'RFC 9112 §7.1', chunked('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'), ok('POST / 1.1|host=h|transfer-encoding=chunked', ['data', 'abcde'])],
  ['sizes of either case and with zeros', 'RFC 9112 §7.1', chunked('00a\r\n0123456789\r\nB\r\n0123456789a\r\n000\r\n\r\n'), ok('POST / 1.1|host=h|transfer-encoding=chunked', ['data', '01234567890123456789a'])],
  ['a size of 0x', 'RFC 9112 §7.1', chunked('0x3\r\nabc\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a size with a sign', 'RFC 9112 §7.1', chunked('+3\r\nabc\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a negative size', 'RFC 9112 §7.1', chunked('-1\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['an empty size', 'RFC 9112 §7.1', chunked('\r\nabc\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['an empty size with an extension', 'RFC 9112 §7.1', chunked(';a\r\n\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a space before a size', 'RFC 9112 §7.1', chunked(' 3\r\nabc\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a space after a size', 'RFC 9112 §7.1.1', chunked('3 \r\nabc\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a size of 17 digits', 'RFC 9112 §7.1', chunked('00000000000000003\r\nabc\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a size that wraps in 64 bits', 'RFC 9112 §7.1', chunked('fffffffffffffffe\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a size with an underscore', 'RFC 9112 §7.1', chunked('1_0\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a bare LF after a size', 'RFC 9112 §7.1', chunked('3\nabc\r\n0\r\n\r\n'), badBody('BAD_LINE_ENDING')],
  ['a bare CR after a size', 'RFC 9112 §7.1', chunked('3\rabc\r\n0\r\n\r\n'), badBody('BAD_CHUNK_SIZE')],
  ['a bare LF after a chunk', 'RFC 9112 §7.1', chunked('3\r\nabc\n0\r\n\r\n'), badBody('BAD_LINE_ENDING', 400, ['data', 'abc'])],
  ['a chunk that is longer than its size', 'RFC 9112 §7.1', chunked('3\r\nabcd\r\n0\r\n\r\n'), badBody('BAD_CHUNK_END', 400, ['data', 'abc'])],
  ['an extension', 'RFC 9112 §7.1.1', chunked('3;a=b;c="d;\\"e"\r\nabc\r\n0;f\r\n\r\n'), ok('POST / 1.1|host=h|transfer-encoding=chunked', ['data', 'abc'])],
  ['a bare LF in an extension', 'RFC 9112 §7.1.1', chunked('3;a\nabc\r\n0\r\n\r\n'), badBody('BAD_LINE_ENDING')],
  ['a bare CR in an extension', 'RFC 9112 §7.1.1', chunked('3;a\rb\r\nabc\r\n'), badBody('BAD_CHUNK_EXTENSION')],
  ['an extension without a name', 'RFC 9112 §7.1.1', chunked('3;\r\nabc\r\n'), badBody('BAD_CHUNK_EXTENSION')],
  ['white space in an extension', 'RFC 9112 §7.1.1', chunked('3; a\r\nabc\r\n'), badBody('BAD_CHUNK_EXTENSION')],
  ['an open quote in an extension', 'RFC 9112 §7.1.1', chunked('3;a="b\r\nabc\r\n'), badBody('BAD_CHUNK_EXTENSION')],
  ['a trailer', 'RFC 9112 §7.1.2', chunked('0\r\nX-Sum: 1\r\n\r\n'), ok('POST / 1.1|host=h|transfer-encoding=chunked')],
  ['a trailer that is a length', 'RFC 9110 §6.5.1', chunked('0\r\nContent-Length: 3\r\n\r\n'), badBody('BAD_TRAILER')],
  ['a trailer that is a coding', 'RFC 9110 §6.5.1', chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'), badBody('BAD_TRAILER')],
  ['a trailer that is a Host', 'RFC 9110 §6.5.1', chunked('0\r\nHost: x\r\n\r\n'), badBody('BAD_TRAILER')],
  ['a folded trailer', 'RFC 9112 §7.1.2', chunked('0\r\nA: b\r\n c\r\n\r\n'), badBody('BAD_TRAILER')],
  ['a bare LF after the trailers', 'RFC 9112 §7.1', chunked('0\r\n\n'), badBody('BAD_LINE_ENDING')],
  ['a second request after the last chunk', 'RFC 9112 §9.3', chunked('0\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n'), [...ok('POST / 1.1|host=h|transfer-encoding=chunked'), ...ok('GET /2 1.1|host=h')]],
  // Persistence, expectations
  ['nothing is read after close', 'RFC 9112 §9.6', 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n', ok('GET / 1.1|host=h|connection=close')],
  ['nothing is read after a 1.0 request', 'RFC 9112 §9.3', 'GET / HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n', ok('GET / 1.0')],
  ['1.0 with keep-alive', 'RFC 9112 §9.3', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n', [...ok('GET / 1.0|connection=keep-alive'), ...ok('GET /2 1.0')]],
  ['a connection option that is no token', 'RFC 9110 §7.6.1', 'GET / HTTP/1.1\r\nHost: h\r\nConnection: a b\r\n\r\n', bad('BAD_HEADER')],
  ['another expectation', 'RFC 9110 §10.1.1', post('Expect: 200-ok\r\n'), bad('UNSUPPORTED_EXPECTATION', 417)],
  ['a bad request after a good one', 'RFC 9112 §9.3.2', 'GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /\n', [...ok('GET / 1.1|host=h'), ['error', 'ERR_HTTP_BAD_LINE_ENDING', 400]]],
]

const responses: readonly Case[] = [
  ['a response', 'RFC 9112 §4', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', [['response', '1.1 200 OK|content-length=2'], ['data', 'hi'], ['end']]],
  ['no reason phrase', 'RFC 9112 §4', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', [['response', '1.1 200 |content-length=0'], ['end']]],
  ['no space after the status', 'RFC 9112 §4', 'HTTP/1.1 200\r\n\r\n', bad('BAD_STATUS_LINE')],
  ['a status of two digits', 'RFC 9112 §4', 'HTTP/1.1 20 OK\r\n\r\n', bad('BAD_STATUS_LINE')],
  ['a status of four digits', 'RFC 9112 §4', 'HTTP/1.1 2000 OK\r\n\r\n', bad('BAD_STATUS_LINE')],
  ['a status of 0', 'RFC 9110 §15', 'HTTP/1.1 000 OK\r\n\r\n', bad('BAD_STATUS_LINE')],
  ['two spaces', 'RFC 9112 §4', 'HTTP/1.1  200 OK\r\n\r\n', bad('BAD_STATUS_LINE')],
  ['a control character in the phrase', 'RFC 9112 §4', 'HTTP/1.1 200 O\x01K\r\n\r\n', bad('BAD_STATUS_LINE')],
  ['another protocol', 'RFC 9112 §2.3', 'ICY 200 OK\r\n\r\n', bad('BAD_STATUS_LINE')],
  ['HTTP/2.0', 'RFC 9110 §2.5', 'HTTP/2.0 200 OK\r\n\r\n', bad('UNSUPPORTED_VERSION', 505)],
  ['an empty line before a response', 'RFC 9112 §2.2', '\r\nHTTP/1.1 200 OK\r\n\r\n', bad('BAD_STATUS_LINE')],
  ['a bare LF', 'RFC 9112 §2.2', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n', bad('BAD_LINE_ENDING')],
  ['CL beside TE', 'RFC 9112 §6.3', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', bad('BAD_TRANSFER_ENCODING')],
  ['TE in 1.0', 'RFC 9112 §6.1', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', bad('BAD_TRANSFER_ENCODING')],
  ['TE: gzip', 'RFC 9112 §6.3', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n', bad('UNSUPPORTED_TRANSFER_ENCODING', 501)],
  ['two lengths that differ', 'RFC 9112 §6.3', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n', bad('BAD_CONTENT_LENGTH')],
  ['a chunked response', 'RFC 9112 §7.1', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n', [['response', '1.1 200 OK|transfer-encoding=chunked'], ['data', 'hi'], ['end']]],
  ['204 has no body, whatever it says', 'RFC 9110 §15.3.5', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n', [['response', '1.1 204 No Content|content-length=2'], ['end']]],
  ['304 has no body', 'RFC 9110 §15.4.5', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n', [['response', '1.1 304 Not Modified|content-length=2'], ['end']]],
  ['a 1xx precedes the response', 'RFC 9110 §15.2', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n', [['informational', '1.1 103 Early Hints|link=x'], ['response', '1.1 204 No Content'], ['end']]],
  ['a 101 that was not asked for', 'RFC 9110 §15.2.2', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', bad('UNEXPECTED_RESPONSE')],
  ['bytes behind the response', 'RFC 9112 §9.3', 'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', [['response', '1.1 204 No Content'], ['end'], ['error', 'ERR_HTTP_UNEXPECTED_RESPONSE', 400]]],
  ['bytes behind the last response are dropped', 'RFC 9112 §9.6', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi there', [['response', '1.1 200 OK|connection=close|content-length=2'], ['data', 'hi'], ['end']]],
]

describe('requests', () => {
  it.each(requests)('%s (%s)', (_name, _section, input, expected) => {
    for (const pieces of cuts(input)) expect(asServer(pieces), JSON.stringify(pieces)).toEqual(expected)
  })
})

describe('responses', () => {
  it.each(responses)('%s (%s)', (_name, _section, input, expected) => {
    for (const pieces of cuts(input)) expect(asClient(pieces), JSON.stringify(pieces)).toEqual(expected)
  })

  it('HEAD has no body, whatever the response says (RFC 9110 §9.3.2)', () => {
    const input = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
    for (const pieces of cuts(input)) expect(asClient(pieces, { methods: ['HEAD'] })).toEqual([['response', '1.1 200 OK|content-length=5'], ['end']])
  })

  it('a body without a length ends with the connection (RFC 9112 §6.3)', () => {
    const input = 'HTTP/1.1 200 OK\r\n\r\nto the end'
    for (const pieces of cuts(input)) expect(asClient(pieces, { eof: true })).toEqual([['response', '1.1 200 OK'], ['data', 'to the end'], ['end'], ['closed']])
  })
})

describe('ends', () => {
  const whole = chunked('3\r\nabc\r\n0\r\nX: y\r\n\r\n')

  it('an end at any place inside a request is truncation, and never a request\'s end (RFC 9112 §8)', () => {
    for (let at = 1; at < whole.length; at++) {
      const seen = asServer([whole.slice(0, at)], { eof: true })
      expect(seen.at(-1), `${at}`).toEqual(['error', 'ERR_HTTP_TRUNCATED', 400])
      expect(seen).not.toContainEqual(['end'])
    }
  })

  it('an end between requests is no error', () => {
    expect(asServer([], { eof: true })).toEqual([['closed']])
    expect(asServer([whole], { eof: true }).at(-1)).toEqual(['closed'])
  })

  it('an end at any place inside a response is truncation (RFC 9112 §8)', () => {
    for (const response of ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n']) {
      for (let at = 1; at < response.length; at++) expect(asClient([response.slice(0, at)], { eof: true }).at(-1)).toEqual(['error', 'ERR_HTTP_TRUNCATED', 400])
    }
  })
})
