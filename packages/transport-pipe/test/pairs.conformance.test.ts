import { type Pair, type Subject, transportSuite } from '@async/core/testing'
import { afterAll, describe, it } from 'vitest'
import { isHere } from '../../core/test/programs.ts'
import { connectFifo, openFd } from '../src/index.ts'
import { AnonymousPipes } from './anonymous-pipes.ts'
import { Fifos } from './fifos.ts'

const partial = { 'C8 abort() sends no more to a peer that reads': 'Node does not tell how much of a write in progress the OS has: such bytes count as unsent' }

const fifos = new Fifos()
afterAll(() => fifos.remove())

const pairOfFifos: Subject = {
  name: 'a pair of FIFOs',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const names = fifos.take()
    const [one, other] = names
    const [a, b] = await Promise.all([
      connectFifo({ ...options, path: one, writePath: other }),
      connectFifo({ ...options, path: other, writePath: one }),
    ])
    return { a, b, dispose: () => fifos.give(names) }
  },
  connectToNobody: () => connectFifo({ path: `${fifos.folder}/none`, writePath: `${fifos.folder}/other` }),
  skip: partial,
}

const pipes = new AnonymousPipes()
afterAll(() => pipes.end())

const stapled: Subject = {
  name: 'two anonymous pipes, stapled',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const [one, other] = await pipes.pair()
    await pipes.release()
    return { a: openFd({ ...options, ...one }), b: openFd({ ...options, ...other }) }
  },
  skip: partial,
}

transportSuite({ describe, it }, pairOfFifos, { counts: { pass: 148, notApplicable: 56, skipped: 1, fail: 0 } })

// Made by Python, opened through /proc.
if (isHere('python3') && process.platform === 'linux') transportSuite({ describe, it }, stapled, { counts: { pass: 147, notApplicable: 57, skipped: 1, fail: 0 } })
else it.skip('two anonymous pipes, stapled (python3 is not installed, or this is not Linux)', () => {})
