import { stack, type StreamTransport } from '@async/core'
import { line } from '@async/protocol-chunk'

declare const tcp: StreamTransport

// error: '"message"' is not assignable to type '"stream"'
stack(tcp, line(), line())
