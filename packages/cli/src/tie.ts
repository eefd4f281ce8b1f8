/**
 * Ties a transport to standard input and output. Theory of operation: input is a producer that the transport paces; output paces the
 * transport's read side. The end of input ends our side (`halfClose`, or `close` where there is none); the peer's end ends the
 * transport, and with it the command, whether or not input has ended.
 */
import type { Readable, Writable } from 'node:stream'
import { canHalfClose, limits } from '@async/core'
import type { CloseReason, Consumer, Data, Producer, Protocol, Transport } from '@async/core'
import { usage } from './exit.ts'

export interface TieOptions {
  readonly input: Readable
  readonly output: Writable
  /** What ends a message on input and output. Only for message transports. */
  readonly delimiter: '\n' | '\0'
}

/**
 * Starts `transport`, and resolves with the reason when it is over and everything that came is written.
 * @throws (rejects) what was wrong with the input, if that ended it
 */
export async function tie(transport: Transport, options: TieOptions): Promise<CloseReason> {
  const input = new Input(transport, options)
  transport.start(new Output(transport, options))
  transport.register(input)
  const reason = await transport.closed
  input.stop()
  if (input.failure !== undefined) throw input.failure
  return reason
}

class Output implements Protocol {
  private readonly transport: Transport
  private readonly output: Writable
  private readonly end: Uint8Array | undefined

  constructor(transport: Transport, { output, delimiter }: TieOptions) {
    this.transport = transport
    this.output = output
    this.end = transport.carries === 'message' ? Buffer.from(delimiter) : undefined
  }

  readonly dataReceived = (data: Data): void => {
    let ready = this.output.write(data)
    if (this.end !== undefined) ready = this.output.write(this.end)
    if (ready) return
    this.transport.pause('read')
    this.output.once('drain', () => this.transport.resume('read'))
  }
}

class Input implements Producer {
  /** What was wrong with the input. */
  failure: unknown
  private readonly transport: Transport
  private readonly input: Readable
  private readonly messages: MessageSplitter | undefined

  constructor(transport: Transport, { input, delimiter }: TieOptions) {
    this.transport = transport
    this.input = input
    this.messages = transport.carries === 'message' ? new MessageSplitter(delimiter.charCodeAt(0)) : undefined
  }

  halfRegister(_consumer: Consumer): void {
    this.input.on('data', this.read)
    this.input.on('end', this.end)
    this.input.on('error', this.fail)
  }

  pause(): void {
    this.input.pause()
  }

  resume(): void {
    this.input.resume()
  }

  stop(): void {
    this.input.off('data', this.read)
    this.input.off('end', this.end)
    // What input still has is nobody's any more; and it must not keep the process.
    this.input.destroy()
  }

  private readonly read = (data: Uint8Array): void => {
    try {
      if (this.messages === undefined) this.transport.write(data)
      else for (const message of this.messages.receive(data)) this.transport.write(message)
    } catch (error) {
      this.fail(error)
    }
  }

  private readonly end = (): void => {
    const rest = this.messages?.end()
    if (rest !== undefined) this.transport.write(rest)
    this.transport.unregister()
    if (canHalfClose(this.transport)) this.transport.halfClose()
    else this.transport.close()
  }

  private readonly fail = (error: unknown): void => {
    this.failure ??= error
    this.transport.abort(error)
  }
}

/** Bytes to messages that end with `delimiter`. What is held is bounded, and no byte is looked at twice. */
export class MessageSplitter {
  private readonly delimiter: number
  private readonly maxBytes: number
  private parts: Uint8Array[] = []
  private heldBytes = 0

  constructor(delimiter: number, maxBytes: number = limits.maxMessageBytes) {
    this.delimiter = delimiter
    this.maxBytes = maxBytes
  }

  /** @throws CommandError for a message that is longer than allowed. */
  *receive(data: Uint8Array): Generator<Uint8Array> {
    let from = 0
    for (;;) {
      const at = data.indexOf(this.delimiter, from)
      this.hold(data.subarray(from, at < 0 ? data.length : at))
      if (at < 0) return
      yield this.take()
      from = at + 1
    }
  }

  /** What is left at the end of input: a message without its delimiter, or nothing. */
  end(): Uint8Array | undefined {
    return this.heldBytes === 0 ? undefined : this.take()
  }

  private hold(part: Uint8Array): void {
    if (part.length === 0) return
    this.heldBytes += part.length
    if (this.heldBytes > this.maxBytes) throw usage(`a message on standard input is longer than ${this.maxBytes} bytes`)
    this.parts.push(part)
  }

  private take(): Uint8Array {
    const message = this.parts.length === 1 ? (this.parts[0] as Uint8Array) : Buffer.concat(this.parts)
    this.parts = []
    this.heldBytes = 0
    return message
  }
}
