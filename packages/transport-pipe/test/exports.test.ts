import { expect, it } from 'vitest'
import * as pipe from '../src/index.ts'

it('exports exactly these at run time', () => {
  expect(Object.keys(pipe).sort()).toEqual([
    'connectExec', 'connectFifo', 'connectNamedPipe', 'connectUnix', 'execConnector', 'exitAfterFlush', 'exitStatus', 'fdConnector', 'fifoConnector',
    'listenNamedPipe', 'listenUnix', 'namedPipeConnector', 'openFd', 'stdioConnector', 'stdioTransport', 'unixConnector',
  ])
})
