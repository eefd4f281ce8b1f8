/** How the framings of this package are put before the protocol kit. */
import type { CloseReason, Data, HalfClosable, Messages, Protocol, Stream, StreamTransport, Transport } from '@async/core'
import { isAsyncError, limits } from '@async/core'
import { afterTurn, WrappedTransport } from '@async/core/base'
import { type Attached, type Ending, layerSubject, type ProtocolSubject } from '@async/core/testing'
import { chunk, type ChunkOptions, type ChunkTransport, lsp, type LspOptions, type Overlong, type SplitTransport } from '../src/index.ts'
import { chunkSettings } from '../src/chunk-options.ts'
import { ChunkSplitter } from '../src/chunk-splitter.ts'
import { ChunkLayerTransport } from '../src/chunk-transport.ts'
import { DelimiterEncoder, LengthEncoder } from '../src/encoder.ts'
import { FramedTransport } from '../src/framed-transport.ts'
import { lengthSettings } from '../src/length-options.ts'
import { LengthSplitter } from '../src/length-splitter.ts'
import { makeTextTools, type Text, type TextTools, textTools } from '../src/text.ts'
import { bytes, show } from './feeding.ts'

/** What a subject has beside its name and its protocol. */
export type Rest = Omit<ProtocolSubject, 'name' | 'attach'>
/** A framing, whatever its messages are. */
export type AnyLayer = <Below extends Transport<Stream> & HalfClosable>(below: Below) => Transport<Messages> & HalfClosable

/** A chunk, and the read at hand. */
export const maxHeldBytes = 70_000

const heldBytes = (top: Transport): { readonly heldBytes: number } => ({ heldBytes: (top as SplitTransport).heldBytes })

/** A framing; its messages are the events. */
export function framing(name: string, layer: AnyLayer, rest: Rest): ProtocolSubject {
  return layerSubject(name, layer, { maxHeldBytes, ...rest }, heldBytes)
}

/** `lsp` that leaves out what is no header, with an event for each line of it. */
export function skipping(name: string, options: LspOptions<'text'>, rest: Rest): ProtocolSubject {
  return {
    name, maxHeldBytes, ...rest,
    attach: (below, emit) => framing(name, lsp({ ...options, onSkipped: ({ bytes: came, start }) => emit(`skipped ${came} ${start}`) }), rest).attach(below, emit),
  }
}

/** `chunk`, with an event for each chunk that is too long. */
export function chunks(name: string, options: ChunkOptions, rest: Rest): ProtocolSubject {
  return {
    name, maxHeldBytes, ...rest,
    attach(below, emit) {
      const layer = chunk({ ...options, onOverlong: (overlong) => emit(`overlong ${overlong.bytes}/${overlong.deliveredBytes}`) })
      return framing(name, layer, rest).attach(below, emit)
    },
  }
}

/** `chunk`, made by hand, with tools of the test's own. */
function chunkWith(tools: TextTools, options: ChunkOptions): AnyLayer {
  const settings = chunkSettings(options)
  return ((below: StreamTransport) => new ChunkLayerTransport(below, new ChunkSplitter(settings, tools), new DelimiterEncoder(settings))) as unknown as AnyLayer
}

/** `chunk`, with its looks at bytes counted, those of making a read searchable again included. */
export function counted(name: string, options: ChunkOptions, rest: Rest): ProtocolSubject {
  return {
    name, maxHeldBytes, ...rest,
    attach(below, emit) {
      let examinedBytes = 0
      const opened = new WeakSet<Uint8Array>()
      const open = (read: Uint8Array): Text => {
        // Once is free.
        if (opened.has(read)) examinedBytes += 4 * read.length
        opened.add(read)
        const text = textTools.open(read)
        return {
          charCodeAt(index) {
            examinedBytes++
            return text.charCodeAt(index)
          },
          indexOf(char, from) {
            const found = text.indexOf(char, from)
            examinedBytes += (found < 0 ? read.length : found + 1) - from
            return found
          },
        }
      }
      const layer = chunkWith({ ...textTools, open, look: open }, options)
      return layerSubject(name, layer, rest, (top) => ({ ...heldBytes(top), examinedBytes })).attach(below, emit)
    },
  }
}

