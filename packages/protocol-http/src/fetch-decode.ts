import type { HeaderList } from './events.ts'
import { byteStream, endBytes, enqueue, type PartReader } from './fetch-stream.ts'
import { parseList } from './grammar.ts'

/** What a DecompressionStream may know, by the name that HTTP has for it. */
const formats: ReadonlyMap<string, string> = new Map([['gzip', 'gzip'], ['x-gzip', 'gzip'], ['deflate', 'deflate'], ['br', 'brotli'], ['zstd', 'zstd']])
/** A body that was encoded more often is a trap. */
const maxCodings = 5

const none: readonly string[] = []
let supported: readonly string[] | undefined

/** The content codings that this runtime decodes. RFC 9110 §8.4.1 */
export function supportedCodings(): readonly string[] {
  supported ??= ['gzip', 'deflate', 'br', 'zstd'].filter((coding) => {
    try {
      decompression(formats.get(coding)!)
      return true
    } catch {
      return false
    }
  })
  return supported
}

/** @throws TypeError for a format that this runtime does not know, ReferenceError if it knows none. */
function decompression(format: string): DecompressionStream {
  return new DecompressionStream(format as 'gzip')
}

/** The codings of a body in the order in which they come off; none if one of them is not known here: then the body stays as it is. */
export function decodings(headers: HeaderList): readonly string[] {
  // The rule.
  if (!headers.some(isEncoding)) return none
  const codings = headers.filter(isEncoding).flatMap(([, value]) => parseList(value)).filter((coding) => coding !== 'identity')
  if (codings.length > maxCodings) throw new TypeError(`the body is encoded ${codings.length} times`)
  if (codings.some((coding) => !supportedCodings().includes(coding === 'x-gzip' ? 'gzip' : coding))) return []
  return codings.reverse()
}

function isEncoding(field: HeaderList[number]): boolean {
  return field[0] === 'content-encoding'
}

/** The body without `codings`. What comes out is bounded by nothing but the pace at which it is read. */
export function decoded(body: ReadableStream<Uint8Array>, codings: readonly string[]): ReadableStream<Uint8Array> {
  return codings.reduce((stream, coding) => decodedOnce(stream, formats.get(coding)!), body)
}

/** A body of no bytes at all is decoded to none: servers send that. The decoder is made when the first byte is there. */
function decodedOnce(body: ReadableStream<Uint8Array>, format: string): ReadableStream<Uint8Array> {
  const encoded: PartReader<Uint8Array> = body.getReader()
  let decoder: PartReader<Uint8Array> | undefined
  /** The body's own failure; a decoder tells something else of it. */
  let failure: { readonly error: unknown } | undefined
  const take = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    const read = await encoded.read().catch((error: unknown) => {
      failure = { error }
      throw error
    })
    if (read.value === undefined) controller.close()
    else controller.enqueue(read.value)
  }
  const begin = async (): Promise<PartReader<Uint8Array> | undefined> => {
    const { value: first } = await encoded.read()
    if (first === undefined) return undefined
    // `deflate` is the zlib format (RFC 9110 §8.4.1.2); some servers leave its two bytes out.
    const isRaw = format === 'deflate' && (first[0]! & 0x0f) !== 8
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => controller.enqueue(first)
    const source = new ReadableStream<Uint8Array>({ start, pull: take, cancel: (reason) => encoded.cancel(reason) }, { highWaterMark: 0 })
    return source.pipeThrough(decompression(isRaw ? 'deflate-raw' : format)).getReader()
  }
  return byteStream({
    async pull(controller) {
      try {
        decoder ??= await begin()
        const bytes = (await decoder?.read())?.value
        if (bytes === undefined) endBytes(controller)
        else enqueue(controller, bytes)
      } catch (error) {
        if (failure !== undefined) throw failure.error
        throw decoder === undefined ? error : new TypeError('terminated', { cause: error })
      }
    },
    async cancel(reason) {
      await (decoder ?? encoded).cancel(reason)
    },
  }, 0)
}
