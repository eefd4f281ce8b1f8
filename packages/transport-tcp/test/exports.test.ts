import { expect, it } from 'vitest'
import * as tcp from '../src/index.ts'

it('exports exactly these at run time', () => {
  expect(Object.keys(tcp).sort()).toEqual(['connectTcp', 'listenTcp', 'tcpConnector'])
})