/** A framing of which the memory is weighed that it keeps between reads: whole buffers, and a hundred bytes for each piece. */
export function weighed(name: string, layer: AnyLayer, rest: Rest): ProtocolSubject {
  return layerSubject(name, layer, rest, (top) => {
    const { input } = (top as unknown as { readonly splitter: { readonly input: object } }).splitter
    const { pieces } = (input as { readonly carried: object }).carried as { readonly pieces: readonly { readonly bytes: Uint8Array }[] }
    return { heldBytes: pieces.reduce((sum, { bytes: kept }) => sum + kept.buffer.byteLength + 100, 0) }
  })
}

/** `chunk`, in a runtime that has no Buffer. */
export function withoutBuffer(name: string, options: ChunkOptions, rest: Rest): ProtocolSubject {
  return framing(name, chunkWith(makeTextTools(Uint8Array.prototype), options), rest)
}

/** Gathers all that comes, and passes it on at the end, in reads of one size. */
class Gathered extends WrappedTransport<Stream> {
  private readonly all: number[] = []
  private readonly readBytes: number

  constructor(below: StreamTransport, readBytes: number) {
    super(below)
    this.readBytes = readBytes
  }

  override onData(data: Uint8Array): void {
    for (const byte of data) this.all.push(byte)
  }

  override onEof(protocol: Protocol<Stream>): void {
    const bytes = Uint8Array.from(this.all)
    for (let at = 0; at < bytes.length; at += this.readBytes) protocol.dataReceived(bytes.slice(at, at + this.readBytes))
    super.onEof(protocol)
  }
}

/**
 * What a framing costs, without a clock: how often reads are made strings or searched where they lie, chunks decoded, native searches begun and
 * bytes stepped through (where the read is searched as bytes). The event at the end says it. Reads are of one size, however the input is cut.
 */
export function costed(name: string, readBytes: number, makeLayer: (tools: TextTools) => AnyLayer, tools: TextTools, endings: readonly Ending<'closed'>[]): ProtocolSubject {
  return {
    name, conversations: [], endings,
    attach(below, emit) {
      const cost = { opened: 0, looked: 0, decoded: 0, searches: 0, steps: 0 }
      const counting = (text: Text): Text => typeof text === 'string' ? text : {
        charCodeAt(index) {
          cost.steps++
          return text.charCodeAt(index)
        },
        indexOf(char, from) {
          cost.searches++
          return text.indexOf(char, from)
        },
      }
      const top = makeLayer({
        open(read) {
          cost.opened++
          return counting(tools.open(read))
        },
        look(read) {
          cost.looked++
          return counting(tools.look(read))
        },
        decode(piece) {
          cost.decoded++
          return tools.decode(piece)
        },
      })(new Gathered(below, readBytes))
      let count = 0
      top.start({
        dataReceived: () => void count++,
        eofReceived() {
          emit(`${count}, ${Object.entries(cost).map(([what, times]) => `${what} ${times}`).join(', ')}`)
          top.halfClose()
        },
      })
      return { pause: () => top.pause('read'), resume: () => top.resume('read'), close: () => top.close(), abort: () => top.abort(), closed: top.closed }
    },
  }
}

/** `chunk`, for `costed`. */
export function costedChunk(options: ChunkOptions): (tools: TextTools) => AnyLayer {
  return (tools) => chunkWith(tools, options)
}

/** `lengthPrefix` of four bytes, for `costed`. */
export function costedLengths(mode: 'bytes' | 'text'): (tools: TextTools) => AnyLayer {
  const settings = lengthSettings({ mode })
  return (tools) => ((below: StreamTransport) => new FramedTransport(below, new LengthSplitter(settings, tools), new LengthEncoder(settings))) as unknown as AnyLayer
}

/** Tools whose texts are never strings, so that what is searched and stepped through can be counted. */
export const noStrings: TextTools = { ...textTools, open: textTools.look }

/** What is below a framing that is disturbed behind each read. */
class Disturbed extends WrappedTransport<Stream> {
  afterRead: (protocol: Protocol<Stream>) => void = () => {}

  override onData(data: Uint8Array, protocol: Protocol<Stream>): void {
    protocol.dataReceived(data)
    this.afterRead(protocol)
  }
}

