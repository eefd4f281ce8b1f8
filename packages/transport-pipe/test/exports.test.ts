import { expect, it } from 'vitest'
import * as pipe from '../src/index.ts'

it('exports exactly these at run time', () => {
  expect(Object.keys(pipe).sort()).toEqual([
    'connectNamedPipe', 'connectUnix', 'listenNamedPipe', 'listenUnix', 'namedPipeConnector', 'unixConnector',
  ])
})
