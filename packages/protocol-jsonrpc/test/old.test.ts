import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { stack } from '@async/core'
import { createService, jsonRpc, JsonRpcError, jsonText } from '@async/protocol-jsonrpc'
import type { Diagnostic } from '@async/protocol-jsonrpc'
import { listenTcp } from '@async/transport-tcp'
import { describe, expect, it } from 'vitest'
import { rejection, wired } from './helpers.ts'
import { needs } from '../../core/test/programs.ts'
import { httpStacks } from './stacks.ts'

const old = { version: '1.0' } as const

const service = () =>
  createService({
    echo: (params) => params[0],
    postMessage: () => 1,
    fail: () => {
      throw new JsonRpcError(7, 'no', 'why')
    },
    nothing: () => {},
  })

describe('JSON-RPC 1.0, the one who serves', () => {
  it.each<[string, string, string | undefined]>([
    // The first two are the specification's examples, §3.
    ['echo', '{ "method": "echo", "params": ["Hello JSON-RPC"], "id": 1}', '{"result":"Hello JSON-RPC","error":null,"id":1}'],
    ['a chat’s request', '{"method": "postMessage", "params": ["Hello all!"], "id": 99}', '{"result":1,"error":null,"id":99}'],
    ['a chat’s notification', '{"method": "postMessage", "params": ["Hello all!"], "id": null}', undefined],
    ['a notification without an id', '{"method": "postMessage", "params": []}', undefined],
    ['an id of any type', '{"method": "echo", "params": [1], "id": {"a": ["b"]}}', '{"result":1,"error":null,"id":{"a":["b"]}}'],
    ['a result that is nothing', '{"method": "nothing", "params": [], "id": 0}', '{"result":null,"error":null,"id":0}'],
    ['an error', '{"method": "fail", "params": [], "id": "x"}', '{"result":null,"error":{"code":7,"message":"no","data":"why"},"id":"x"}'],
    ['no such method', '{"method": "none", "params": [], "id": 2}', '{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":2}'],
  ])('answers %s', async (_name, request, answer) => {
    const { wire } = wired(service(), old)
    wire.send(request, '{"method":"echo","params":["after"],"id":"after"}')
    const after = '{"result":"after","error":null,"id":"after"}'
    await wire.answers(answer === undefined ? 1 : 2)
    expect(wire.received).toEqual(answer === undefined ? [after] : [answer, after])
  })

  it.each<[string, string, string]>([
    ['what is not JSON', '{"method"', '{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}'],
    ['what is no request', '{"foo":"boo"}', '{"result":null,"error":{"code":-32600,"message":"Invalid Request"},"id":null}'],
    ['params by name', '{"method":"echo","params":{"a":1},"id":1}', '{"result":null,"error":{"code":-32600,"message":"Invalid Request"},"id":null}'],
    ['a batch', '[{"method":"echo","params":[1],"id":1}]', '{"result":null,"error":{"code":-32600,"message":"Invalid Request"},"id":null}'],
  ])('says what is wrong with %s, and closes (§2.1)', async (_name, message, answer) => {
    const { wire } = wired(service(), old)
    wire.send(message, '{"method":"echo","params":["after"],"id":1}')
    await wire.until(() => wire.ended)
    expect(wire.received).toEqual([answer])
  })
})

