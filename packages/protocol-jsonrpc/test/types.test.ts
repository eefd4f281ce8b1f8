import { stack, whole } from '@async/core'
import type { Connector, HalfClosable, Messages, Stream, StreamTransport, Transport } from '@async/core'
import { createService, jsonRpc, jsonRpcClient } from '@async/protocol-jsonrpc'
import type { Client, Peer } from '@async/protocol-jsonrpc'
import { expectTypeOf, it } from 'vitest'

declare const stream: StreamTransport
declare const bare: Transport<Stream>
declare const anyMessages: Transport<Messages>
declare const texts: Transport<Messages<string>>
declare const binary: Transport<Messages<Uint8Array>>
declare const framed: Transport<Messages<Uint8Array>> & HalfClosable
declare const streams: Connector<StreamTransport>
declare const exchanges: Connector<Transport<Messages<Uint8Array>>>

const service = createService({ add: ([a, b]: [number, number]) => a + b })

/** Compiled, never run. */
export function compiles(): void {
  expectTypeOf(stack(anyMessages, jsonRpc(service))).toEqualTypeOf<Peer>()
  expectTypeOf(stack(texts, jsonRpc(service))).toEqualTypeOf<Peer>()
  expectTypeOf(stack(binary, jsonRpc())).toEqualTypeOf<Peer>()
  expectTypeOf(stack(framed, jsonRpc())).toEqualTypeOf<Peer>()
  expectTypeOf(stack(stream, whole(), jsonRpc())).toEqualTypeOf<Peer>()
  expectTypeOf(jsonRpcClient(exchanges)).toEqualTypeOf<Client>()

  // @ts-expect-error Nobody framed it: a stream has no messages.
  stack(bare, jsonRpc(service))
  // @ts-expect-error The same, half-closable.
  stack(stream, jsonRpc(service))
  // @ts-expect-error The same, without stack.
  jsonRpc(service)(stream)
  // @ts-expect-error Exchanges have to be made whole messages of.
  jsonRpcClient(streams)

  const peer = jsonRpc()(anyMessages)
  expectTypeOf(peer.call('add', [1, 2])).toEqualTypeOf<Promise<unknown>>()
  expectTypeOf(peer.notify('add', { a: 1 })).toEqualTypeOf<void>()
  expectTypeOf(peer.batch([{ method: 'add', params: [1] }])).toEqualTypeOf<[Promise<unknown>]>()
  // @ts-expect-error Params are an array or an object. (JSON-RPC 2.0 §4.2)
  void peer.call('add', 1)
  // @ts-expect-error The same.
  void peer.call('add', 'text')
}

it('is checked by the compiler', () => {
  expectTypeOf(compiles).toBeFunction()
})
