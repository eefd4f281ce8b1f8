/** A language server for prose, over stdio: underlines a word that stands there twice, and offers to take one away. Hover counts words. */
import { stack } from '@async/core'
import { lsp } from '@async/protocol-chunk'
import { createService, type Context, jsonRpc, lspConventions } from '@async/protocol-jsonrpc'
import { stdioTransport } from '@async/transport-pipe'
import { countWords, findTwice, type Range } from './words.ts'

/** What we call of the editor. */
interface Editor {
  'textDocument/publishDiagnostics'(params: { uri: string; diagnostics: { range: Range; severity: number; source: string; message: string }[] }): void
}

interface InDocument {
  readonly textDocument: { readonly uri: string }
}

const documents = new Map<string, string>()
let wasShutDown = false

function check(uri: string, text: string, { peer }: Context<Editor>): void {
  documents.set(uri, text)
  const diagnostics = findTwice(text).map(({ word, range }) => ({ range, severity: 2, source: 'twice', message: `“${word}” stands there twice` }))
  peer.notify('textDocument/publishDiagnostics', { uri, diagnostics })
}

// #region service
const service = createService({
  initialize: () => ({ capabilities: { textDocumentSync: 1, hoverProvider: true, codeActionProvider: true }, serverInfo: { name: 'twice' } }),
  initialized() {},
  'textDocument/didOpen': ({ textDocument: { uri, text } }: { textDocument: { uri: string; text: string } }, context: Context<Editor>) => check(uri, text, context),
  'textDocument/didChange': ({ textDocument: { uri }, contentChanges }: InDocument & { contentChanges: { text: string }[] }, context: Context<Editor>) =>
    check(uri, contentChanges.at(-1)?.text ?? '', context),
  'textDocument/didClose': ({ textDocument: { uri } }: InDocument) => void documents.delete(uri),
  'textDocument/hover': ({ textDocument: { uri } }: InDocument) => ({ contents: `${countWords(documents.get(uri) ?? '')} words` }),
  'textDocument/codeAction': ({ textDocument: { uri }, range: asked }: InDocument & { range: Range }) =>
    findTwice(documents.get(uri) ?? '')
      .filter(({ range }) => range.start.line <= asked.end.line && range.end.line >= asked.start.line)
      .map(({ word, range }) => ({ title: `Take one “${word}” away`, kind: 'quickfix', edit: { changes: { [uri]: [{ range, newText: '' }] } } })),
  shutdown() {
    wasShutDown = true
  },
  exit: (_params: unknown, { peer }: Context) => peer.close(),
})
const peer = stack(stdioTransport(), lsp(), jsonRpc(service, { conventions: lspConventions }))
// #endregion

await peer.closed
// LSP 3.17, "Exit Notification".
process.exitCode = wasShutDown ? 0 : 1
