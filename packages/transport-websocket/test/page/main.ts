/** What runs in the browser: our core, our JSON-RPC, and this package over the browser's own WebSocket. Bundled by browser.test.ts. */
import { type CloseReason, stack } from '@async/core'
import { createService, jsonRpc } from '@async/protocol-jsonrpc'
import { connectWebSocket } from '../../src/web/index.ts'

const { location } = globalThis as unknown as { readonly location: { readonly host: string; readonly search: string } }
const [, scenario = '', id = ''] = /^\?(\w+)&(\w+)$/.exec(location.search) ?? []

/** Keeps the page's only thread busy, as a page does that lays out a table. */
function busy(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Receives until `bytes` have come, slowly, and answers with their number and a checksum. */
async function bulk(bytes: number): Promise<unknown> {
  const transport = await connectWebSocket({ url: `ws://${location.host}/bulk?${id}`, maxMessageBytes: 64 * 1024 })
  let came = 0
  let sum = 0
  return new Promise((resolve) => {
    transport.start({
      dataReceived(data) {
        if (typeof data === 'string') throw new Error('bytes were expected')
        came += data.length
        for (let i = 0; i < data.length; i += 997) sum = (sum * 31 + data[i]!) >>> 0
        busy(2)
        if (came === bytes) transport.close()
      },
      connectionLost: ({ kind }) => resolve({ came, sum, kind }),
    })
  })
}

/** Does not take what comes: it can only be held, and not for ever. */
async function hold(): Promise<unknown> {
  const transport = await connectWebSocket({ url: `ws://${location.host}/flood?${id}`, maxHeldBytes: 1_000_000 })
  transport.pause('read')
  return new Promise((resolve) => {
    transport.start({
      dataReceived() {},
      connectionLost: (reason: CloseReason) => resolve({ kind: reason.kind, code: 'error' in reason ? (reason.error as { code?: string }).code : undefined }),
    })
  })
}

const service = createService({
  multiply: ([a, b]: number[]) => a! * b!,
  bulk: ([bytes]: number[]) => bulk(bytes!),
  hold,
  never: () => new Promise(() => {}),
})

const peer = stack(await connectWebSocket({ url: `ws://${location.host}/rpc?${id}`, protocols: ['jsonrpc'] }), jsonRpc(service))
const sum = await peer.call('add', [19, 23])
await peer.call('ready', { scenario, sum })
