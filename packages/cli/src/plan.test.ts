import { describe, expect, it } from 'vitest'
import { planStack } from './plan.ts'

describe('planStack', () => {
  it.each<[string, 'calls' | 'data', string[], string]>([
    ['tcp://h:1', 'data', [], 'stream'],
    ['line+tcp://h:1', 'data', ['line'], 'message'],
    ['http://h', 'data', ['http'], 'stream'],
    ['line+http://h', 'data', ['http', 'line'], 'message'],
    ['jsonrpc+http+tcp://h:1/rpc', 'calls', ['http', 'whole'], 'calls'],
    ['jsonrpc+line+tcp://h:1', 'calls', ['line'], 'calls'],
    ['jsonrpc+nul+tcp://h:1', 'calls', ['nul'], 'calls'],
    ['jsonrpc+lsp+tcp://h:1', 'calls', ['lsp'], 'calls'],
    ['jsonrpc+length-prefix+tcp://h:1', 'calls', ['length-prefix'], 'calls'],
    ['jsonrpc+line+http+tcp://h:1', 'calls', ['http', 'line'], 'calls'],
  ])('plans %s', (text, top, layers, gives) => {
    const plan = planStack(text, top)
    expect(plan.layers.map((layer) => (layer === 'whole' ? layer : layer.scheme))).toEqual(layers)
    expect(plan.gives).toBe(gives)
    expect(plan.calls?.scheme).toBe(top === 'calls' ? 'jsonrpc' : undefined)
  })

  it.each<[string, 'calls' | 'data', number, string]>([
    ['jsonrpc+tcp://h:1', 'calls', 2, 'jsonrpc needs messages, and tcp carries a stream: frame it, as in jsonrpc+line+tcp://h:1'],
    ['http://h/rpc', 'calls', 2, 'nothing here makes calls of bytes: put jsonrpc on top, as in jsonrpc+http+tcp://h:80/rpc'],
    ['tcp://h:1', 'calls', 2, 'nothing here makes calls of bytes: put jsonrpc on top, as in jsonrpc+line+tcp://h:1'],
    ['line+tcp://h:1', 'calls', 2, 'nothing here makes calls of bytes: put jsonrpc on top, as in jsonrpc+line+tcp://h:1'],
    ['jsonrpc+line+tcp://h:1', 'data', 2, 'jsonrpc carries calls, not data: async call makes one, and without jsonrpc this stack can be connected'],
    ['line+jsonrpc+line+tcp://h:1', 'data', 2, "line can't stand on jsonrpc, which carries calls: jsonrpc goes to the top"],
    ['line+nul+tcp://h:1', 'data', 2, "line can't stand on nul, which carries messages: one of the two is enough"],
    ['http+line+tcp://h:1', 'data', 2, "http can't stand on line, which carries messages: one of the two is enough"],
    ['tcp+tcp://h:1', 'data', 2, 'tcp is a transport, and goes to the bottom of tcp+tcp://h:1'],
    ['line:x', 'data', 2, 'line needs a transport below it, as in line+tcp://127.0.0.1:4000'],
    ['tls://h:1', 'data', 2, 'tls needs a transport below it, as in tls+tcp://127.0.0.1:4000'],
    ['soap+tcp://h:1', 'calls', 2, 'soap is no scheme that is known here: line, nul, lsp, length-prefix, chunk, exact, http, jsonrpc, tcp are'],
    ['line+left-pad:x', 'data', 2, 'left-pad is no scheme that is known here: line, nul, lsp, length-prefix, chunk, exact, http, jsonrpc, tcp are'],
    ['constructor:x', 'data', 2, 'constructor is no scheme that is known here: line, nul, lsp, length-prefix, chunk, exact, http, jsonrpc, tcp are'],
    ['jsonrpc+https://h', 'calls', 4, 'tls needs the package @async/transport-tls, which is not available yet'],
    ['jsonrpc+line+unix:/s', 'calls', 4, 'unix needs the package @async/transport-pipe, which is not available yet'],
    ['jsonrpc+lsp+exec:server --stdio', 'calls', 4, 'exec needs the package @async/transport-pipe, which is not available yet'],
    ['line+serial:COM3', 'data', 4, 'serial needs the package @async/transport-serial, which is not available yet'],
    ['jsonrpc+ws://h', 'calls', 4, 'ws needs the package @async/transport-websocket, which is not available yet'],
  ])('refuses %s for %s', (text, top, exitCode, message) => {
    expect(() => planStack(text, top)).toThrow(expect.objectContaining({ exitCode, message }))
  })

  it('passes on what is wrong with the string', () => {
    expect(() => planStack('tcp//h', 'data')).toThrow(expect.objectContaining({ code: 'ERR_STACK_SYNTAX', offset: 3 }))
  })
})
