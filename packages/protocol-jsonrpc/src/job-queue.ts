import type { Job } from './job.ts'

/** Jobs that wait, in order. Those that were cancelled leave at once; what is left of them is bounded by those that wait. */
export class JobQueue {
  /** Bytes of those that wait. */
  bytes = 0
  private jobs: Job[] = []
  private start = 0
  /** In `jobs`, and not waiting any more. */
  private gone = 0

  /** How many wait. */
  get count(): number {
    return this.jobs.length - this.start - this.gone
  }

  push(job: Job): void {
    this.jobs.push(job)
    this.bytes += job.bytes
  }

  /** The first that waits. There is one. */
  get first(): Job {
    while (this.jobs[this.start]!.cancelled !== undefined) {
      this.start++
      this.gone--
    }
    return this.jobs[this.start]!
  }

  /** Removes `first`. */
  shift(): void {
    this.bytes -= this.jobs[this.start]!.bytes
    this.jobs[this.start++] = undefined as never
    // Moved only when half of it is gone, so that each job is moved at most once on average.
    if (this.start * 2 >= this.jobs.length) {
      this.jobs = this.jobs.slice(this.start)
      this.start = 0
    }
  }

  /** One that waits was cancelled. */
  leave(job: Job): void {
    this.gone++
    this.bytes -= job.bytes
    // Else one who asks and cancels for ever would fill the queue with what nobody waits for.
    if (this.gone * 2 <= this.jobs.length - this.start) return
    this.jobs = this.jobs.filter((each, at) => at >= this.start && each.cancelled === undefined)
    this.start = 0
    this.gone = 0
  }
}
