import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { listenTcp } from '@async/transport-tcp'
import { expect, it } from 'vitest'
import { listenTls } from '../src/index.ts'
import { server } from './certificates.ts'
import { cleanup } from './support.ts'

/** Node's own, which takes all that comes as fast as it can, and says how much that was. */
const reader = `
const { connect } = require('node:tls')
let bytes = 0
const socket = connect({ port: Number(process.argv[1]), host: '127.0.0.1', rejectUnauthorized: false })
socket.on('data', (data) => (bytes += data.length)).on('end', () => console.log(bytes))
`
const block = new Uint8Array(64 * 1024)
const blockCount = 2048

it.each([true, false])('lets the event loop go on while a peer keeps up with what a producer sends (allowTruncation: %s)', async (allowTruncation) => {
  let left = blockCount
  let leftLastTurn = left
  /** Blocks that were written without a turn of the event loop in between. */
  let most = 0
  const listener = await listenTls((accept) => listenTcp({}, accept), { cert: server.cert, key: server.key, allowTruncation }, (transport) => {
    let on = true
    const fill = (): void => {
      while (on && left > 0) {
        left--
        transport.write(block)
      }
      if (left === 0) transport.close()
    }
    transport.start({ dataReceived() {} })
    transport.register({ halfRegister() {}, pause: () => void (on = false), resume: () => ((on = true), fill()), stop: () => void (on = false) })
    const turn = (): void => {
      most = Math.max(most, leftLastTurn - left)
      leftLastTurn = left
      if (left > 0) setImmediate(turn)
    }
    turn()
    fill()
  })
  cleanup(() => {
    listener.abortConnections()
    return listener.closed
  })
  const child = spawn(process.execPath, ['-e', reader, String(listener.below.port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanup(() => child.kill())
  const [said] = await once(child.stdout, 'data')
  expect(Number(said)).toBe(blockCount * block.length)
  // A MiB, and what is queued above it. Without a bound Node's TLS takes what the system has room for in one turn: several MiB.
  expect(most).toBeLessThanOrEqual(20)
})
