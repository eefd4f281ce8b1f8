import { expect, it } from 'vitest'
import * as all from '../src/index.ts'

it('exports these names, and no more', () => {
  expect(Object.keys(all).sort()).toEqual(['TlsCredentials', 'TlsSessionCache', 'listenTls', 'startTls', 'tls', 'tlsConnector', 'tlsListener', 'tlsServer'])
})
