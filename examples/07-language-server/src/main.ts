/** What an editor does: starts the language server, opens a document, and is told what is wrong with it. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { stack } from '@async/core'
import { lsp } from '@async/protocol-chunk'
import { createService, jsonRpc, lspConventions } from '@async/protocol-jsonrpc'
import { connectExec } from '@async/transport-pipe'

interface Published {
  readonly diagnostics: readonly { readonly message: string; readonly range: object }[]
}

let publish!: (published: Published) => void
const published = new Promise<Published>((resolve) => (publish = resolve))
const editor = createService({ 'textDocument/publishDiagnostics': (params: Published) => publish(params) })

const server = await connectExec({ command: process.execPath, args: [fileURLToPath(new URL('./server.js', import.meta.url))], stderr: 'log' })
const peer = stack(server, lsp(), jsonRpc(editor, { conventions: lspConventions, callTimeoutMs: 10_000 }))

await peer.call('initialize', { processId: process.pid, rootUri: null, capabilities: {} })
peer.notify('initialized', {})
peer.notify('textDocument/didOpen', { textDocument: { uri: 'file:///note.txt', languageId: 'plaintext', version: 1, text: 'This is\nthe the end.' } })
const { diagnostics } = await published
const hover = await peer.call('textDocument/hover', { textDocument: { uri: 'file:///note.txt' }, position: { line: 0, character: 0 } })
await peer.call('shutdown')
peer.notify('exit')
const reason = await peer.closed

console.log(diagnostics[0]?.message, hover)
assert.deepEqual(diagnostics, [
  { range: { start: { line: 1, character: 3 }, end: { line: 1, character: 7 } }, severity: 2, source: 'twice', message: '“the” stands there twice' },
])
assert.deepEqual(hover, { contents: '5 words' })
assert.equal(reason.kind, 'closed')
