import { expect, it } from 'vitest'
import * as all from '../src/index.ts'
import * as web from '../src/web/index.ts'

it('exports these names, and no more', () => {
  expect(Object.keys(all).sort()).toEqual([
    'acceptWebSocket', 'connectWebSocket', 'listenWebSocket', 'messagesAsStream', 'nodeUpgrade', 'openWebSocket', 'refusedStatus', 'webSocketClose', 'webSocketConnector',
  ])
})

it('exports these names where the WebSocket is the runtime’s', () => {
  expect(Object.keys(web).sort()).toEqual(['connectWebSocket', 'messagesAsStream', 'webSocketClose', 'webSocketConnector'])
})
