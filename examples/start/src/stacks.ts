import { over, stack, whole, type Connector, type Messages, type StreamTransport, type Transport } from '@async/core'
import { memoryMessagePair, memoryPair } from '@async/core/testing'
import { httpConnector, httpServer } from '@async/protocol-http'
import { jsonRpc, jsonRpcClient, type Caller } from '@async/protocol-jsonrpc'
import { tcpConnector } from '@async/transport-tcp'
import { Recorder } from './crossings.ts'
import { framings } from './framings.ts'
import type { StackReport } from './report.ts'
import { makeService } from './service.ts'
import { isRight, runStep, steps } from './steps.ts'
import { transports } from './transports.ts'

const host = '127.0.0.1'
const target = '/rpc'
const headers = [['Content-Type', 'application/json']] as const

/** The seed's own stack, ready to call. */
export interface SeedStack {
  /** As a stack string. */
  readonly stack: string
  readonly caller: Caller
  /** What crosses its boundaries. */
  readonly recorder: Recorder
  /** Ends it. */
  close(): Promise<void>
}

/** The seed's own stack: JSON-RPC over the HTTP-based transport over HTTP over TCP, with a tap at each boundary. */
export function seedStack(port: number): SeedStack {
  const recorder = new Recorder()
  const http = httpConnector(over(tcpConnector({ host, port }), recorder.tap('bytes')), { target, host: `${host}:${port}`, headers })
  const caller = jsonRpcClient(over(http, recorder.tap('body'), whole(), recorder.tap('messages')))
  return {
    stack: `jsonrpc+http+tcp://${host}:${port}${target}`,
    caller,
    recorder,
    async close() {
      await caller[Symbol.asyncDispose]()
      // The connection is kept for the next exchange, which will not come.
      http.closeIdle()
    },
  }
}

/** Holds the conversation over a stack. */
export type Converse = () => Promise<StackReport>

/** Every other stack. `ports`: those of the framings. */
export function otherStacks(ports: readonly number[]): Converse[] {
  const framed = framings.map(({ scheme, layer }, at) => {
    const port = ports[at] ?? 0
    const connector = over(tcpConnector({ host, port }), layer(), jsonRpc())
    return other(`jsonrpc+${scheme}+tcp://${host}:${port}`, () => connector.connect())
  })
  return [
    ...framed,
    ...transports.map((open) => async () => {
      const { stack, caller, end } = await open()
      const right = await isAllRight(caller)
      return { stack, right, note: await end() }
    }),
    other('JSON-RPC over a pair of message transports in memory', async () => inMemory(memoryMessagePair())),
    other('JSON-RPC over lines over a pair of streams in memory', async () => {
      const { a, b } = memoryPair()
      const [line] = framings
      return inMemory({ a: line!.layer()(a), b: line!.layer()(b) })
    }),
    other('JSON-RPC over HTTP over a pair of streams in memory', async () => {
      const service = makeService()
      const serve = httpServer({ onExchange: (exchange) => void stack(exchange, whole(), jsonRpc(service)) })
      const connector: Connector<StreamTransport> = {
        async connect() {
          const { a, b } = memoryPair()
          serve(b)
          return a
        },
      }
      return jsonRpcClient(over(httpConnector(connector, { target, host: 'memory', idleTimeoutMs: 0 }), whole()))
    }),
  ]
}

function inMemory({ a, b }: { readonly a: Transport<Messages>; readonly b: Transport<Messages> }): Caller {
  jsonRpc(makeService())(b)
  return jsonRpc()(a)
}

function other(name: string, open: () => Promise<Caller>): Converse {
  return async () => {
    const caller = await open()
    const right = await isAllRight(caller)
    await caller[Symbol.asyncDispose]()
    return { stack: name, right }
  }
}

async function isAllRight(caller: Caller): Promise<boolean> {
  let right = true
  for (const step of steps) right &&= isRight(step, await runStep(caller, step))
  return right
}
