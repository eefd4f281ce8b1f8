import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { listenTcp } from '@async/transport-tcp'
import { expect, it } from 'vitest'
import { listenTls, type TlsTransport } from '../src/index.ts'
import { server } from './certificates.ts'
import { cleanup } from './support.ts'

/** Node's own, which takes all that comes as fast as it can, and says how much that was. */
const reader = `
const { connect } = require('node:tls')
let bytes = 0
const socket = connect({ port: Number(process.argv[1]), host: '127.0.0.1', rejectUnauthorized: false })
socket.on('data', (data) => (bytes += data.length)).on('end', () => console.log(bytes))
`
const total = 128 * 1024 * 1024

/** Sends all of it as a producer, so many bytes at a time. */
function produce(transport: TlsTransport, blockBytes: number): void {
  const block = new Uint8Array(blockBytes)
  let left = total
  let on = true
  const fill = (): void => {
    while (on && left > 0) {
      const piece = block.subarray(0, left)
      left -= piece.length
      transport.write(piece)
    }
    if (left === 0) transport.close()
  }
  transport.register({ halfRegister() {}, pause: () => void (on = false), resume: () => ((on = true), fill()), stop: () => void (on = false) })
  fill()
}

/** Writes as much as may be queued, waits for all of it to leave, and does it again. */
async function writeAll(transport: TlsTransport): Promise<void> {
  const block = new Uint8Array(1024 * 1024)
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < 16; j++) transport.write(block)
    await transport.drained(0)
  }
  transport.close()
}

it.each([
  ['a producer of 64 KiB blocks', (transport: TlsTransport) => produce(transport, 65_536)],
  // Their ends are pieces of their own: the producer goes on in the middle of a batch.
  ['a producer of other blocks', (transport: TlsTransport) => produce(transport, 70_000)],
  ['who fills the queue', writeAll],
])('lets the event loop go on behind each 4 MiB, while a peer keeps up with %s', async (_, send) => {
  let most = 0
  const listener = await listenTls((accept) => listenTcp({}, accept), { cert: server.cert, key: server.key, allowTruncation: true }, (transport) => {
    let written = 0
    let goneLastTurn = 0
    const { write } = transport
    transport.write = (data) => {
      write.call(transport, data)
      written += data.length
    }
    const turn = (): void => {
      const gone = written - transport.queuedBytes
      most = Math.max(most, gone - goneLastTurn)
      goneLastTurn = gone
      if (gone < total) setImmediate(turn)
    }
    transport.start({ dataReceived() {} })
    turn()
    void send(transport)
  })
  cleanup(() => {
    listener.abortConnections()
    return listener.closed
  })
  const child = spawn(process.execPath, ['-e', reader, String(listener.below.port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanup(() => child.kill())
  const [said] = await once(child.stdout, 'data')
  expect(Number(said)).toBe(total)
  // Node's TLS by itself takes what the system has room for in one turn, several MiB, and goes on as long as there is room.
  expect(most).toBeLessThanOrEqual(4 * 1024 * 1024 + 2 * 65_536)
})
