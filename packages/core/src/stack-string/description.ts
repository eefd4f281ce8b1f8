import { UsageError } from '../errors.ts'

/** Parameters by name. The object has no prototype, so that a name from outside (`__proto__`) is only a name. */
export type StackParams = Readonly<Record<string, string>>

/** A layer of a stack, as written. */
export interface StackLayer {
  /** Its name: `[a-z][a-z0-9-]*`. Not a module's name: the caller decides what stands for it. */
  readonly scheme: string
  /** What follows it as `;name=value`, decoded. The target of a URL is the parameter `path` of `http` or `ws`. */
  readonly params: StackParams
}

/** The lowest part of a stack, as written. */
export interface StackTransport extends StackLayer {
  /** Host name or address (IPv6 without brackets). Absent: the caller's choice. */
  readonly host?: string
  /** 0 to 65535. Always there for `tcp`. */
  readonly port?: number
  /** The path, decoded: a socket's or device's name. Never there for `tcp`. */
  readonly path?: string
  /** The command and its arguments; only `exec` has them, at least one. */
  readonly words?: readonly string[]
}

/** A stack, as written: plain data, that says nothing about what exists. */
export interface StackDescription {
  /** Top first; the short forms expanded. */
  readonly layers: readonly StackLayer[]
  /** What is lowest. */
  readonly transport: StackTransport
}

/** A stack string is not one. Code `ERR_STACK_SYNTAX`. */
export class StackSyntaxError extends UsageError {
  /** Where, in UTF-16 units from the start. */
  readonly offset: number
  /** What would have been right there. */
  readonly expected: string

  constructor(message: string, offset: number, expected: string) {
    super('ERR_STACK_SYNTAX', message)
    this.offset = offset
    this.expected = expected
  }
}
