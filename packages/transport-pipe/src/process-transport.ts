/**
 * A child process as a connection: what it reads on stdin is what we write, what it says on stdout is what we hear.
 *
 * The end. It is over when the process has exited *and* its output has ended: either alone is not the end, for what it wrote last may still be on
 * its way, and who closes stdout may still read. A grandchild can hold the output open for ever, so after the exit it has `drainTimeoutMs` of time
 * in which we read. `connectionLost` waits for both in every case, so that its reason has the exit status.
 *
 *   close()    queue ──► end of input ──lingerMs──► SIGTERM ──termTimeoutMs──► SIGKILL          a process that ends earlier is asked no further
 *   abort()    SIGKILL; nothing more is read; likewise after a time-out, a limit, or a callback that threw
 *   both ended while the process lives on, or it takes no more input: from SIGTERM on, after lingerMs
 */
import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { type Cause, type CloseReason, ConnectionError, type StreamTransport } from '@async/core'
import type { TransportPolicy } from '@async/core/base'
import { exitError, type ExitStatus, type ProcessCloseReason } from './exit-status.ts'
import { PairTransport } from './pair-transport.ts'
import { forget } from './reaper.ts'

/** Milliseconds in which a process that was sent SIGKILL should be gone. One that the kernel holds is not. */
const killTimeoutMs = 2_000

/** A process, as a connection. */
export interface ProcessConnection extends StreamTransport {
  /** Why it ended, with `exit`. */
  readonly closed: Promise<ProcessCloseReason>
  /** The process’s id. */
  readonly pid: number
  /** How it ended, once it has. */
  readonly exit: ExitStatus | undefined
  /** Further connections to it, by their names in the options. */
  readonly channels: Readonly<Record<string, StreamTransport>>
  /** Sends it a signal. Whether it could be sent. */
  kill(signal?: NodeJS.Signals): boolean
}

/** stderr, where it is read and not part of the output. */
export interface Complaints {
  readonly stream: Readable
  /** All of it was given to whom it is for. */
  readonly done: Promise<void>
}

/** What of `ExecOptions` a transport needs. */
export interface ProcessTimes {
  /** See `ExecOptions`. */
  readonly termTimeoutMs: number
  /** See `ExecOptions`. */
  readonly drainTimeoutMs: number
}

/** How far a process that should end has been asked to. */
type Asked = 'no' | 'endOfInput' | 'term' | 'kill' | 'givenUp'

/** See above. */
export class ProcessTransport extends PairTransport implements ProcessConnection {
  readonly pid: number
  exit: ExitStatus | undefined
  readonly channels: Readonly<Record<string, StreamTransport>>
  private readonly child: ChildProcess
  private readonly name: string
  private readonly times: ProcessTimes
  private readonly complaints: Complaints | undefined
  private complaintsOver: boolean
  private asked: Asked = 'no'
  private askTimer: unknown
  private outputOver = false
  private drainTimer: unknown
  private drainLeftMs: number
  private drainDueMs = 0
  private lossWaits = false

  constructor(
    policy: TransportPolicy,
    child: ChildProcess,
    name: string,
    streams: { readonly inputs: readonly Readable[]; readonly output: Writable; readonly complaints: Complaints | undefined },
    channels: Readonly<Record<string, StreamTransport>>,
    times: ProcessTimes,
  ) {
    super(policy, streams.inputs, streams.output, { remote: `${name}[${child.pid}]` })
    this.child = child
    this.name = name
    this.pid = child.pid!
    this.channels = channels
    this.complaints = streams.complaints
    this.times = times
    this.drainLeftMs = times.drainTimeoutMs
    child.on('exit', (code, signal) => this.exited({ code, signal }))
    this.complaintsOver = streams.complaints === undefined
    void streams.complaints?.done.then(() => {
      this.complaintsOver = true
      this.maybeOver()
    })
  }

  override get closed(): Promise<ProcessCloseReason> {
    return super.closed
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    return this.child.kill(signal)
  }

  protected override startReading(): void {
    super.startReading()
    if (this.exit !== undefined) this.startDraining()
  }

  protected override stopReading(): void {
    super.stopReading()
    this.stopDraining()
  }

  protected override receivedEof(): void {
    this.outputOver = true
    super.receivedEof()
    this.maybeOver()
  }

  /** Behind a pause. */
  protected override deliverEof(): void {
    super.deliverEof()
    if (this.exit !== undefined && this.cause === undefined) this.startDraining()
  }

