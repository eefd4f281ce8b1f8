import { stack, whole } from '@async/core'
import type { Connector, HalfClosable, Messages, Stream, StreamTransport, Transport } from '@async/core'
import { createService, httpService, jsonRpc, jsonRpcClient, jsonText } from '@async/protocol-jsonrpc'
import type { Client, Context, JsonRpcError, Jsonified, MethodsOf, Outcome, ParamsOf, Peer, ResultOf, ServerExchangeLike } from '@async/protocol-jsonrpc'
import type { HttpServerExchange } from '@async/protocol-http'
import { expectTypeOf, it } from 'vitest'

declare const stream: StreamTransport
declare const bare: Transport<Stream>
declare const anyMessages: Transport<Messages>
declare const texts: Transport<Messages<string>>
declare const binary: Transport<Messages<Uint8Array>>
declare const framed: Transport<Messages<Uint8Array>> & HalfClosable
declare const streams: Connector<StreamTransport>
declare const exchanges: Connector<Transport<Messages<Uint8Array>>>
declare const exchange: HttpServerExchange

const service = createService({ add: ([a, b]: [number, number]) => a + b })

/** Methods as an interface: what the other side has. */
interface Editor {
  show(params: { text: string; at?: Date }): void
  ask(params: { question: string }): Promise<'yes' | 'no' | JsonRpcError<{ waitMs: number }, 1> | JsonRpcError<undefined, 2>>
  sum(params: readonly number[]): number
  time(): Date
  list(params?: { depth: number }): { at: Date; name: string; run(): void; maybe?: number }[]
}

