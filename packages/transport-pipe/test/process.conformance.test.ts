import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StreamTransport } from '@async/core'
import { type Pair, type Subject, transportSuite } from '@async/core/testing'
import { afterAll, describe, it } from 'vitest'
import { isHere } from '../../core/test/programs.ts'
import { connectExec, listenUnix } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'async-exec-'))
afterAll(() => rmSync(folder, { recursive: true }))
const relay = fileURLToPath(new URL('relay.pl', import.meta.url))
let made = 0

const turns = 'the case gives data some turns to arrive: too few for a way through another process on a busy machine'

/** A child that connects its stdio to a socket of ours, so that the other side can be examined, too. */
const relayed: Subject = {
  name: 'a child process, relayed to a Unix socket',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const path = join(folder, String(made++))
    let accept!: (transport: StreamTransport) => void
    const accepting = new Promise<StreamTransport>((resolve) => {
      accept = resolve
    })
    const listener = await listenUnix({ ...options, path, startTimeoutMs: Infinity }, accept)
    const a = await connectExec({ ...options, command: 'perl', args: [relay, path], stderr: 'ignore' })
    return { a, b: await accepting, dispose: () => listener.close() }
  },
  connectToNobody: () => connectExec({ command: join(folder, 'none'), stderr: 'ignore' }),
  skip: {
    'C4 close() after halfClose() waits for the peer’s end, and not for ever': turns,
    'C8 abort() sends no more to a peer that reads': 'Node does not tell how much of a write in progress the OS has: such bytes count as unsent',
    'E1 every method may be called inside dataReceived': turns,
    'E1 every method may be called inside eofReceived': turns,
    'R6 1,000 connections, one after the other, leave no handle open': 'a thousand processes take too long; the soak has some hundreds',
  },
}

if (isHere('perl')) transportSuite({ describe, it }, relayed, { counts: { pass: 144, notApplicable: 56, skipped: 5, fail: 0 } })
else it.skip('a child process (perl is not installed)', () => {})