describe('JSON-RPC 1.0, the one who calls', () => {
  it('sends all three members, and takes results, errors of any kind, and what leaves null out', async () => {
    const { wire, peer } = wired(undefined, old)
    const calls = [peer.call('a', [1]), peer.call('b'), peer.call('c', []), peer.call('d'), peer.call('e')]
    peer.notify('n', ['x'])
    await wire.answers(6)
    expect(wire.received.slice(0, 2)).toEqual(['{"method":"a","params":[1],"id":1}', '{"method":"b","params":[],"id":2}'])
    expect(wire.received[5]).toBe('{"method":"n","params":["x"],"id":null}')
    wire.send('{"result":5,"error":null,"id":1}', '{"result":null,"error":"plain text","id":2}', '{"result":null,"error":{"code":7,"message":"no","data":1},"id":3}')
    wire.send('{"result":null,"error":{"reason":"odd"},"id":4}', '{"result":null,"id":5}')
    expect(await calls[0]).toBe(5)
    expect(await rejection(calls[1]!)).toMatchObject({ name: 'JsonRpcError', code: 0, message: 'plain text' })
    expect(await rejection(calls[2]!)).toMatchObject({ code: 7, message: 'no', data: 1 })
    expect(await rejection(calls[3]!)).toMatchObject({ code: 0, data: { reason: 'odd' } })
    expect(await calls[4]).toBe(null)
  })

  it('refuses params by name and batches, and an answer with both a result and an error', async () => {
    const { wire, peer } = wired(undefined, old)
    expect(await rejection(peer.call('a', { b: 1 }))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: 'a: params are an array' })
    expect(await rejection(peer.batch([{ method: 'a' }])[0])).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: 'JSON-RPC 1.0 has no batches' })
    const call = peer.call('a')
    wire.send('{"result":1,"error":"x","id":2}', '{"result":1,"error":"x","id":3}')
    expect(await rejection(call)).toMatchObject({ code: 'ERR_JSONRPC_INVALID_RESPONSE' })
  })

  it('refuses a version that is none', () => {
    expect(() => jsonRpc(undefined, { version: '3.0' as never })).toThrow("version is '2.0' or '1.0', not \"3.0\"")
  })
})

describe('JSON-RPC 1.0 over HTTP (§2.2)', () => {
  it('answers every message of a body', async () => {
    const { open } = httpStacks[0]!
    const place = await open(service(), old)
    const exchange = await place.connect()
    const got: string[] = []
    const ended = new Promise<void>((resolve) => exchange.start({ dataReceived: (data) => got.push(new TextDecoder().decode(data as Uint8Array)), eofReceived: resolve }))
    exchange.write('{"method":"echo","params":[1],"id":1} {"method":"echo","params":[2],"id":null}{"method":"echo","params":[3],"id":3}')
    await ended
    expect(got).toEqual(['{"result":1,"error":null,"id":1}\n{"result":3,"error":null,"id":3}\n'])
    exchange.close()
    await place.close()
  })
})

/** A peer by hand: no newline anywhere, two messages in a write, one in two writes, and a line of noise. */
const python = `
import json, socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
d = json.JSONDecoder()
buffer = ''
def read():
    global buffer
    while True:
        buffer = buffer.lstrip()
        try:
            value, end = d.raw_decode(buffer)
        except ValueError:
            buffer += s.recv(65536).decode()
            continue
        buffer = buffer[end:]
        return value
s.sendall(b'{"method":"echo","params":["one"],"id":1}{"method":"echo","params":["tw')
s.sendall('o é€😀"],"id":"2"}'.encode())
got = [read(), read(), read()]
asked = next(each for each in got if 'method' in each)
print(json.dumps([each for each in got if each is not asked]))
s.sendall(json.dumps({'result': asked['params'][0] * 2, 'error': None, 'id': asked['id']}).encode())
s.sendall(b'oops, a print\\n{"method":"nothing","params":[],"id":null}{"method":"none","params":[],"id":3}')
print(json.dumps(read()))
s.close()
`

describe('Python’s socket by hand', () => {
  needs('python3')('calls, is called, and makes noise, on a bare stream', async () => {
    const skipped: unknown[] = []
    const diagnostics: Diagnostic[] = []
    let answer: Promise<unknown> | undefined
    const listener = await listenTcp({}, (transport) => {
      const peer = stack(transport, jsonText({ onSkipped: (noise) => skipped.push(noise) }), jsonRpc(service(), { ...old, onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) }))
      answer = peer.call('double', [21])
    })
    try {
      const { stdout } = await promisify(execFile)('python3', ['-c', python, String(listener.port)], { timeout: 15_000 })
      const [first, second] = stdout.trim().split('\n').map((line) => JSON.parse(line))
      expect(first).toEqual([{ result: 'one', error: null, id: 1 }, { result: 'two é€😀', error: null, id: '2' }])
      expect(second).toEqual({ result: null, error: { code: -32601, message: 'Method not found' }, id: 3 })
      expect(await answer).toBe(42)
    } finally {
      await listener.closeConnections({ graceMs: 0 })
    }
    expect(skipped).toEqual([{ bytes: 13, start: 'oops, a print' }])
    expect(diagnostics).toEqual([])
  })
})
