import { describe, expect, it } from 'vitest'
import { isAsyncError } from '../errors.ts'
import { StackSyntaxError, type StackDescription } from './description.ts'
import { formatStack } from './format.ts'
import { parseStack } from './parse.ts'

type Layer = string | readonly [scheme: string, params: Record<string, string>]

/** Text, layers top first, transport without its scheme and params, params of the transport, canonical form where it differs. */
const valid: readonly (readonly [string, readonly Layer[], Record<string, unknown> & { scheme: string }, Record<string, string>?, string?])[] = [
  ['jsonrpc+http+tls+tcp://example.test:8443/rpc', ['jsonrpc', ['http', { path: '/rpc' }], 'tls'], { scheme: 'tcp', host: 'example.test', port: 8443 }],
  ['jsonrpc+line+unix:/run/app.sock', ['jsonrpc', 'line'], { scheme: 'unix', path: '/run/app.sock' }],
  ['line+serial:/dev/ttyUSB0?baudRate=115200', ['line'], { scheme: 'serial', path: '/dev/ttyUSB0' }, { baudRate: '115200' }],
  ['jsonrpc+lsp+exec:typescript-language-server --stdio', ['jsonrpc', 'lsp'], { scheme: 'exec', words: ['typescript-language-server', '--stdio'] }],
  ['http://example.test', ['http'], { scheme: 'tcp', host: 'example.test', port: 80 }, {}, 'http+tcp://example.test:80'],
  ['https://example.test/a?b', [['http', { path: '/a?b' }], 'tls'], { scheme: 'tcp', host: 'example.test', port: 443 }, {},
    'http+tls+tcp://example.test:443/a?b'],
  ['ws://example.test/feed', [['ws', { path: '/feed' }]], { scheme: 'tcp', host: 'example.test', port: 80 }, {}, 'ws+tcp://example.test:80/feed'],
  ['wss://example.test/feed', [['ws', { path: '/feed' }], 'tls'], { scheme: 'tcp', host: 'example.test', port: 443 }, {},
    'ws+tls+tcp://example.test:443/feed'],
  ['jsonrpc+https://h:1/rpc', ['jsonrpc', ['http', { path: '/rpc' }], 'tls'], { scheme: 'tcp', host: 'h', port: 1 }, {}, 'jsonrpc+http+tls+tcp://h:1/rpc'],
  ['http+tcp://127.0.0.1:8080', ['http'], { scheme: 'tcp', host: '127.0.0.1', port: 8080 }],
  ['http+tcp://h', ['http'], { scheme: 'tcp', host: 'h', port: 80 }, {}, 'http+tcp://h:80'],
  ['http+tls+tcp://h', ['http', 'tls'], { scheme: 'tcp', host: 'h', port: 443 }, {}, 'http+tls+tcp://h:443'],
  ['tls+http+tcp://h', ['tls', 'http'], { scheme: 'tcp', host: 'h', port: 80 }, {}, 'tls+http+tcp://h:80'],
  ['jsonrpc+http+tcp://127.0.0.1:8080/rpc', ['jsonrpc', ['http', { path: '/rpc' }]], { scheme: 'tcp', host: '127.0.0.1', port: 8080 }],
  ['jsonrpc+http;path=/rpc+unix:/run/app.sock', ['jsonrpc', ['http', { path: '/rpc' }]], { scheme: 'unix', path: '/run/app.sock' }],
  ['jsonrpc+http;path=/rpc+tcp://h:1', ['jsonrpc', ['http', { path: '/rpc' }]], { scheme: 'tcp', host: 'h', port: 1 }, {}, 'jsonrpc+http+tcp://h:1/rpc'],
  ['http;path=a%20b+tcp://h:1', [['http', { path: 'a b' }]], { scheme: 'tcp', host: 'h', port: 1 }],
  ['jsonrpc+line;maxBytes=65536+tcp;noDelay=false://[::1]:4000', ['jsonrpc', ['line', { maxBytes: '65536' }]],
    { scheme: 'tcp', host: '::1', port: 4000 }, { noDelay: 'false' }],
  ['line+tcp://:4000', ['line'], { scheme: 'tcp', port: 4000 }],
  ['tcp://h:0', [], { scheme: 'tcp', host: 'h', port: 0 }],
  ['tcp://[fe80::1%25eth0]:65535', [], { scheme: 'tcp', host: 'fe80::1%eth0', port: 65535 }],
  ['tcp://[::ffff:127.0.0.1]:1', [], { scheme: 'tcp', host: '::ffff:127.0.0.1', port: 1 }],
  ['serial:COM3', [], { scheme: 'serial', path: 'COM3' }],
  ['serial:\\\\.\\COM12', [], { scheme: 'serial', path: '\\\\.\\COM12' }],
  ['line+pipe:\\\\.\\pipe\\x', ['line'], { scheme: 'pipe', path: '\\\\.\\pipe\\x' }],
  ['pipe:%5C%5C%3F%5Cpipe%5Cx', [], { scheme: 'pipe', path: '\\\\?\\pipe\\x' }, {}, 'pipe:\\\\%3F\\pipe\\x'],
  ['unix:C:\\run\\app.sock', [], { scheme: 'unix', path: 'C:\\run\\app.sock' }],
  ['unix:///run/app.sock', [], { scheme: 'unix', path: '/run/app.sock' }, {}, 'unix:/run/app.sock'],
  ['unix:////run', [], { scheme: 'unix', path: '//run' }],
  ['unix:/a%20b%2fc%C3%A9', [], { scheme: 'unix', path: '/a b/cé' }, {}, 'unix:/a%20b/c%C3%A9'],
  ['unix:/é', [], { scheme: 'unix', path: '/é' }, {}, 'unix:/%C3%A9'],
  ['serial;baudRate=9600:COM3', [], { scheme: 'serial', path: 'COM3' }, { baudRate: '9600' }, 'serial:COM3?baudRate=9600'],
  ['serial:COM3?a=1%262&b=&c=x+y', [], { scheme: 'serial', path: 'COM3' }, { a: '1&2', b: '', c: 'x+y' }],
  ['jsonrpc+lsp+stdio:', ['jsonrpc', 'lsp'], { scheme: 'stdio' }],
  ['x-1:', [], { scheme: 'x-1' }],
  ['quic://h:1/p?q=1', [], { scheme: 'quic', host: 'h', port: 1, path: '/p' }, { q: '1' }],
  ['quic://:1', [], { scheme: 'quic', port: 1 }],
  ['http+quic://h/p', ['http'], { scheme: 'quic', host: 'h', path: '/p' }],
  ['http://h?x=1', [['http', { path: '/?x=1' }]], { scheme: 'tcp', host: 'h', port: 80 }, {}, 'http+tcp://h:80/?x=1'],
  ['http://h/a%2Fb', [['http', { path: '/a%2Fb' }]], { scheme: 'tcp', host: 'h', port: 80 }, {}, 'http+tcp://h:80/a%2Fb'],
  ['http;path=/a%252Fb+unix:/s', [['http', { path: '/a%2Fb' }]], { scheme: 'unix', path: '/s' }],
  ['https;x=1://h/p', [['http', { x: '1', path: '/p' }], 'tls'], { scheme: 'tcp', host: 'h', port: 443 }, {}, 'http;x=1+tls+tcp://h:443/p'],
  ['ws+http+tcp://h/p', ['ws', ['http', { path: '/p' }]], { scheme: 'tcp', host: 'h', port: 80 }, {}, 'ws+http+tcp://h:80/p'],
  ['chunk;delimiter=%0D%0A%00%3A%2B%3B+tcp://h:1', [['chunk', { delimiter: '\r\n\0:+;' }]], { scheme: 'tcp', host: 'h', port: 1 }],
  ['a;__proto__=x;constructor=y+tcp;__proto__=z://h:1', [['a', JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>]],
    { scheme: 'tcp', host: 'h', port: 1 }, JSON.parse('{"__proto__":"z"}') as Record<string, string>],
  ['exec:node "my server.js"  --name=\'\' %22 C:\\x ', [], { scheme: 'exec', words: ['node', 'my server.js', '--name=', '"', 'C:\\x'] }, {},
    'exec:node my%20server.js --name= %22 C:\\x'],
  ['exec:a "" b"c d"\'e\'', [], { scheme: 'exec', words: ['a', '', 'bc de'] }, {}, 'exec:a "" bc%20de'],
  ['exec;cwd=/x%3Ay:a $HOME | b > c', [], { scheme: 'exec', words: ['a', '$HOME', '|', 'b', '>', 'c'] }, { cwd: '/x:y' }],
]

