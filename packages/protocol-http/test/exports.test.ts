import { expect, it } from 'vitest'
import * as http from '../src/index.ts'

it('exports what the README names, and nothing else', () => {
  expect(Object.keys(http).sort()).toEqual(['HttpConnection', 'acceptSwitch', 'createFetch', 'defaultLimits', 'fetchHandler', 'httpConnector', 'httpDuplexConnector', 'httpDuplexServer', 'httpServer', 'installLightResponse', 'refuseSwitch', 'serveFetch', 'viaProxy'])
})
