/**
 * Our own stdio as a connection: what comes on stdin, and what goes to stdout.
 *
 * `process.stdin` and `process.stdout` are used, and not streams of our own on the same descriptors, for libuv can poll a descriptor for one owner
 * alone. Node makes pipes non-blocking, which their other holders share, and undoes it when this process exits.
 *
 * The end. Node never closes descriptors 0 to 2, so who reads our output would see its end only when we exit. Where stdout is a pipe or a socket
 * the end is announced by closing it, and /dev/null takes its place at once: what is still printed goes nowhere, instead of into the file or the
 * connection that would get the free number next. The same goes for stdin. Terminals and files are left as they are.
 */
import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { devNull } from 'node:os'
import { type Connector, type StreamTransport, UsageError } from '@async/core'
import { type TransportOptions, transportPolicy, type TransportPolicy } from '@async/core/base'
import { type FdKind, kindOf } from './fd-streams.ts'
import { PairTransport } from './pair-transport.ts'

let taken: StdioTransport | undefined

/**
 * Stdin and stdout of this process as one transport. There is one in the life of a process.
 * @throws UsageError `ERR_STDIO_TAKEN` the second time; ConnectionError if the process was started without stdin or stdout.
 */
export function stdioTransport(options?: TransportOptions): StreamTransport {
  if (taken !== undefined) throw new UsageError('ERR_STDIO_TAKEN', 'stdin and stdout are a transport already, or were one')
  taken = new StdioTransport(transportPolicy(options), kindOf(0), kindOf(1))
  return taken
}

/** A connector that gives the transport of our own stdio, once. */
export function stdioConnector(options?: TransportOptions): Connector<StreamTransport> {
  transportPolicy(options)
  return {
    connect: async (how) => {
      how?.signal?.throwIfAborted()
      return stdioTransport(options)
    },
  }
}

/** What the transport of our stdio still has to hand over; resolves also if it can't any more. */
export async function stdioDrained(): Promise<void> {
  await taken?.drained(0).catch(() => {})
}

class StdioTransport extends PairTransport {
  private readonly inputKind: FdKind
  private readonly outputKind: FdKind
  private outputOpen = true

  constructor(policy: TransportPolicy, inputKind: FdKind, outputKind: FdKind) {
    super(policy, [process.stdin], process.stdout, { local: 'stdio:' })
    this.inputKind = inputKind
    this.outputKind = outputKind
  }

  protected override sendEnd(): void {
    if (isShared(this.outputKind)) super.sendEnd()
    else process.nextTick(() => this.endSent())
  }

  /** A socket was told by `end()`; this is for pipes, and frees both. */
  protected override closeOutput(): void {
    this.releaseOutput()
    this.endSent()
  }

  protected override destroy(_reset: boolean): void {
    const { stdin } = process
    this.stopReading()
    stdin.off('data', this.dataCame)
    if (isShared(this.inputKind)) {
      stdin.destroy()
      replace(0, 'r')
    }
    if (isShared(this.outputKind)) this.releaseOutput()
  }

  private releaseOutput(): void {
    if (!this.outputOpen) return
    this.outputOpen = false
    // Node's `process.stdout` refuses to be destroyed. The socket that it is has to let go, or it polls a descriptor that is another by then.
    const { stdout } = process as { readonly stdout: unknown }
    if (stdout instanceof Socket) Socket.prototype._destroy.call(stdout, null, () => {})
    replace(1, 'w')
  }
}

/** Whether somebody at the other end waits for an end. (On Windows descriptors are Node's own numbers: left alone.) */
function isShared(kind: FdKind): boolean {
  return (kind === 'pipe' || kind === 'socket') && process.platform !== 'win32'
}

/** The number closed is the lowest that is free, so it is the one that is given next. */
function replace(fd: 0 | 1, flags: 'r' | 'w'): void {
  closeSync(fd)
  openSync(devNull, flags)
}
