import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMessageConnection } from 'vscode-jsonrpc/node'
import type { MessageConnection } from 'vscode-jsonrpc/node'
import { countWords, findTwice } from '../src/words.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))
const uri = 'file:///note.md'

beforeAll(() => {
  // It emits in spite of what it complains about, which is for the build to tell.
  const tsc = join(dirname(createRequire(join(folder, '../../package.json')).resolve('typescript/package.json')), 'bin/tsc')
  spawnSync(process.execPath, [tsc, '-b', folder])
}, 60_000)

describe('the language server, started by vscode-jsonrpc', () => {
  let child: ChildProcessByStdio<Writable, Readable, null>
  let connection: MessageConnection
  let published: unknown[]
  let wake: () => void

  beforeEach(() => {
    child = spawn(process.execPath, [join(folder, 'dist/server.js')], { stdio: ['pipe', 'pipe', 'inherit'] })
    connection = createMessageConnection(child.stdout, child.stdin)
    published = []
    connection.onNotification('textDocument/publishDiagnostics', (params: unknown) => (published.push(params), wake()))
    connection.listen()
  })

  afterEach(() => {
    connection.dispose()
    child.kill('SIGKILL')
  })

  const open = async (text: string): Promise<void> => {
    const told = new Promise<void>((resolve) => (wake = resolve))
    await connection.sendRequest('initialize', { processId: process.pid, rootUri: null, capabilities: {} })
    await connection.sendNotification('initialized', {})
    await connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'markdown', version: 1, text } })
    await told
  }

  it('says what stands there twice, and takes it back when it does not any more', async () => {
    await open('It is is so.')
    const told = new Promise<void>((resolve) => (wake = resolve))
    await connection.sendNotification('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges: [{ text: 'It is so.' }] })
    await told
    const range = { start: { line: 0, character: 5 }, end: { line: 0, character: 8 } }
    expect(published).toEqual([
      { uri, diagnostics: [{ range, severity: 2, source: 'twice', message: '“is” stands there twice' }] },
      { uri, diagnostics: [] },
    ])
  })

  it('offers to take one away, and counts words', async () => {
    await open('one\nIt is is so.')
    const line = (number: number) => ({ start: { line: number, character: 0 }, end: { line: number, character: 0 } })
    expect(await connection.sendRequest('textDocument/codeAction', { textDocument: { uri }, range: line(1), context: { diagnostics: [] } })).toEqual([
      { title: 'Take one “is” away', kind: 'quickfix', edit: { changes: { [uri]: [{ range: { start: { line: 1, character: 5 }, end: { line: 1, character: 8 } }, newText: '' }] } } },
    ])
    expect(await connection.sendRequest('textDocument/codeAction', { textDocument: { uri }, range: line(0), context: { diagnostics: [] } })).toEqual([])
    expect(await connection.sendRequest('textDocument/hover', { textDocument: { uri }, position: { line: 0, character: 0 } })).toEqual({ contents: '5 words' })
    await expect(connection.sendRequest('textDocument/rename', {})).rejects.toMatchObject({ code: -32601 })
  })

  it.each([[true, 0], [false, 1]])('ends as the protocol says (shut down before: %s)', async (shutDown, code) => {
    await open('')
    if (shutDown) expect(await connection.sendRequest('shutdown')).toBe(null)
    const exited = once(child, 'exit')
    await connection.sendNotification('exit')
    expect(await exited).toEqual([code, null])
  })
})

describe('findTwice', () => {
  it.each([
    ['the the end', [['the', 3, 7]]],
    ['The the end', [['The', 3, 7]]],
    ['so so so', [['so', 2, 5]]],
    ['is island', []],
    ['this is', []],
    ['é é', [['é', 1, 3]]],
    ['1 1', []],
    ['that, that', []],
  ])('%s', (text, found) => {
    expect(findTwice(text).map(({ word, range }) => [word, range.start.character, range.end.character])).toEqual(found)
  })

  it('counts words', () => {
    expect(countWords('Zwölf Boxkämpfer: 12!')).toBe(2)
  })
})
