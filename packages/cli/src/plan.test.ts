import { describe, expect, it } from 'vitest'
import { planStack } from './plan.ts'

describe('planStack', () => {
  it.each<[string, 'calls' | 'served' | 'data', string[], string]>([
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
    ['jsonrpc+https://h/rpc', 'calls', ['tls', 'http', 'whole'], 'calls'],
    ['jsonrpc+wss://h/rpc', 'calls', ['tls', 'ws'], 'calls'],
    ['jsonrpc+ws+unix:/s', 'calls', ['ws'], 'calls'],
    ['jsonrpc+line+serial:COM3', 'calls', ['line'], 'calls'],
    ['jsonrpc+lsp+exec:server --stdio', 'calls', ['lsp'], 'calls'],
    ['http+tls+tcp://h:1', 'served', ['tls'], 'stream'],
    ['jsonrpc+http+tcp://h:1', 'served', ['http', 'whole'], 'calls'],
  ])('plans %s', (text, top, layers, gives) => {
    const plan = planStack(text, top)
    expect(plan.layers.map((layer) => (layer === 'whole' ? layer : layer.scheme))).toEqual(layers)
    expect(plan.gives).toBe(gives)
    expect(plan.calls?.scheme).toBe(text.startsWith('jsonrpc') ? 'jsonrpc' : undefined)
    expect(plan.requests?.scheme).toBe(top === 'served' && text.startsWith('http') ? 'http' : undefined)
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
    ['soap+tcp://h:1', 'calls', 2, 'soap is no scheme that is known here: line, nul, lsp, length-prefix, chunk, exact, http, tls, ws, jsonrpc, tcp, unix, pipe, fifo, fd, stdio, exec, serial are'],
    ['line+left-pad:x', 'data', 2, 'left-pad is no scheme that is known here: line, nul, lsp, length-prefix, chunk, exact, http, tls, ws, jsonrpc, tcp, unix, pipe, fifo, fd, stdio, exec, serial are'],
    ['constructor:x', 'data', 2, 'constructor is no scheme that is known here: line, nul, lsp, length-prefix, chunk, exact, http, tls, ws, jsonrpc, tcp, unix, pipe, fifo, fd, stdio, exec, serial are'],
  ])('refuses %s for %s', (text, top, exitCode, message) => {
    expect(() => planStack(text, top)).toThrow(expect.objectContaining({ exitCode, message }))
  })

  it('passes on what is wrong with the string', () => {
    expect(() => planStack('tcp//h', 'data')).toThrow(expect.objectContaining({ code: 'ERR_STACK_SYNTAX', offset: 3 }))
  })
})
