/**
 * A binding over Web Serial, so that the transport is the same in a browser.
 *
 * The streams of a port are its buffers: cancelling the readable discards what came, aborting the writable what was written, closing the
 * writable waits until all of it is on the wire; after each of these the port has a new one. An error of the line (too much came, a wrong parity)
 * ends the readable as well, and the next one goes on; when there is no next one, the device is gone.
 */
import { UsageError } from '@async/core'
import type { FlushDirection, InputSignals, LineError, OutputSignals, SerialBinding, SerialBindingOptions, SerialBindingPort, SerialPortInfo } from '../binding.ts'
import type { WebReader, WebSerial, WebSerialPort, WebWriter } from './types.ts'

/** What each error of the line is called there. */
const lineErrors: Readonly<Record<string, LineError>> = { BufferOverrunError: 'overrun', FramingError: 'framing', ParityError: 'parity', BreakError: 'break' }

/** Bytes that the browser holds for us: its default of 255 is lost at 115,200 baud in 22 ms. */
const defaultBufferBytes = 64 * 1024

/** A binding whose ports are those that the user allowed, found by their ids. */
export function webBinding(serial: WebSerial, bufferBytes: number = defaultBufferBytes): SerialBinding {
  const find = async (): Promise<readonly (readonly [SerialPortInfo, WebSerialPort])[]> =>
    (await serial.getPorts()).map((port, index) => [portInfo(port, index), port] as const)
  return {
    list: async () => (await find()).map(([info]) => info),
    open: async (options) => {
      const found = (await find()).find(([info]) => info.path === options.path)
      if (found === undefined) throw new Error(`NotFoundError: ${options.path}`)
      return openPort(found[1], options, bufferBytes)
    },
  }
}

/** One binding for each port: closing is known by the binding. */
const bindings = new WeakMap<WebSerialPort, SerialBinding>()

/** A binding that opens `port`, whatever the path. */
export function bindingOfPort(port: WebSerialPort, bufferBytes: number = defaultBufferBytes): SerialBinding {
  let binding = bindings.get(port)
  if (binding === undefined) {
    binding = { list: async () => [portInfo(port, 0)], open: (options) => openPort(port, options, bufferBytes) }
    bindings.set(port, binding)
  }
  return binding
}

function portInfo(port: WebSerialPort, index: number): SerialPortInfo {
  const { usbVendorId, usbProductId } = port.getInfo()
  return {
    path: `web:${index}`,
    ...(usbVendorId === undefined ? {} : { vendorId: hex(usbVendorId) }),
    ...(usbProductId === undefined ? {} : { productId: hex(usbProductId) }),
  }
}

function hex(id: number): string {
  return id.toString(16).padStart(4, '0')
}

async function openPort(port: WebSerialPort, settings: SerialBindingOptions, bufferSize: number): Promise<SerialBindingPort> {
  const { baudRate, dataBits, stopBits, parity, rtscts, xon, xoff, xany } = settings
  if (xon || xoff || xany) throw new UsageError('ERR_UNSUPPORTED', 'Web Serial has no xon and xoff')
  if ((dataBits !== 7 && dataBits !== 8) || stopBits === 1.5 || !['none', 'even', 'odd'].includes(parity)) {
    throw new UsageError('ERR_UNSUPPORTED', 'Web Serial has 7 or 8 data bits, 1 or 2 stop bits, and no parity but none, even and odd')
  }
  const options = { dataBits, stopBits, parity, bufferSize, flowControl: rtscts ? 'hardware' : 'none' } as const
  await port.open({ baudRate, ...options })
  return new WebPort(port, options)
}

class WebPort implements SerialBindingPort {
  readonly flushesSeparately = true
  private readonly port: WebSerialPort
  private readonly options: { readonly dataBits: 7 | 8; readonly bufferSize: number }
  private reader: WebReader | undefined
  private writer: WebWriter | undefined
  private draining: Promise<void> | undefined
  /** Of the last piece, what the reader had no room for. */
  private rest: Uint8Array | undefined
  private closed = false
  /** The port is closed and opened again, for another rate; reads wait for it. */
  private reopening: Promise<void> | undefined
  private signals: OutputSignals & { readonly brk: boolean } = { dtr: true, rts: true, brk: false }
  private setOnce = false
  private onError: ((error: LineError) => void) | undefined

