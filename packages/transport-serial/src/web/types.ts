/**
 * What is used of the Web Serial API (https://wicg.github.io/serial/), in as many words: this package compiles without a browser's types, and
 * theirs fit.
 */

/** `navigator.serial`. */
export interface WebSerial {
  /** The ports that the user has allowed this page to use. */
  getPorts(): Promise<WebSerialPort[]>
}

/** A port that the user has chosen: what `navigator.serial.requestPort()` gives. */
export interface WebSerialPort {
  /** What came; another one after each error of the line; `null` while closed, and once the device is gone. */
  readonly readable: WebReadable | null
  /** What goes; another one after an abort. */
  readonly writable: WebWritable | null
  /** Opens it. */
  open(options: WebSerialOptions): Promise<void>
  /** Closes it, once both streams are unlocked. */
  close(): Promise<void>
  /** Who made it. */
  getInfo(): { readonly usbVendorId?: number; readonly usbProductId?: number }
  /** Sets the lines that are named. */
  setSignals(signals: { readonly dataTerminalReady?: boolean; readonly requestToSend?: boolean; readonly break?: boolean }): Promise<void>
  /** Reads the other side's lines. */
  getSignals(): Promise<{
    readonly dataCarrierDetect: boolean
    readonly clearToSend: boolean
    readonly ringIndicator: boolean
    readonly dataSetReady: boolean
  }>
}

/** How it is opened. */
export interface WebSerialOptions {
  baudRate: number
  dataBits?: number
  stopBits?: number
  parity?: 'none' | 'even' | 'odd'
  bufferSize?: number
  flowControl?: 'none' | 'hardware'
}

/** A ReadableStream of bytes. */
export interface WebReadable {
  getReader(): WebReader
}

/** Its default reader. */
export interface WebReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
  cancel(): Promise<void>
  releaseLock(): void
}

/** A WritableStream of bytes. */
export interface WebWritable {
  getWriter(): WebWriter
}

/** Its writer. */
export interface WebWriter {
  write(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
  abort(): Promise<void>
  releaseLock(): void
}
