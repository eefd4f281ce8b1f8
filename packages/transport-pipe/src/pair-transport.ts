/**
 * A Transport of two one-way streams of Node's: what is read from the inputs, and what is written to the output. FIFOs, inherited descriptors,
 * our own stdio, and a child's.
 *
 * Reads. Node's 'data' are taken; what Node reads ahead while paused (up to 64 KiB) stays in its buffer until it is asked for. Node resumes the
 * streams of a child that exits, whoever has paused them: they are paused again before anything comes of it.
 *
 * Ends. The input and the output know nothing of each other, so a write that fails breaks the write half alone (C12, C13). There is no reset.
 */
import type { Readable, Writable } from 'node:stream'
import type { HalfClosable, Info } from '@async/core'
import type { TransportPolicy } from '@async/core/base'
import { keepLatest, socketError, WritingTransport } from '@async/core/node'

/** Two one-way streams as one connection. */
export class PairTransport extends WritingTransport implements HalfClosable {
  readonly info: Info
  protected readonly inputs: readonly Readable[]
  private wantsData = false
  private listening = false
  private inputsLeft: number

  /** The streams are the transport's from now on; it ends when all of the inputs have. */
  constructor(policy: TransportPolicy, inputs: readonly Readable[], output: Writable, names: { readonly local?: string; readonly remote?: string }) {
    super(policy, output)
    this.info = { pausable: true, resets: false, halfCloses: true, readsAfterWriteError: true, ...names }
    this.inputs = inputs
    this.inputsLeft = inputs.length
    for (const input of inputs) {
      input.pause()
      input.on('resume', () => this.resumed(input))
      input.on('end', () => this.inputEnded())
      input.on('error', (error) => this.inputFailed(error))
    }
    output.on('error', (error) => this.outputFailed(error))
  }

  protected startReading(): void {
    this.wantsData = true
    if (!this.listening) {
      this.listening = true
      for (const input of this.inputs) input.on('data', this.dataCame)
    }
    for (const input of this.inputs) input.resume()
  }

  protected stopReading(): void {
    this.wantsData = false
    for (const input of this.inputs) input.pause()
  }

  protected sendEnd(): void {
    this.output.end((error?: Error | null) => {
      if (error == null) this.closeOutput()
      // Node has let it go, with all that was written: there is nobody to tell. (A write that fails comes as 'error'.)
      else if (isEcho(error)) this.endSent()
    })
  }

  /** Everything was sent: let the other side see the end, then say `endSent()`. */
  protected closeOutput(): void {
    const { output } = this
    if (output.closed) return this.endSent()
    output.once('close', () => this.endSent())
    output.destroy()
  }

  protected destroy(_reset: boolean): void {
    this.wantsData = false
    for (const input of this.inputs) input.destroy()
    this.output.destroy()
  }

  protected readonly dataCame = (data: Uint8Array): void => {
    keepLatest(data)
    this.deliver(data)
  }

  private resumed(input: Readable): void {
    // Once it is over, who else has the stream (our stdin) may do as they like.
    if (!this.wantsData && this.cause === undefined) input.pause()
  }

  private inputEnded(): void {
    if (--this.inputsLeft === 0) this.receivedEof()
  }

  private inputFailed(error: Error): void {
    const { code } = error as NodeJS.ErrnoException
    // EIO: the terminal has hung up.
    this.lost({ kind: code === 'EIO' ? 'gone' : 'reset', error: socketError(error, 'open', this.where) })
  }

  private outputFailed(error: Error): void {
    const { code } = error as NodeJS.ErrnoException
    if (isEcho(error)) return
    this.writeFailed({ kind: code === 'EIO' ? 'gone' : 'reset', error: socketError(error, 'open', this.where) })
  }

  private get where(): string {
    return this.info.remote ?? this.info.local ?? 'the pipe'
  }
}

/** What Node says of a stream that is destroyed already is an echo of something else. */
function isEcho(error: NodeJS.ErrnoException): boolean {
  return error.code?.startsWith('ERR_STREAM_') === true
}
