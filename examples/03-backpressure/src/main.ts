/** A slow reader holds back a fast writer: nothing in between grows without a bound. */
import assert from 'node:assert/strict'
import { pipe, stack, tap } from '@async/core'
import { connectTcp, listenTcp } from '@async/transport-tcp'

const total = 32 * 1024 * 1024
const piece = new Uint8Array(64 * 1024)
let made = 0
let mostQueued = 0

/** Would give 32 MiB at once, if it were let. */
function* source(): Generator<Uint8Array> {
  for (; made < total; made += piece.length) yield piece
}

const listener = await listenTcp({}, (transport) => {
  const watched = stack(transport, tap({ onWrite: () => (mostQueued = Math.max(mostQueued, transport.queuedBytes)) }))
  // #region pipe
  void pipe(source(), watched, { end: 'close' })
  // #endregion
})

const transport = await connectTcp({ port: listener.port })
let read = 0
let madeWhilePaused = 0
transport.start({
  dataReceived(data) {
    if (read === 0) {
      // After this call nothing is delivered; the kernel's buffers fill, then the peer's queue, then its source has to wait.
      transport.pause('read')
      setTimeout(() => {
        madeWhilePaused = made
        transport.resume('read')
      }, 100)
    }
    read += data.length
  },
})
await transport.closed

console.log(`read ${read} bytes; while paused the source had made ${madeWhilePaused}; at most ${mostQueued} were queued`)
assert.equal(read, total)
assert.ok(madeWhilePaused < total, 'the source did not wait')
assert.ok(mostQueued > 0 && mostQueued <= 2 * piece.length, 'the queue grew')

await listener.closeConnections()