  constructor(port: WebSerialPort, options: { readonly dataBits: 7 | 8; readonly bufferSize: number }) {
    this.port = port
    this.options = options
  }

  async read(buffer: Uint8Array, offset: number, length: number): Promise<{ readonly bytesRead: number }> {
    for (;;) {
      if (this.rest !== undefined) {
        const part = this.rest.subarray(0, length)
        buffer.set(part, offset)
        this.rest = part.length < this.rest.length ? this.rest.subarray(part.length) : undefined
        return { bytesRead: part.length }
      }
      await this.reopening
      if (this.closed) throw Object.assign(new Error('the port was closed'), { canceled: true })
      const { readable } = this.port
      if (readable === null) throw new Error('NetworkError: the device is gone')
      const reader = (this.reader ??= readable.getReader())
      try {
        const { done, value } = await reader.read()
        if (!done) this.rest = value === undefined || value.length === 0 ? undefined : value
        // Cancelled: there is another readable, or none.
        else this.letReaderGo(reader)
      } catch (error) {
        this.letReaderGo(reader)
        const known = lineErrors[(error as { readonly name?: string }).name ?? '']
        if (known !== undefined) this.onError?.(known)
        else if (this.port.readable === null) throw error
      }
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    // A drain that nobody waits for any more still has the stream.
    await this.draining
    const { writable } = this.port
    if (writable === null) throw new Error('NetworkError: the device is gone')
    const writer = (this.writer ??= writable.getWriter())
    try {
      await writer.write(bytes)
    } catch (error) {
      // Aborted by a flush: what was written is discarded, and that is all.
      if (this.writer === writer) throw error
    }
  }

  /** There is no such thing there: the port is closed and opened again, which drops the lines for a moment. */
  async update({ baudRate }: { readonly baudRate: number }): Promise<void> {
    this.reopening = this.reopen(baudRate)
    try {
      await this.reopening
    } finally {
      this.reopening = undefined
    }
  }

  async set(signals: OutputSignals & { readonly brk: boolean }): Promise<void> {
    this.signals = signals
    this.setOnce = true
    await this.port.setSignals({ dataTerminalReady: signals.dtr, requestToSend: signals.rts, break: signals.brk })
  }

  async get(): Promise<InputSignals> {
    const { clearToSend, dataSetReady, dataCarrierDetect, ringIndicator } = await this.port.getSignals()
    return { cts: clearToSend, dsr: dataSetReady, dcd: dataCarrierDetect, ri: ringIndicator }
  }

  async flush(direction: FlushDirection = 'both'): Promise<void> {
    if (direction !== 'out') {
      this.rest = undefined
      await this.reader?.cancel()
    }
    if (direction !== 'in') {
      const { writer } = this
      this.writer = undefined
      await writer?.abort()
      writer?.releaseLock()
    }
  }

  async drain(): Promise<void> {
    const { writer } = this
    if (writer === undefined) return
    const closing = writer.close()
    this.draining = closing.catch(() => {})
    try {
      await closing
    } catch (error) {
      // As above.
      if (this.writer === writer) throw error
    } finally {
      this.draining = undefined
    }
    if (this.writer !== writer) return
    this.writer = undefined
    writer.releaseLock()
  }

  async close(): Promise<void> {
    this.closed = true
    await this.letStreamsGo()
    await this.port.close()
  }

  watchErrors(listener: (error: LineError) => void): void {
    this.onError = listener
  }

  private async reopen(baudRate: number): Promise<void> {
    await this.letStreamsGo()
    await this.port.close()
    await this.port.open({ baudRate, ...this.options })
    if (this.setOnce) await this.set(this.signals)
  }

  private async letStreamsGo(): Promise<void> {
    const { reader, writer } = this
    this.writer = undefined
    // What fails here is gone already.
    await reader?.cancel().catch(() => {})
    if (reader !== undefined) this.letReaderGo(reader)
    await writer?.abort().catch(() => {})
    writer?.releaseLock()
  }

  private letReaderGo(reader: WebReader): void {
    if (this.reader !== reader) return
    this.reader = undefined
    reader.releaseLock()
  }
}
