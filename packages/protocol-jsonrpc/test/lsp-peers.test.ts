import { createRequire } from 'node:module'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mkdirSync, writeFileSync } from 'node:fs'
import { stack } from '@async/core'
import { lsp } from '@async/protocol-chunk'
import { createService, jsonRpc, JsonRpcError, lspConventions } from '@async/protocol-jsonrpc'
import type { Context, Peer } from '@async/protocol-jsonrpc'
import { connectExec } from '@async/transport-pipe'
import { connectTcp, listenTcp } from '@async/transport-tcp'
import { afterEach, describe, expect, it } from 'vitest'
import { CancellationTokenSource, createMessageConnection, ProgressType, ResponseError } from 'vscode-jsonrpc/node'
import type { CancellationToken, MessageConnection } from 'vscode-jsonrpc/node'
import { deferred, rejection } from './helpers.ts'
import { freshName } from './places.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

/** What both sides serve, each in its own way. */
const cancelled = deferred()

function service(log: unknown[] = []) {
  return createService({
    add: ([a, b]: [number, number]) => a + b,
    named: (params: unknown) => params,
    fail: () => {
      throw new JsonRpcError(42, 'no', { why: 'so' })
    },
    note: (params: unknown) => void log.push(params),
    hang: (_params: unknown, { signal }: Context) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => (cancelled.resolve('ours'), reject(signal.reason)))),
    count: async (_params: unknown, { progress }: Context) => {
      for (const at of [1, 2, 3]) progress({ at })
      return 'counted'
    },
    back: async (_params: unknown, { peer }: Context) => `they say ${String(await peer.call('name', {}))}`,
  })
}

function serveTheirs(connection: MessageConnection, log: unknown[]): void {
  connection.onRequest('add', (a: number, b: number) => a + b)
  connection.onRequest('named', (params: object) => params)
  connection.onRequest('fail', () => new ResponseError(42, 'no', { why: 'so' }))
  connection.onNotification('note', (...params: unknown[]) => void log.push(params))
  connection.onRequest('name', () => 'Ada')
  connection.onRequest('hang', (...args: unknown[]) => new Promise((_, reject) => (args.at(-1) as CancellationToken).onCancellationRequested(() => reject(new ResponseError(-32800, 'stopped')))))
  connection.onRequest('count', async ({ workDoneToken }: { workDoneToken: number }) => {
    for (const at of [1, 2, 3]) await connection.sendProgress(new ProgressType<object>(), workDoneToken, { at })
    return 'counted'
  })
}

async function theirClient(log: unknown[]): Promise<MessageConnection> {
  const listener = await listenTcp({}, (transport) => void stack(transport, lsp(), jsonRpc(service(log), { conventions: lspConventions })))
  cleanup.push(() => listener.closeConnections({ graceMs: 0 }))
  const socket = connect(listener.port, '127.0.0.1')
  const connection = createMessageConnection(socket, socket)
  serveTheirs(connection, log)
  connection.listen()
  cleanup.push(() => (connection.dispose(), socket.destroy()))
  return connection
}

