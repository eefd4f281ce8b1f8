import { stack, type StreamTransport } from '@async/core'
import { jsonRpc } from '@async/protocol-jsonrpc'

declare const tcp: StreamTransport

// error: '"stream"' is not assignable to type '"message"'
stack(tcp, jsonRpc())