/** A framing from which what it holds is taken behind each read, and given back: nothing changes. */
export function takenFrom(name: string, layer: AnyLayer, rest: Rest): ProtocolSubject {
  return {
    name, maxHeldBytes, ...rest,
    attach(below, emit) {
      const disturbed = new Disturbed(below)
      let isFree = true
      const taking = (from: StreamTransport): Transport<Messages> & HalfClosable => {
        const top = layer(from)
        disturbed.afterRead = (protocol) => {
          const leftover = isFree ? (top as unknown as SplitTransport).takeLeftover() : bytes('')
          if (leftover.length > 0) protocol.dataReceived(leftover)
        }
        return top
      }
      const attached = layerSubject(name, taking, rest, heldBytes).attach(disturbed, emit)
      const held = (call: () => void) => () => {
        isFree = false
        call()
      }
      return {
        pause: held(() => attached.pause()),
        resume: () => attached.resume(),
        close: held(() => attached.close()),
        abort: held(() => attached.abort()),
        closed: attached.closed,
      }
    },
  }
}

/** `chunk`, to which `disturb` is done behind each read. */
export function disturbed(name: string, options: ChunkOptions, disturb: (top: ChunkTransport) => void, rest: Rest): ProtocolSubject {
  return {
    name, maxHeldBytes, ...rest,
    attach(below, emit) {
      const under = new Disturbed(below)
      const layer = chunk({ ...options, onOverlong: (overlong) => emit(`overlong ${overlong.bytes}/${overlong.deliveredBytes}`) })
      const disturbing = (from: StreamTransport): Transport<Messages> & HalfClosable => {
        const top = layer(from)
        under.afterRead = () => disturb(top as unknown as ChunkTransport)
        return top as unknown as Transport<Messages> & HalfClosable
      }
      return framing(name, disturbing, rest).attach(under, emit)
    },
  }
}

/** Knows no end of one side alone: the peer's end is the end. */
class Abrupt extends WrappedTransport<Stream> {
  private isEnded = false

  override onEof(): void {
    this.isEnded = true
    this.below.close()
  }

  override onLost(reason: CloseReason, protocol: Protocol<Stream>): void {
    super.onLost(reason.kind === 'closed' && this.isEnded ? { ...reason, by: 'peer' } : reason, protocol)
  }
}

/** A framing above what has no half-close. */
export function abrupt(name: string, layer: AnyLayer, rest: Rest): ProtocolSubject {
  const inner = framing(name, layer, rest)
  return { ...inner, attach: (below, emit) => inner.attach(new Abrupt(below), emit) }
}

/** Reads that cannot be held back, as those of a browser's WebSocket cannot. */
class Unheld extends WrappedTransport<Stream> {
  override pause(): void {}
  override resume(): void {}
}

/** The same, byte by byte. */
class Unpausable extends Unheld {
  override onData(data: Uint8Array, protocol: Protocol<Stream>): void {
    for (const byte of data) protocol.dataReceived(Uint8Array.of(byte))
  }
}

/** A framing above what cannot be paused, closed when all has come: what comes meanwhile waits, and is counted at the end. */
export function unpausable(name: string, layer: AnyLayer, rest: Rest): ProtocolSubject {
  const inner = framing(name, layer, rest)
  return {
    ...inner,
    attach(below, emit) {
      const attached = inner.attach(new Unpausable(below), emit)
      return {
        ...attached,
        close() {
          attached.pause()
          afterTurn(() => attached.close())
        },
      }
    },
  }
}

/**
 * Chunks that wait, and are let go at once: in one turn not much more than the budget of a turn comes, or there is an event that says so. Of a
 * chunk the event tells some; what is discarded counts, too. Empty ones are told together, at the end.
 */
export function budgeted(name: string, options: ChunkOptions, rest: Rest): ProtocolSubject {
  return {
    name, ...rest,
    attach(below, emit) {
      let inTurn = 0
      const count = (bytes: number): void => {
        if (inTurn === 0) afterTurn(() => void (inTurn = 0))
        inTurn += bytes
        if (inTurn > limits.deliveryBudgetBytes + bytes) emit('too much in one turn')
      }
      const onOverlong = ({ bytes: came }: Overlong): void => {
        emit(`overlong ${came}`)
        count(came)
      }
      const top = chunk({ ...options, onOverlong })(new Unheld(below))
      let isFirst = true
      let empty = 0
      top.start({
        dataReceived(data) {
          if (data.length === 0) empty++
          else emit(show(data).slice(5, 10))
          if (!isFirst) return count(data.length + 1)
          isFirst = false
          top.pause('read')
          resumeWhenAllCame()
        },
        eofReceived() {
          if (empty > 0) emit(`${empty} empty ones`)
          top.halfClose()
        },
      })
      const resumeWhenAllCame = (before = -1): void => {
        const { heldBytes: now } = top as unknown as SplitTransport
        if (now === before) top.resume('read')
        else afterTurn(() => afterTurn(() => resumeWhenAllCame(now)))
      }
      return { pause: () => top.pause('read'), resume: () => top.resume('read'), close: () => top.close(), abort: () => top.abort(), closed: top.closed }
    },
  }
}