async function ourClient(log: unknown[], theirs: unknown[] = []): Promise<{ peer: Peer; socket: Socket }> {
  let socket!: Socket
  const server = createServer((accepted) => {
    socket = accepted
    const connection = createMessageConnection(accepted, accepted)
    serveTheirs(connection, theirs)
    connection.listen()
    cleanup.push(() => connection.dispose())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.push(() => (socket.destroy(), new Promise((resolve) => server.close(resolve))))
  const transport = await connectTcp({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  const peer = stack(transport, lsp(), jsonRpc(service(log), { conventions: lspConventions }))
  cleanup.push(() => peer.abort())
  return { peer, socket }
}

describe('vscode-jsonrpc on our server, over TCP', () => {
  it('calls by position and by name, gets errors, notifies, and is called back', async () => {
    const log: unknown[] = []
    const connection = await theirClient(log)
    expect(await connection.sendRequest('add', 2, 3)).toBe(5)
    expect(await connection.sendRequest('named', { text: 'é€😀\r\n' })).toEqual({ text: 'é€😀\r\n' })
    expect(await rejection(connection.sendRequest('fail'))).toMatchObject({ code: 42, message: 'no', data: { why: 'so' } })
    expect(await rejection(connection.sendRequest('none'))).toMatchObject({ code: -32601 })
    await connection.sendNotification('note', { a: 1 })
    expect(await connection.sendRequest('back')).toBe('they say Ada')
    expect(log).toEqual([{ a: 1 }])
  })

  it('cancels, and is told of progress', async () => {
    const connection = await theirClient([])
    const source = new CancellationTokenSource()
    const call = connection.sendRequest('hang', {}, source.token)
    source.cancel()
    expect(await rejection(call)).toMatchObject({ code: -32800, message: 'Request cancelled' })
    expect(await cancelled.promise).toBe('ours')
    const got: unknown[] = []
    connection.onProgress(new ProgressType<object>(), 'token', (value) => void got.push(value))
    expect(await connection.sendRequest('count', { workDoneToken: 'token' })).toBe('counted')
    expect(got).toEqual([{ at: 1 }, { at: 2 }, { at: 3 }])
  })
})

describe('our peer on vscode-jsonrpc, over TCP', () => {
  it('calls by position and by name, gets errors, and notifies', async () => {
    const theirs: unknown[] = []
    const { peer } = await ourClient([], theirs)
    expect(await peer.call('add', [2, 3])).toBe(5)
    expect(await peer.call('named', { text: 'é€😀\r\n' })).toEqual({ text: 'é€😀\r\n' })
    expect(await rejection(peer.call('fail', {}))).toMatchObject({ code: 42, message: 'no', data: { why: 'so' } })
    expect(await rejection(peer.call('none', {}))).toMatchObject({ code: -32601 })
    peer.notify('note', ['x', 1])
    expect(await Promise.all(Array.from({ length: 50 }, (_, at) => peer.call('add', [at, at])))).toEqual(Array.from({ length: 50 }, (_, at) => 2 * at))
    expect(theirs).toEqual([['x', 1]])
  })

  it('gives calls up, and is told of progress', async () => {
    const { peer } = await ourClient([])
    const control = new AbortController()
    const call = peer.call('hang', {}, { signal: control.signal })
    control.abort('enough')
    expect(await rejection(call)).toBe('enough')
    const got: unknown[] = []
    expect(await peer.call('count', {}, { onProgress: (value) => got.push(value) })).toBe('counted')
    expect(got).toEqual([{ at: 1 }, { at: 2 }, { at: 3 }])
    expect(peer.pendingCalls).toBe(0)
  })

  it('rejects what waits when it goes away', async () => {
    const { peer, socket } = await ourClient([])
    await peer.call('add', [1, 1])
    const call = peer.call('hang', {})
    socket.destroy()
    expect(await rejection(call)).toMatchObject({ name: 'ConnectionError' })
    expect(peer.pendingCalls).toBe(0)
  })
})

interface Diagnostics {
  readonly uri: string
  readonly diagnostics: readonly { readonly message: string; readonly code: number; readonly range: { readonly start: { readonly line: number } } }[]
}

describe('typescript-language-server, as a child process', () => {
  it('initializes, sends diagnostics, hovers, cancels, and shuts down', { timeout: 60_000 }, async () => {
    const require = createRequire(import.meta.url)
    const cli = join(dirname(require.resolve('typescript-language-server/package.json')), 'lib/cli.mjs')
    const tsserver = require.resolve('typescript-5.9/lib/tsserver.js')
    const folder = freshName()
    mkdirSync(folder)
    const file = join(folder, 'wrong.ts')
    const text = 'const answer: number = "42"\nexport const twice = answer * 2\n'
    writeFileSync(file, text)
    const uri = pathToFileURL(file).href
    const published = deferred<Diagnostics>()
    const editor = createService({
      'textDocument/publishDiagnostics': (params: Diagnostics) => {
        if (params.diagnostics.length > 0) published.resolve(params)
      },
      'window/logMessage': () => {},
      'window/showMessage': () => {},
      'window/workDoneProgress/create': () => null,
      'workspace/configuration': ({ items }: { items: unknown[] }) => items.map(() => null),
      'client/registerCapability': () => null,
      '$/progress': () => {},
      '$/typescriptVersion': () => {},
    })
    const transport = await connectExec({ command: process.execPath, args: [cli, '--stdio'], cwd: folder, stderr: 'ignore' })
    const peer = stack(transport, lsp({ maxChunkBytes: 16 * 1024 * 1024 }), jsonRpc(editor, { conventions: lspConventions }))
    const initialized = (await peer.call('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(folder).href,
      capabilities: { textDocument: { publishDiagnostics: {}, hover: { contentFormat: ['plaintext'] } } },
      initializationOptions: { tsserver: { path: tsserver }, disableAutomaticTypingAcquisition: true },
    })) as { capabilities: { hoverProvider: unknown } }
    expect(initialized.capabilities.hoverProvider).toBeTruthy()
    peer.notify('initialized', {})
    peer.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'typescript', version: 1, text } })
    const { diagnostics } = await published.promise
    expect(diagnostics.map(({ code, range }) => [code, range.start.line])).toContainEqual([2322, 0])
    const hover = (await peer.call('textDocument/hover', { textDocument: { uri }, position: { line: 1, character: 14 } })) as { contents: unknown }
    expect(JSON.stringify(hover.contents)).toContain('twice: number')
    const control = new AbortController()
    const references = peer.call('textDocument/references', { textDocument: { uri }, position: { line: 0, character: 7 }, context: { includeDeclaration: true } }, { signal: control.signal })
    control.abort('enough')
    expect(await rejection(references)).toBe('enough')
    // It is alive, and answers the calls behind the one that was cancelled.
    expect(await peer.call('textDocument/references', { textDocument: { uri }, position: { line: 0, character: 7 }, context: { includeDeclaration: true } })).toHaveLength(2)
    expect(await peer.call('shutdown')).toBe(null)
    peer.notify('exit')
    expect((await peer.closed).kind).toBe('closed')
  })
})
