import type { HalfClosable, Messages, Protocol, Stream, StreamTransport, Transport } from '@async/core'
import { stack } from '@async/core'
import { describe, expectTypeOf, it } from 'vitest'
import { chunk, ChunkProtocol, chunkSplitter, exact, lengthPrefix, line, lsp, nul } from '../src/index.ts'
import type { ChunkTransport, SplitTransport } from '../src/index.ts'

declare const tcp: StreamTransport
declare const serial: Transport<Stream>
declare const messages: Transport<Messages> & HalfClosable
declare const bytesOnly: Protocol<Messages<Uint8Array>>
declare const textOnly: Protocol<Messages<string>>

/** Compiled, never run: nothing here has a value. */
function compiled(): void {
  // Framing twice.
  // @ts-expect-error a transport of messages is not framed
  line()(messages)
  // @ts-expect-error
  chunk({ delimiter: '\n' })(messages)
  // @ts-expect-error
  lengthPrefix()(messages)
  // @ts-expect-error
  stack(tcp, line(), lsp())
  // @ts-expect-error a ChunkProtocol reads a stream
  messages.start(new ChunkProtocol('\n', () => {}))

  // Half-close exactly where what is below has it.
  line()(tcp).halfClose()
  stack(tcp, chunk({ delimiter: '\0' })).halfClose()
  // @ts-expect-error
  line()(serial).halfClose()

  // The mode is the type.
  line()(tcp).start(textOnly)
  chunk({ delimiter: '\n' })(tcp).start(bytesOnly)
  // @ts-expect-error bytes for a protocol that takes text
  chunk({ delimiter: '\n' })(tcp).start(textOnly)
  // @ts-expect-error text for a protocol that takes bytes
  line()(tcp).start(bytesOnly)
  // @ts-expect-error which of both is not known
  chunk({ delimiter: '\n', mode: 'text' as 'text' | 'bytes' })(tcp).start(textOnly)

  void new ChunkProtocol('\n', (one) => expectTypeOf(one).toEqualTypeOf<Uint8Array>())
  void new ChunkProtocol({ delimiter: '\n', mode: 'text', onChunk: (one) => expectTypeOf(one).toEqualTypeOf<string>() })
  void new ChunkProtocol({ delimiter: '\n', onChunk: (one, self) => self.writeChunk(one) })
  // @ts-expect-error no such policy
  chunk({ delimiter: '\n', overlong: 'drop' })
  // @ts-expect-error a delimiter is needed
  chunk({})
}

describe('types', () => {
  it('say what a layer gives', () => {
    expectTypeOf(compiled).toBeFunction()
    expectTypeOf(line()<StreamTransport>).returns.toEqualTypeOf<ChunkTransport<string> & HalfClosable>()
    expectTypeOf(line({ mode: 'bytes' })<Transport<Stream>>).returns.toEqualTypeOf<ChunkTransport<Uint8Array>>()
    expectTypeOf(nul()<Transport<Stream>>).returns.toEqualTypeOf<ChunkTransport<Uint8Array>>()
    expectTypeOf(lsp()<Transport<Stream>>).returns.toEqualTypeOf<SplitTransport<string>>()
    expectTypeOf(exact({ chunkBytes: 1, mode: 'text' })<Transport<Stream>>).returns.toEqualTypeOf<SplitTransport<string>>()
    expectTypeOf(chunkSplitter({ delimiter: 'a' }).next).returns.toEqualTypeOf<Uint8Array | undefined>()
    expectTypeOf(chunkSplitter({ delimiter: 'a', mode: 'text' }).next).returns.toEqualTypeOf<string | undefined>()
  })
})