/** Compiled, never run. */
export async function compiles(): Promise<void> {
  expectTypeOf(stack(anyMessages, jsonRpc(service))).toEqualTypeOf<Peer>()
  expectTypeOf(stack(texts, jsonRpc(service))).toEqualTypeOf<Peer>()
  expectTypeOf(stack(binary, jsonRpc())).toEqualTypeOf<Peer>()
  expectTypeOf(stack(framed, jsonRpc())).toEqualTypeOf<Peer>()
  expectTypeOf(stack(stream, whole(), jsonRpc())).toEqualTypeOf<Peer>()
  expectTypeOf(jsonRpcClient(exchanges)).toEqualTypeOf<Client>()
  expectTypeOf(stack(bare, jsonText(), jsonRpc())).toEqualTypeOf<Peer>()
  expectTypeOf(stack(stream, jsonText())).toEqualTypeOf<Transport<Messages<Uint8Array>> & HalfClosable>()

  // @ts-expect-error Nobody framed it: a stream has no messages.
  stack(bare, jsonRpc(service))
  // @ts-expect-error The same, half-closable.
  stack(stream, jsonRpc(service))
  // @ts-expect-error The same, without stack.
  jsonRpc(service)(stream)
  // @ts-expect-error Exchanges have to be made whole messages of.
  jsonRpcClient(streams)
  // @ts-expect-error What cannot half-close below cannot above.
  stack(bare, jsonText()).halfClose()

  const peer = jsonRpc()(anyMessages)
  expectTypeOf(peer.call('add', [1, 2])).toEqualTypeOf<Promise<unknown>>()
  expectTypeOf(peer.notify('add', { a: 1 })).toEqualTypeOf<void>()
  expectTypeOf(peer.batch([{ method: 'add', params: [1] }])).toEqualTypeOf<[Promise<unknown>]>()
  // @ts-expect-error Params are an array or an object. (JSON-RPC 2.0 §4.2)
  void peer.call('add', 1)
  // @ts-expect-error The same.
  void peer.call('add', 'text')

  // The type of a service's methods is what its peers call.
  const adder = jsonRpc<MethodsOf<typeof service>>()(anyMessages)
  expectTypeOf(adder.call('add', [1, 2])).toEqualTypeOf<Promise<number>>()
  // @ts-expect-error There is no such method.
  void adder.call('subtract', [1, 2])
  // @ts-expect-error Two numbers, not three.
  void adder.call('add', [1, 2, 3])
  // @ts-expect-error Params are needed.
  void adder.call('add')
  // @ts-expect-error Options come behind params.
  void adder.call('add', { timeoutMs: 1 })

  const editor = jsonRpc<Editor>(service)(anyMessages)
  expectTypeOf(editor.call('show', { text: 'x' }, { timeoutMs: 1 })).toEqualTypeOf<Promise<null>>()
  expectTypeOf(editor.call('ask', { question: 'x' })).toEqualTypeOf<Promise<'yes' | 'no'>>()
  expectTypeOf(editor.call('sum', [1, 2])).toEqualTypeOf<Promise<number>>()
  // A date goes over as text, functions not at all.
  expectTypeOf(editor.call('time')).toEqualTypeOf<Promise<string>>()
  expectTypeOf(editor.call('time', undefined, { timeoutMs: 1 })).toEqualTypeOf<Promise<string>>()
  expectTypeOf(await editor.call('list')).toEqualTypeOf<{ at: string; name: string; maybe?: number }[]>()
  void editor.call('list', { depth: 1 })
  editor.notify('show', { text: 'x' })
  // @ts-expect-error By name: there is no such name.
  editor.notify('show', { txt: 'x' })

  const outcome = await editor.attempt('ask', { question: 'x' })
  if (outcome.ok) expectTypeOf(outcome.result).toEqualTypeOf<'yes' | 'no'>()
  else {
    const { error } = outcome
    if (error.code === 1) expectTypeOf(error.data).toEqualTypeOf<{ waitMs: number }>()
    else if (error.code === -32602) expectTypeOf(error.data).toEqualTypeOf<unknown>()
    // @ts-expect-error 3 is no code of its, nor of the specification's.
    void (error.code === 3)
  }
  expectTypeOf<Outcome<Editor['sum']>>().toEqualTypeOf<{ readonly ok: true; readonly result: number } | { readonly ok: false; readonly error: JsonRpcError }>()

  const results = editor.batch([{ method: 'sum', params: [1] }, { method: 'show', params: { text: 'x' }, notification: true }, { method: 'time' }])
  expectTypeOf(results).toEqualTypeOf<[Promise<number>, Promise<undefined>, Promise<string>]>()
  // @ts-expect-error Params of another method.
  editor.batch([{ method: 'sum', params: { text: 'x' } }])

  const client = jsonRpcClient<Editor>(exchanges)
  expectTypeOf(client.call('sum', [1])).toEqualTypeOf<Promise<number>>()
  expectTypeOf(client.notify('show', { text: 'x' })).toEqualTypeOf<Promise<void>>()

  // Handlers may say what they know of the peer.
  const typed = createService({
    greet: async (_params: undefined, { peer: caller }: Context<Editor>) => {
      expectTypeOf(caller.call('time')).toEqualTypeOf<Promise<string>>()
      return caller.call('ask', { question: 'x' })
    },
  })
  expectTypeOf<ParamsOf<MethodsOf<typeof typed>['greet']>>().toEqualTypeOf<undefined>()
  expectTypeOf<ResultOf<MethodsOf<typeof typed>['greet']>>().toEqualTypeOf<'yes' | 'no'>()

  // An exchange of our HTTP is what the service behind HTTP takes.
  expectTypeOf(exchange).toMatchTypeOf<ServerExchangeLike>()
  httpService(typed)(exchange)
}

it('is checked by the compiler', () => {
  expectTypeOf(compiles).toBeFunction()
  expectTypeOf<Jsonified<{ a: unknown; b: any; c?: Date; d: [1, undefined]; e: symbol; [Symbol.iterator]: 1 }>>().toEqualTypeOf<{ a: unknown; b: unknown; c?: string; d: [1, null] }>()
})
