/** A transport of your own, over a MessagePort: say how to send, end, read and let go. Queue, states and deadlines are there. */
import assert from 'node:assert/strict'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { ConnectionError, stack, type Data, type Info, type Messages } from '@async/core'
import { afterTurn, QueuedTransport, transportPolicy, type TransportOptions } from '@async/core/base'
import { createService, jsonRpc } from '@async/protocol-jsonrpc'

// #region transport
class PortTransport extends QueuedTransport<Messages> {
  readonly carries = 'message'
  readonly info: Info = { pausable: false, resets: true, halfCloses: true, readsAfterWriteError: true }
  private readonly port: MessagePort

  constructor(port: MessagePort, options?: TransportOptions) {
    super(transportPolicy(options))
    this.port = port
  }

  protected startReading(): void {
    if (this.port.listenerCount('message') > 0) return
    this.port.on('message', (data: Data | null) => (data === null ? this.receivedEof() : this.received(data)))
    this.port.on('close', () => this.lost({ kind: 'reset', error: new ConnectionError('ERR_RESET', 'the port was closed') }))
  }

  /** A port can't be held back: what comes while paused is held by the base class. */
  protected stopReading(): void {}

  protected scheduleFlush(): void {
    afterTurn(() => this.flush())
  }

  protected send(batch: Data[], bytes: number): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has none
    for (const data of batch) this.port.postMessage(data)
    this.sent(bytes)
  }

  protected sendEnd(): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has none
    this.port.postMessage(null)
    this.endSent()
  }

  protected destroy(): void {
    this.port.close()
  }
}
// #endregion

const { port1, port2 } = new MessageChannel()
stack(new PortTransport(port1), jsonRpc(createService({ add: ([a, b]: [number, number]) => a + b })))
const peer = stack(new PortTransport(port2), jsonRpc())

const sum = await peer.call('add', [1, 2])
console.log('1 + 2 =', sum)
assert.equal(sum, 3)
peer.close()
assert.equal((await peer.closed).kind, 'closed')
