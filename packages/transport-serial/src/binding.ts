/**
 * What this package needs of whoever drives the hardware. It is what `serialport` calls a binding, so that `SerialPort.binding`, its mock, or
 * another binding fits as it is; what is optional here is what those lack.
 */

/** Which direction `flush` discards. */
export type FlushDirection = 'in' | 'out' | 'both'

/** Lines that we set. */
export interface OutputSignals {
  /** Data terminal ready. */
  readonly dtr: boolean
  /** Request to send. With `rtscts` the system drives it. */
  readonly rts: boolean
}

/** Lines that the other side sets. */
export interface InputSignals {
  /** Clear to send. */
  readonly cts: boolean
  /** Data set ready. */
  readonly dsr: boolean
  /** Data carrier detect. */
  readonly dcd: boolean
  /** Ring indicator, where the system tells. */
  readonly ri?: boolean
}

/** A port, as listed. */
export interface SerialPortInfo {
  /** What to open it by. */
  readonly path: string
  /** The maker's name. */
  readonly manufacturer?: string | undefined
  /** The device's own number: the same after it was unplugged, and on another path. */
  readonly serialNumber?: string | undefined
  /** The system's id of the device. */
  readonly pnpId?: string | undefined
  /** Where it is plugged in. */
  readonly locationId?: string | undefined
  /** USB's number of the maker, four hexadecimal digits. */
  readonly vendorId?: string | undefined
  /** The maker's number of the product, four hexadecimal digits. */
  readonly productId?: string | undefined
}

/** How a line is set up. */
export interface LineSettings {
  /** Symbols in a second. Default 9,600. */
  readonly baudRate?: number
  /** Bits of a character. Default 8. */
  readonly dataBits?: 5 | 6 | 7 | 8
  /** Stop bits. Default 1. */
  readonly stopBits?: 1 | 1.5 | 2
  /** The parity bit. Default `none`; `mark` and `space` on Windows alone. */
  readonly parity?: 'none' | 'even' | 'odd' | 'mark' | 'space'
  /** Flow control by the lines RTS and CTS, both ways. Default false. */
  readonly rtscts?: boolean
  /** Stop sending when XOFF (0x13) comes, until XON (0x11): both vanish from the data. Default false. */
  readonly xon?: boolean
  /** Send XOFF when the system's buffer is nearly full, and XON when it is not. Default false. */
  readonly xoff?: boolean
  /** With `xon`: any character goes on. Default false. */
  readonly xany?: boolean
  /** Drop DTR when the port is closed. Default true. */
  readonly hupcl?: boolean
  /** Nobody else may open it meanwhile (on Unix: nobody who asks for the lock). Default true. */
  readonly lock?: boolean
}

/** What a binding is given: all settings. Where the parity is `mark` or `space`, that comes in spite of the type, which is that of serialport on Unix. */
export interface SerialBindingOptions extends Required<Omit<LineSettings, 'parity'>> {
  /** What to open. */
  readonly path: string
  /** The parity bit. */
  readonly parity: 'none' | 'even' | 'odd'
}

/** Drives ports. */
export interface SerialBinding {
  /** The ports that there are. */
  list(): Promise<readonly SerialPortInfo[]>
  /** Opens one. */
  open(options: SerialBindingOptions): Promise<SerialBindingPort>
}

/** An open port. */
export interface SerialBindingPort {
  /** Resolves when at least one byte came. No bytes are no end. Rejects when the port is closed, or gone. Called when no other read is pending. */
  read(buffer: Uint8Array, offset: number, length: number): Promise<{ readonly bytesRead: number }>
  /** Resolves when the system has all of it; or, with a number, the first so many bytes of it. Called when no other write is pending. */
  write(bytes: Uint8Array): Promise<number | void>
  /** Changes the rate. May discard what is on its way. */
  update(options: { readonly baudRate: number }): Promise<void>
  /** Sets the lines, and the break condition: all of them, at each call. */
  set(signals: OutputSignals & { readonly brk: boolean }): Promise<void>
  /** Reads the lines. */
  get(): Promise<InputSignals>
  /** Discards what came and was not read, and what was written and not sent; or one of them, where `flushesSeparately`. */
  flush(direction?: FlushDirection): Promise<void>
  /** Resolves when everything written is on the wire. May take for ever under flow control; a flush ends it. */
  drain(): Promise<void>
  /** Closes. Pending reads and writes reject. */
  close(): Promise<void>
  /** Our lines as the system leaves them when it opens the port. Default: both on. */
  readonly initialSignals?: OutputSignals
  /** Whether `flush` heeds its direction. */
  readonly flushesSeparately?: boolean
  /** Calls `listener` whenever a line changes that the other side sets. A port without it is asked from time to time. */
  watchSignals?(listener: () => void): void
  /** Calls `listener` for each mishap on the line. A port without it does not tell. */
  watchErrors?(listener: (error: LineError) => void): void
}

/** What can happen to a character on the line. The character is lost, or wrong; the port lives on. */
export type LineError = 'overrun' | 'framing' | 'parity' | 'break'
