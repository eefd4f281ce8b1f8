import * as jsonrpc from '@async/protocol-jsonrpc'
import { expect, it } from 'vitest'

it('exports this, and nothing else', () => {
  expect(Object.keys(jsonrpc).sort()).toEqual([
    'ConnectionLostError',
    'JsonRpcError',
    'createService',
    'defaultLimits',
    'errorCodes',
    'httpService',
    'implement',
    'integerCodes',
    'invalidParams',
    'isJsonRpcError',
    'jsonRpc',
    'jsonRpcClient',
    'jsonText',
    'lspConventions',
    'mcpConventions',
    'method',
    'openRpcDocument',
  ])
})

it('has these codes', () => {
  expect(jsonrpc.errorCodes).toEqual({
    parseError: -32700,
    invalidRequest: -32600,
    methodNotFound: -32601,
    invalidParams: -32602,
    internalError: -32603,
    serverBusy: -32000,
    requestCancelled: -32800,
  })
})

it('has these limits', () => {
  expect(jsonrpc.defaultLimits).toEqual({
    maxMessageBytes: 1_048_576,
    maxResponseBytes: 1_048_576,
    maxNestingDepth: 1000,
    maxBatchItems: 100,
    maxPendingCalls: 4096,
    maxConcurrentHandlers: 64,
    maxQueuedRequests: 1024,
    maxQueuedRequestBytes: 1_048_576,
    maxUnsentBytes: 16_777_216,
  })
})
