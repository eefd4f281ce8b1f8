/** A chat server: a line from one is a line to everybody else. The protocol sees messages, and never a line end. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { stack, type Data, type Messages, type Protocol, type Transport } from '@async/core'
import { line } from '@async/protocol-chunk'
import { listenTcp } from '@async/transport-tcp'

const room = new Set<Member>()

class Member implements Protocol<Messages> {
  private readonly transport: Transport<Messages>

  constructor(transport: Transport<Messages>) {
    this.transport = transport
    transport.start(this)
  }

  connectionMade(): void {
    room.add(this)
    this.transport.write(`${room.size} here`)
  }

  readonly dataReceived = (message: Data): void => {
    for (const other of room) if (other !== this) other.transport.write(message)
  }

  connectionLost(): void {
    room.delete(this)
  }
}

const listener = await listenTcp({}, (transport) => void new Member(stack(transport, line())))

// Two members that know nothing of us: plain sockets, as `nc` would open them.
const ada = connect(listener.port, '127.0.0.1').setEncoding('utf8')
await once(ada, 'data')
const bob = connect(listener.port, '127.0.0.1').setEncoding('utf8')
const [welcome] = (await once(bob, 'data')) as [string]
ada.write('hello, B')
ada.write('ob\n')
const [heard] = (await once(bob, 'data')) as [string]

console.log(`bob was told ${JSON.stringify(welcome)}, then ${JSON.stringify(heard)}`)
assert.equal(welcome, '2 here\n')
assert.equal(heard, 'hello, Bob\n')

ada.end()
bob.end()
await listener.closeConnections()
assert.equal(room.size, 0)
