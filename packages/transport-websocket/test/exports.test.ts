import { readFileSync } from 'node:fs'
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

it('has an entry for each runtime', () => {
  const [node, web] = [{ types: './dist/index.d.ts', default: './bundle/index.js' }, { types: './dist/web/index.d.ts', default: './bundle/web/index.js' }]
  const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { exports: Record<string, object> }
  expect(exports).toEqual({ '.': { bun: web, deno: web, node, default: web }, './node': node, './web': web, './package.json': './package.json' })
  // The first that fits is taken.
  expect(Object.keys(exports['.']!)).toEqual(['bun', 'deno', 'node', 'default'])
})
