/** The program that is called over its own stdin and stdout, framed as language servers are. */
import { stack } from '@async/core'
import { lsp } from '@async/protocol-chunk'
import { jsonRpc } from '@async/protocol-jsonrpc'
import { stdioTransport } from '@async/transport-pipe'
import { makeService } from './service.ts'

stack(stdioTransport(), lsp(), jsonRpc(makeService()))
