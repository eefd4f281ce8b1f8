import { describe, expect, it } from 'vitest'
import * as base from '../src/base/index.ts'
import * as core from '../src/index.ts'
import * as node from '../src/node/index.ts'
import * as testing from '../src/testing/index.ts'

describe('the runtime exports', () => {
  it('of @async/core are these', () => {
    expect(Object.keys(core).sort()).toEqual([
      'AsyncError', 'ConnectionError', 'LimitError', 'MemoryBudget', 'ProtocolError', 'StackSyntaxError', 'UsageError', 'canHalfClose', 'formatStack',
      'isAsyncError', 'limits', 'over', 'parseStack', 'pipe', 'readSide', 'stack', 'tap', 'whole', 'withIdleTimeout',
    ])
  })

  it('of @async/core/base are these', () => {
    expect(Object.keys(base).sort()).toEqual([
      'ByteQueue', 'ConnectionSet', 'LayerTransport', 'QueuedTransport', 'TransportBase', 'WrappedTransport', 'WriteQueue', 'afterTurn', 'byteLength', 'checkData', 'checkNumbers', 'heldLength', 'layerInfo', 'lossError',
      'reportToConsole', 'soon', 'systemClock', 'toBytes', 'transportPolicy', 'utf8Length', 'writeCounted',
    ])
  })
})

describe('the runtime exports of @async/core/node', () => {
  it('are these', () => {
    expect(Object.keys(node).sort()).toEqual([
      'ConnectionError', 'SocketInfo', 'SocketListener', 'SocketTransport', 'UsageError', 'WritingTransport', 'checkNumbers', 'dial', 'formatAddress', 'fromDuplex', 'keepLatest', 'limits',
      'nodeSocket', 'peerAddress', 'socketError', 'toDuplex', 'transportPolicy',
    ])
  })
})

describe('the runtime exports of @async/core/testing', () => {
  it('are these', () => {
    expect(Object.keys(testing).sort()).toEqual([
      'CaseContext', 'MemoryTransport', 'Pattern', 'Report', 'VirtualClock', 'check', 'checkCounts', 'clauses', 'clausesWithoutCase', 'equal',
      'guardBorrowed', 'joined', 'layerSubject', 'memoryMessagePair', 'memoryPair', 'protocolCases', 'protocolSuite', 'record', 'recordProducer',
      'recordTranscript', 'rejection', 'replay', 'runCase', 'runKit', 'runProtocolKit', 'runTransportKit', 'seededRandom', 'soak', 'testCase', 'throws',
      'transportCases', 'transportSuite', 'withFaults',
    ])
  })
})

describe('the limits', () => {
  it('are these', () => {
    expect({ ...core.limits }).toEqual({
      highWaterMarkBytes: 65_536, maxHighWaterMarkBytes: 262_144, lowWaterMarkBytes: 16_384, maxQueuedBytes: 16_777_216, closeTimeoutMs: 30_000, lingerMs: 5_000, brokenReadMs: 5_000,
      deliveryBudgetBytes: 65_536, connectTimeoutMs: 30_000, maxMessageBytes: 1_048_576,
    })
  })
})
