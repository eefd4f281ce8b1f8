/** Operations in memory whose cost in allocated bytes is the same in every run: each makes a function that does one, many times. */
import { line, lsp } from '@async/protocol-chunk'
import { createFetch, httpConnector, httpServer } from '@async/protocol-http'
import { createService, jsonRpc } from '@async/protocol-jsonrpc'
import { WrappedTransport } from '@async/core/base'
import { memoryMessagePair } from '@async/core/testing'
import { PushTransport } from '../lib/push-transport.mjs'

const turn = () => new Promise((resolve) => setImmediate(resolve))
const batch = 64

/** @typedef {(count: number) => Promise<void>} Run does at least `count` operations */

/** Pushes a read of `batch` units at a time. @param {Uint8Array} read @param {(transport: any) => void} build @returns {Run} */
function pushed(read, build) {
  const transport = new PushTransport()
  build(transport)
  return async (count) => {
    for (let done = 0; done < count; done += batch) {
      // A read is its receiver's to keep: it is not counted, being the same for every design.
      transport.push(read)
      await turn()
    }
  }
}

const request = 'GET /path HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n'
const call = (/** @type {number} */ id) => `{"jsonrpc":"2.0","id":${id},"method":"add","params":[1,2]}`

const response = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 13\r\n\r\nhello, world\n')

/** A connection on which the test answers. */
function kept() {
  const transport = new PushTransport()
  return { transport, connector: { connect: () => Promise.resolve(/** @type {any} */ (transport)) } }
}

/** @type {Record<string, { what: string, make: () => Run }>} */
export const operations = {
  'chunk, bytes': { what: 'a line of 100 bytes, delivered as bytes', make: () => pushed(Buffer.from(`${'x'.repeat(99)}\n`.repeat(batch)), (below) => line({ mode: 'bytes' })(below).start({ dataReceived() {} })) },
  'chunk, text': { what: 'the same, delivered as text', make: () => pushed(Buffer.from(`${'x'.repeat(99)}\n`.repeat(batch)), (below) => line()(below).start({ dataReceived() {} })) },
  'lsp frame': { what: 'a frame of 100 bytes, delivered as text', make: () => pushed(Buffer.from(`Content-Length: 100\r\n\r\n${'x'.repeat(100)}`.repeat(batch)), (below) => lsp()(below).start({ dataReceived() {} })) },
  layer: {
    what: 'a delivery through eight pass-through layers',
    make: () => {
      const lowest = new PushTransport()
      /** @type {any} */
      let top = lowest
      for (let i = 0; i < 8; i++) top = new WrappedTransport(top)
      top.start({ dataReceived() {} })
      const piece = new Uint8Array(100)
      return async (count) => {
        for (let i = 0; i < count; i++) lowest.push(piece)
      }
    },
  },
  'http request': {
    what: 'a request, answered at once with 13 bytes of text',
    make: () =>
      pushed(Buffer.from(request.repeat(batch)), httpServer({
        onExchange(exchange) {
          exchange.respond({ status: 200, headers: [['Content-Type', 'text/plain']] })
          exchange.write('hello, world\n')
          exchange.close()
        },
      })),
  },
  'http exchange': {
    what: 'a request of a client on a kept connection, and its response of 13 bytes',
    make: () => {
      const { transport, connector } = kept()
      const http = httpConnector(connector, { method: 'GET', target: '/path' })
      const protocol = { dataReceived() {} }
      return async (count) => {
        for (let i = 0; i < count; i++) {
          const exchange = await http.connect()
          exchange.start(protocol)
          exchange.halfClose()
          transport.push(response)
        }
      }
    },
  },
  fetch: {
    what: 'the same by fetch, and its text',
    make: () => {
      const { transport, connector } = kept()
      const get = createFetch(() => connector)
      return async (count) => {
        for (let i = 0; i < count; i++) {
          const fetched = get('http://a.test/path')
          // The first one connects.
          if (i === 0) await turn()
          transport.push(response)
          await (await fetched).text()
        }
      }
    },
  },
  'json-rpc served': {
    what: 'a call, parsed, dispatched and answered',
    make: () => pushed(Buffer.from(Array.from({ length: batch }, (_, at) => `${call(at)}\n`).join('')), (below) => jsonRpc(createService({ add: (/** @type {any} */ [a, b]) => a + b }))(/** @type {any} */ (line()(below)))),
  },
  'json-rpc call': {
    what: 'a call from end to end, over a pair of message transports',
    make: () => {
      const { a, b } = memoryMessagePair()
      jsonRpc(createService({ add: (/** @type {any} */ [x, y]) => x + y }))(b)
      const peer = jsonRpc()(a)
      return async (count) => {
        for (let done = 0; done < count; done += batch) await Promise.all(Array.from({ length: batch }, (_, at) => peer.call('add', [at, 1])))
      }
    },
  },
}