const invalid: readonly (readonly [text: string, offset: number, expected: string])[] = [
  ['', 0, 'a scheme (a-z, then a-z, 0-9 or "-")'],
  ['COM3', 0, 'a scheme (a-z, then a-z, 0-9 or "-")'],
  ['HTTP://h', 0, 'a scheme (a-z, then a-z, 0-9 or "-")'],
  ['1a:', 0, 'a scheme (a-z, then a-z, 0-9 or "-")'],
  ['__proto__://h', 0, 'a scheme (a-z, then a-z, 0-9 or "-")'],
  ['a++tcp://h:1', 2, 'a scheme (a-z, then a-z, 0-9 or "-")'],
  ['a+:x', 2, 'a scheme (a-z, then a-z, 0-9 or "-")'],
  ['tcp', 3, '"+", ";" or ":"'],
  ['aB:', 1, '"+", ";" or ":"'],
  ['a /b:', 1, 'no space (write %20)'],
  ['tcp:h:1', 4, '"//" and a host'],
  ['http:/x', 5, '"//" and a host'],
  ['tcp://h', 7, 'a port (":" and 0 to 65535)'],
  ['tls+tcp://h', 11, 'a port (":" and 0 to 65535)'],
  ['tcp://h:', 8, 'a port (0 to 65535)'],
  ['tcp://h:65536', 8, 'a port (0 to 65535)'],
  ['tcp://h:123456', 8, 'a port (0 to 65535)'],
  ['tcp://h:-1', 8, 'a port (0 to 65535)'],
  ['tcp://h:1x', 9, 'a host (ASCII, or an IPv6 address in brackets), ":", "/", "?" or the end'],
  ['tcp://::1:80', 7, 'a port (0 to 65535)'],
  ['tcp://é:1', 6, 'a host (ASCII, or an IPv6 address in brackets), ":", "/", "?" or the end'],
  ['tcp://h%2e:1', 7, 'a host (ASCII, or an IPv6 address in brackets), ":", "/", "?" or the end'],
  ['tcp://u:p@h:1', 8, 'a port (0 to 65535)'],
  ['tcp://u@h:1', 7, 'no user name or password'],
  ['tcp://[::1:80', 6, 'an IPv6 address in brackets'],
  ['tcp://[1::2::3]:80', 6, 'an IPv6 address in brackets'],
  ['tcp://[1:2:3:4:5:6:7]:80', 6, 'an IPv6 address in brackets'],
  ['tcp://[1:2:3:4:5:6:7:8:9]:80', 6, 'an IPv6 address in brackets'],
  ['tcp://[::12345]:80', 6, 'an IPv6 address in brackets'],
  ['tcp://[::256.0.0.1]:80', 6, 'an IPv6 address in brackets'],
  ['tcp://[127.0.0.1]:80', 6, 'an IPv6 address in brackets'],
  ['tcp://[fe80::1%eth0]:80', 6, 'an IPv6 address in brackets'],
  ['tcp://h:1/x', 9, 'the end: neither http nor ws is here to take a path'],
  ['line+tcp://h:1?a=b', 14, 'the end: neither http nor ws is here to take a path'],
  ['http;path=/a+tcp://h/b', 20, 'the end: http;path= is given already'],
  ['http://h/#a', 9, 'a target in ASCII with valid escapes'],
  ['http://h/a b', 10, 'a target in ASCII with valid escapes'],
  ['http://h/a%2', 10, 'a target in ASCII with valid escapes'],
  ['http://h/é', 9, 'a target in ASCII with valid escapes'],
  ['http://h\\x', 8, 'a host (ASCII, or an IPv6 address in brackets), ":", "/", "?" or the end'],
  ['unix:', 5, 'a path, as in unix:/run/app.sock'],
  ['unix://run/x', 5, 'a path, as in unix:/run/app.sock'],
  ['pipe://./pipe/x', 5, 'a path, as in pipe:\\\\.\\pipe\\name'],
  ['serial:', 7, 'a path, as in serial:/dev/ttyUSB0 or serial:COM3'],
  ['unix:/a b', 7, 'no space (write %20)'],
  ['unix:/a#b', 7, 'the end (a "#" or "?" of a name is %23 or %3F)'],
  ['unix:/a%', 7, 'two hexadecimal digits after "%" (a "%" itself is %25)'],
  ['unix:/a%4g', 7, 'two hexadecimal digits after "%" (a "%" itself is %25)'],
  ['unix:/%41%ff', 6, 'escapes that are UTF-8'],
  ['unix:/%ED%A0%80', 6, 'escapes that are UTF-8'],
  ['unix:/%41%00', 6, 'no %00 here'],
  ['unix:/a?', 8, "a parameter's name"],
  ['unix:/a?b', 9, '"="'],
  ['unix:/a?b=1&', 12, "a parameter's name"],
  ['unix:/a?b=1&b=2', 12, 'no second "b"'],
  ['unix;b=1:/a?b=2', 12, 'no second "b"'],
  ['a;=1+tcp://h:1', 2, "a parameter's name"],
  ['a;x+tcp://h:1', 3, '"="'],
  ['a;x=1;x=2+tcp://h:1', 6, 'no second "x"'],
  ['a;__proto__=1;__proto__=2+tcp://h:1', 14, 'no second "__proto__"'],
  ['a;x=%zz+tcp://h:1', 4, 'two hexadecimal digits after "%" (a "%" itself is %25)'],
  ['a;x=1 2+tcp://h:1', 5, 'no space (write %20)'],
  ['unix:/a\n', 7, 'no control character and no lone surrogate'],
  ['unix:/a\u0085', 7, 'no control character and no lone surrogate'],
  ['unix:/\ud800', 6, 'no control character and no lone surrogate'],
  ['exec:', 5, 'a command'],
  ['exec:   ', 8, 'a command'],
  ['exec:"" a', 9, 'a command'],
  ['exec:a "b', 9, 'a closing " for the one at 7'],
  ["exec:a 'b\"", 10, "a closing ' for the one at 7"],
  ['exec:a%00', 6, 'no %00 here'],
  [`unix:/${'a'.repeat(9000)}`, 8192, 'at most 8192 characters'],
]

