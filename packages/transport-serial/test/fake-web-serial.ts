import type { WebSerial, WebSerialOptions, WebSerialPort } from '../src/web/index.ts'
import type { SimulatedSerial } from '../src/testing/index.ts'
import { lineSettings } from '../src/options.ts'

type Opened = Awaited<ReturnType<SimulatedSerial['open']>>

/** The names of Web Serial for what can happen to a character. */
const names = { overrun: 'BufferOverrunError', framing: 'FramingError', parity: 'ParityError', break: 'BreakError' } as const

/** A `SerialPort` as the specification has it, on the runtime's own streams, with a simulated line below. */
export class FakeWebSerialPort implements WebSerialPort {
  private readonly world: SimulatedSerial
  private readonly path: string
  private readonly ids: { readonly usbVendorId?: number; readonly usbProductId?: number }
  private port: Opened | undefined
  private input: ReadableStream<Uint8Array> | undefined
  private output: WritableStream<Uint8Array> | undefined
  private gone = false
  private failInput: ((error: unknown) => void) | undefined
  private inputIsOver = true
  private outputIsOver = true
  private signals: Record<string, boolean> = {}

  constructor(world: SimulatedSerial, path: string, ids: { readonly usbVendorId?: number; readonly usbProductId?: number } = {}) {
    this.world = world
    this.path = path
    this.ids = ids
  }

  async open(options: WebSerialOptions): Promise<void> {
    if (this.port !== undefined) throw new DOMException('The port is already open.', 'InvalidStateError')
    const { baudRate, dataBits, stopBits, parity, flowControl } = options
    const settings = lineSettings({
      baudRate, dataBits: dataBits ?? 8, stopBits: stopBits ?? 1, parity: parity ?? 'none', rtscts: flowControl === 'hardware',
    })
    try {
      this.port = await this.world.open({ ...settings, parity: parity ?? 'none', path: this.path })
    } catch (cause) {
      throw new DOMException(`Failed to open serial port. ${String(cause)}`, 'NetworkError')
    }
    this.gone = false
    this.inputIsOver = this.outputIsOver = true
    this.signals = { dtr: true, rts: true, brk: false }
    this.port.watchErrors((error) => this.failInput?.(new DOMException(error, names[error])))
  }

  get readable(): ReadableStream<Uint8Array> | null {
    const { port } = this
    if (port === undefined || this.gone) return null
    if (!this.inputIsOver) return this.input!
    this.inputIsOver = false
    return (this.input = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.failInput = (error) => {
          if (this.inputIsOver) return
          this.inputIsOver = true
          controller.error(error)
        }
      },
      pull: async (controller) => {
        const buffer = new Uint8Array(4096)
        try {
          const { bytesRead } = await port.read(buffer, 0, buffer.length)
          if (!this.inputIsOver) controller.enqueue(buffer.subarray(0, bytesRead))
        } catch (error) {
          if ((error as { canceled?: boolean }).canceled === true) return
          this.gone = true
          this.failInput?.(new DOMException('The device has been lost.', 'NetworkError'))
        }
      },
      cancel: async () => {
        this.inputIsOver = true
        await port.flush('in')
      },
    }, { highWaterMark: 0 }))
  }

  get writable(): WritableStream<Uint8Array> | null {
    const { port } = this
    if (port === undefined || this.gone) return null
    if (!this.outputIsOver) return this.output!
    this.outputIsOver = false
    return (this.output = new WritableStream<Uint8Array>({
      // A write that waits for room gives up when the stream is aborted; `abort` below is called behind it.
      start: (controller) => (controller as unknown as { readonly signal: AbortSignal }).signal.addEventListener('abort', () => void port.flush('out').catch(() => {})),
      write: async (bytes) => {
        try {
          await port.write(bytes)
        } catch {
          this.gone = true
          throw new DOMException('The device has been lost.', 'NetworkError')
        }
      },
      close: async () => {
        await port.drain()
        this.outputIsOver = true
      },
      abort: async () => {
        this.outputIsOver = true
        await port.flush('out')
      },
    }))
  }

  async close(): Promise<void> {
    // As specified: cancel and abort reject while the streams are locked.
    if (!this.inputIsOver) await this.input!.cancel()
    if (!this.outputIsOver) await this.output!.abort()
    const { port } = this
    this.port = undefined
    await port?.close().catch(() => {})
  }

  getInfo(): { readonly usbVendorId?: number; readonly usbProductId?: number } {
    return this.ids
  }

  async setSignals(named: { readonly dataTerminalReady?: boolean; readonly requestToSend?: boolean; readonly break?: boolean }): Promise<void> {
    const { dataTerminalReady: dtr, requestToSend: rts, break: brk } = named
    this.signals = { ...this.signals, ...(dtr === undefined ? {} : { dtr }), ...(rts === undefined ? {} : { rts }), ...(brk === undefined ? {} : { brk }) }
    await this.port!.set(this.signals)
  }

  async getSignals(): Promise<{ dataCarrierDetect: boolean; clearToSend: boolean; ringIndicator: boolean; dataSetReady: boolean }> {
    const { cts, dsr, dcd, ri } = await this.port!.get()
    return { clearToSend: cts, dataSetReady: dsr, dataCarrierDetect: dcd, ringIndicator: ri === true }
  }
}

/** `navigator.serial` with these ports. */
export function fakeWebSerial(...ports: FakeWebSerialPort[]): WebSerial {
  return { getPorts: async () => ports }
}
