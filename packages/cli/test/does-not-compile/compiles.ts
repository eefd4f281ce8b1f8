import { canHalfClose, type Data, type HalfClosable, type Messages, over, pipe, stack, type Stream, type StreamTransport, tap, type Transport, whole, withIdleTimeout } from '@async/core'
import { line, lsp } from '@async/protocol-chunk'
import { jsonRpc } from '@async/protocol-jsonrpc'
import { tcpConnector } from '@async/transport-tcp'

declare const tcp: StreamTransport
declare const serial: Transport<Stream>
declare const webSocket: Transport<Messages<Data>>

stack(tcp, line(), jsonRpc())
stack(serial, lsp(), jsonRpc())
stack(webSocket, jsonRpc())
stack(tcp, withIdleTimeout({ allMs: 1 }), tap({}), whole(), jsonRpc())
over(tcpConnector({ port: 1 }), withIdleTimeout({ readMs: 1 }), line())

// A layer keeps half-close exactly where it was.
const lines: Transport<Messages<string>> & HalfClosable = stack(tcp, line())
const slow: Transport<Messages<string>> = stack(serial, line())
// @ts-expect-error there is none below
slow.halfClose()
lines.halfClose()
if (canHalfClose(serial)) serial.halfClose()
void pipe(tcp, serial)

// A protocol that takes anything runs over text alone, too.
lines.start({ dataReceived: (data: Data) => void data.length })