function description(row: (typeof valid)[number]): unknown {
  const [, layers, { scheme, ...rest }, params = {}] = row
  return {
    layers: layers.map((layer) => (typeof layer === 'string' ? { scheme: layer, params: {} } : { scheme: layer[0], params: layer[1] })),
    transport: { scheme, params, ...rest },
  }
}

/** As data: what JSON sees, own properties only, `__proto__` among them. */
function data(stack: StackDescription): unknown {
  return JSON.parse(JSON.stringify(stack))
}

function caught(text: string, options?: { allowExec?: boolean }): unknown {
  try {
    return parseStack(text, options)
  } catch (error) {
    return error
  }
}

describe('parseStack', () => {
  it.each(valid.map((row) => [row[0], row] as const))('reads %s', (text, row) => {
    expect(data(parseStack(text, { allowExec: true }))).toStrictEqual(data(description(row) as StackDescription))
  })

  it.each(invalid)('refuses %j at %i', (text, offset, expected) => {
    const error = caught(text, { allowExec: true })
    expect(error).toBeInstanceOf(StackSyntaxError)
    expect(error).toMatchObject({ code: 'ERR_STACK_SYNTAX', name: 'UsageError', offset, expected })
    expect(isAsyncError(error, 'ERR_STACK_SYNTAX')).toBe(true)
  })

  it('says what it found', () => {
    expect(caught('tcp:h:1')).toMatchObject({ message: 'stack string: expected "//" and a host at 4, found "h"' })
    expect(caught('tcp://h')).toMatchObject({ message: 'stack string: expected a port (":" and 0 to 65535) at 7, found the end' })
  })

  it('refuses a program unless it is allowed, before it looks at the words', () => {
    expect(caught('jsonrpc+lsp+exec:"')).toMatchObject({ code: 'ERR_STACK_EXEC', name: 'UsageError' })
    expect(caught('exec:a', { allowExec: false })).toMatchObject({ code: 'ERR_STACK_EXEC' })
  })

  it('refuses what is no string', () => {
    expect(caught(undefined as never)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(caught(['tcp://h:1'] as never)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  it('gives parameters without a prototype', () => {
    const { layers, transport } = parseStack('a;__proto__=x+tcp://h:1')
    expect(Object.getPrototypeOf(layers[0]?.params)).toBe(null)
    expect(Object.getPrototypeOf(transport.params)).toBe(null)
    expect(Object.entries(layers[0]?.params ?? {})).toEqual([['__proto__', 'x']])
    expect(transport.params['toString']).toBe(undefined)
  })

  it('shares nothing between two short forms', () => {
    expect(parseStack('https;x=1://h').layers.map(({ params }) => ({ ...params }))).toEqual([{ x: '1' }, {}])
  })
})

describe('formatStack', () => {
  it.each(valid.map((row) => [row[0], row[4] ?? row[0]] as const))('writes %s again', (text, canonical) => {
    expect(formatStack(parseStack(text, { allowExec: true }))).toBe(canonical)
    expect(formatStack(parseStack(canonical, { allowExec: true }))).toBe(canonical)
  })

  it.each<[string, unknown]>([
    ['a scheme that is none', { layers: [], transport: { scheme: 'A', params: {} } }],
    ['a scheme that would be two', { layers: [{ scheme: 'a+b', params: {} }], transport: { scheme: 'x', params: {} } }],
    ['a parameter that is no name', { layers: [], transport: { scheme: 'x', params: { 'a=b': '1' } } }],
    ['a lone surrogate', { layers: [], transport: { scheme: 'x', params: { a: '\ud800' } } }],
    ['NUL in a path', { layers: [], transport: { scheme: 'unix', params: {}, path: '\0a' } }],
    ['NUL in a word', { layers: [], transport: { scheme: 'exec', params: {}, words: ['a\0'] } }],
    ['no command', { layers: [], transport: { scheme: 'exec', params: {}, words: [] } }],
    ['words that are not of exec', { layers: [], transport: { scheme: 'x', params: {}, words: ['a'] } }],
    ['tcp without a port', { layers: [], transport: { scheme: 'tcp', params: {}, host: 'h' } }],
    ['tcp with a path', { layers: [], transport: { scheme: 'tcp', params: {}, port: 1, path: '/x' } }],
    ['a relative path behind a host', { layers: [], transport: { scheme: 'x', params: {}, host: 'h', path: 'x' } }],
    ['a host that is none', { layers: [], transport: { scheme: 'tcp', params: {}, host: 'a/b', port: 1 } }],
    ['what is too long', { layers: [], transport: { scheme: 'unix', params: {}, path: 'a'.repeat(8200) } }],
  ])('refuses %s', (_, stack) => {
    expect(() => formatStack(stack as StackDescription)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