/** What comes of a call: `ok`, or the error's code. */
export function outcome(call: () => void): string {
  try {
    call()
    return 'ok'
  } catch (error) {
    if (!isAsyncError(error)) throw error
    const { actual } = error as { readonly actual?: number }
    return actual === undefined ? error.code : `${error.code} ${actual}`
  }
}

/**
 * A framing that writes each of `payloads` when the message `go` comes, then `good` as a sequence, then all of them as one, of which
 * nothing may be written if one of them is refused. The event tells what came of each call.
 */
export function writing(name: string, layer: AnyLayer, payloads: readonly Data[], good: readonly Data[], rest: Pick<Rest, 'endings'>): ProtocolSubject {
  return {
    name, maxHeldBytes, conversations: [], ...rest,
    attach(below, emit): Attached {
      const top = layer(below)
      top.start({
        dataReceived(data) {
          if (!/^goo?$/.test(show(data).replace('text:', ''))) return
          const outcomes = payloads.map((payload) => outcome(() => top.write(payload)))
          outcomes.push(outcome(() => top.writeSequence(good)), outcome(() => top.writeSequence(payloads)))
          emit(outcomes.join(', '))
        },
        eofReceived: () => top.halfClose(),
      })
      return { pause: () => top.pause('read'), resume: () => top.resume('read'), close: () => top.close(), abort: () => top.abort(), closed: top.closed }
    },
  }
}

/** What comes down to a transport, as it comes. */
class Noted extends WrappedTransport<Stream> {
  readonly notes: string[] = []

  override write(data: Data): void {
    this.notes.push(noted(data))
    super.write(data)
  }

  override writeSequence(list: readonly Data[]): void {
    this.notes.push(`[${list.map(noted).join(' ')}]`)
    super.writeSequence(list)
  }
}

function noted(data: Data): string {
  return typeof data === 'string' ? JSON.stringify(data) : `<${show(data)}>`
}

/** A framing that writes each of `payloads` when the message `go` comes, and all of them as a sequence: the event tells what comes down, or why nothing does. */
export function shaped(name: string, layer: AnyLayer, payloads: readonly Data[], good: readonly Data[], input: string, events: readonly string[]): ProtocolSubject {
  return {
    name, maxHeldBytes, conversations: [], endings: [{ name: 'what comes down', input: bytes(input), events: [events.join(' | ')], kind: 'closed' }],
    attach(from, emit): Attached {
      const below = new Noted(from)
      const top = layer(below)
      const tell = (call: () => void): string => {
        try {
          call()
        } catch (error) {
          return (error as Error).message
        }
        return below.notes.splice(0).join(' ')
      }
      top.start({
        dataReceived(data) {
          if (/^goo?$/.test(show(data).replace('text:', ''))) emit([...payloads.map((payload) => tell(() => top.write(payload))), tell(() => top.writeSequence(good))].join(' | '))
        },
        eofReceived: () => top.halfClose(),
      })
      return { pause: () => top.pause('read'), resume: () => top.resume('read'), close: () => top.close(), abort: () => top.abort(), closed: top.closed }
    },
  }
}

/** What is below a protocol that is closed past the protocol, and knows it. */
export class ClosedPast extends WrappedTransport<Stream> {
  private isOver = false

  override close(): void {
    this.isOver = true
    super.close()
  }

  override abort(cause?: unknown): void {
    this.isOver = true
    super.abort(cause)
  }

  isClosing(): boolean {
    return this.isOver
  }
}

/** A promise of an end, and how to bring it. */
export function ending(): { readonly closed: Promise<CloseReason>; readonly end: (reason: CloseReason) => void } {
  let end!: (reason: CloseReason) => void
  const closed = new Promise<CloseReason>((resolve) => {
    end = resolve
  })
  return { closed, end }
}
