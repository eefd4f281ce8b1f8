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
  getInfo(): { readonly usbVendorId?: number | undefined; readonly usbProductId?: number | undefined }
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
  /** Symbols in a second. */
  baudRate: number
  /** Bits of a character. Default 8. */
  dataBits?: 7 | 8
  /** Stop bits. Default 1. */
  stopBits?: 1 | 2
  /** The parity bit. Default `none`. */
  parity?: 'none' | 'even' | 'odd'
  /** Bytes of the browser's buffers. Default 255. */
  bufferSize?: number
  /** By RTS and CTS, or not. Default `none`. */
  flowControl?: 'none' | 'hardware'
}

/** A ReadableStream of bytes. */
export interface WebReadable {
  /** Locks it. */
  getReader(): WebReader
}

/** Its default reader. */
export interface WebReader {
  /** Resolves with what came, or that it is over. */
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
  /** Ends it, and discards what came. */
  cancel(): Promise<void>
  /** Unlocks the stream. */
  releaseLock(): void
}

/** A WritableStream of bytes. */
export interface WebWritable {
  /** Locks it. */
  getWriter(): WebWriter
}

/** Its writer. */
export interface WebWriter {
  /** Resolves when the browser has it. */
  write(bytes: Uint8Array): Promise<void>
  /** Ends it, and resolves when all is on the wire. */
  close(): Promise<void>
  /** Ends it, and discards what is not on the wire. */
  abort(): Promise<void>
  /** Unlocks the stream. */
  releaseLock(): void
}
