import { expect, it } from 'vitest'
import * as serial from '../src/index.ts'
import * as testing from '../src/testing/index.ts'
import * as web from '../src/web/index.ts'

it('exports exactly these at run time', () => {
  expect(Object.keys(serial).sort()).toEqual(['connectSerial', 'listSerialPorts', 'serialConnector'])
  expect(Object.keys(web).sort()).toEqual(['connectSerial', 'listSerialPorts', 'serialConnector'])
  expect(Object.keys(testing).sort()).toEqual(['SimulatedDevice', 'SimulatedSerial', 'SimulatedSocket'])
})