  /** Who broke off here is obeyed at once. Else the process is given time to end: also one that took no more input, for it may be about to exit. */
  protected override destroy(reset: boolean): void {
    const { kind } = this.cause!
    if (reset && kind !== 'reset' && kind !== 'gone') {
      super.destroy(reset)
      this.outputOver = true
      this.dropComplaints()
      this.ask('kill')
    } else {
      this.output.destroy()
      // What it still says is read and counted, for else a signal would end it, in the midst of what it may have to finish.
      super.startReading()
      this.ask(this.outputOver ? 'endOfInput' : 'term')
    }
  }

  /** Waits until the process is over, too. */
  protected override deliverLoss(below?: CloseReason): void {
    if (this.isOver || this.asked === 'givenUp') this.tellLoss(below)
    else this.lossWaits = true
  }

  private dropComplaints(): void {
    this.complaints?.stream.destroy()
    this.complaintsOver = true
  }

  private get isOver(): boolean {
    return this.exit !== undefined && this.outputOver && this.complaintsOver
  }

  private exited(exit: ExitStatus): void {
    this.exit = Object.freeze(exit)
    forget(this.child)
    this.stopAsking()
    // Also when its output has ended: what it says on stderr may go on.
    if (!this.isIdle && this.readHalf !== 'paused') this.startDraining()
    this.maybeOver()
  }

  private maybeOver(): void {
    if (!this.isOver) return
    this.stopDraining()
    if (this.lossWaits) return this.tellLoss()
    const exit = this.exit!
    if (failed(exit)) this.lost({ kind: 'gone', error: exitError(this.name, exit) })
    else if (this.queuedBytes > 0) {
      this.lost({ kind: 'gone', error: new ConnectionError('ERR_EXIT_STATUS', `${this.name} exited with status 0, and has not read ${this.queuedBytes} bytes`) })
    } else this.lost({ kind: 'closed', by: this.endedBy ?? 'peer' })
  }

  private tellLoss(below?: CloseReason): void {
    this.stopAsking()
    this.stopDraining()
    this.lossWaits = false
    super.destroy(true)
    this.dropComplaints()
    super.deliverLoss(below)
  }

  /** With the exit status; and what the end of its output left open is known by now: whether it failed. */
  protected override makeReason(cause: Cause, below: CloseReason | undefined): CloseReason {
    const { exit, asked } = this
    if (exit === undefined) return super.makeReason(cause, below)
    const byItself = asked === 'no' || asked === 'endOfInput'
    const ended = failed(exit) && byItself && (cause.kind === 'reset' || (cause.kind === 'closed' && cause.by === 'peer'))
    const told: Cause = ended ? { kind: 'gone', error: exitError(this.name, exit, 'error' in cause ? cause.error : undefined) } : cause
    return Object.freeze(Object.assign({ ...super.makeReason(told, below) }, { exit }))
  }

  // ── asking it to end ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private ask(how: Exclude<Asked, 'no'>): void {
    this.stopAsking()
    if (this.exit !== undefined) return
    this.asked = how
    if (how === 'endOfInput') return this.askLater('term', this.policy.lingerMs)
    if (how === 'term') {
      this.child.kill('SIGTERM')
      return this.askLater('kill', this.times.termTimeoutMs)
    }
    if (how === 'kill') {
      this.child.kill('SIGKILL')
      return this.askLater('givenUp', killTimeoutMs)
    }
    if (this.lossWaits) this.tellLoss()
  }

  private askLater(how: Exclude<Asked, 'no'>, ms: number): void {
    this.askTimer = this.policy.clock.setTimer(() => this.ask(how), ms)
  }

  private stopAsking(): void {
    this.policy.clock.clearTimer(this.askTimer)
    this.askTimer = undefined
  }

  // ── what is left of its output ───────────────────────────────────────────────────────────────────────────────────────────────────

  private startDraining(): void {
    if (this.drainTimer !== undefined || this.isOver) return
    this.drainDueMs = this.policy.clock.nowMs() + this.drainLeftMs
    this.drainTimer = this.policy.clock.setTimer(() => this.drainOver(), this.drainLeftMs)
  }

  private stopDraining(): void {
    if (this.drainTimer === undefined) return
    this.policy.clock.clearTimer(this.drainTimer)
    this.drainTimer = undefined
    this.drainLeftMs = Math.max(0, this.drainDueMs - this.policy.clock.nowMs())
  }

  /** Somebody else holds its output; or its stderr alone, and then the output was whole. */
  private drainOver(): void {
    this.drainTimer = undefined
    const { outputOver } = this
    this.outputOver = true
    this.dropComplaints()
    if (this.lossWaits || outputOver) return this.maybeOver()
    const error = new ConnectionError('ERR_OUTPUT_HELD', `${this.name} is over, and something that it started holds its output open`)
    this.lost(this.endedBy === 'local' ? { kind: 'closed', by: 'local' } : { kind: 'gone', error })
  }
}

function failed({ code }: ExitStatus): boolean {
  return code !== 0
}
