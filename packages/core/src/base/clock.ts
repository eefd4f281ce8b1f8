/** Time, injected: what transports and protocols use for their deadlines, so that tests can drive them on virtual time. */
export interface Clock {
  /** Milliseconds since some start; never goes back, whatever the wall clock does. */
  nowMs(): number
  /** Calls `task` once, from a clean stack, `ms` milliseconds from now. */
  setTimer(task: () => void, ms: number): unknown
  /** Forgets a timer. One that has fired, or was cleared, is ignored. */
  clearTimer(timer: unknown): void
}

/** Above it (24.8 days) every runtime's timers are due at once: `Infinity` would be a millisecond. */
const maxTimerMs = 2 ** 31 - 1

/** Looked up once, for on Node the global is a getter, and when it is asked, for that loads what a program may never need. */
let time: typeof performance | undefined

/** The runtime's own time. Timers of more than 24.8 days, `Infinity` among them, are cut to that. */
export const systemClock: Clock = {
  nowMs: () => (time ??= performance).now(),
  setTimer: (task, ms) => setTimeout(task, Math.min(ms, maxTimerMs)),
  // Each runtime has its own type of timer; this is the one that its setTimeout gave.
  clearTimer: (timer) => clearTimeout(timer as never),
}

interface Macrotasks {
  readonly setImmediate?: (task: () => void) => unknown
  readonly MessageChannel?: new () => { port1: { onmessage: (() => void) | null }; port2: { postMessage(data: unknown): void } }
}

function findAfterTurn(): (task: () => void) => void {
  const { setImmediate, MessageChannel } = globalThis as object as Macrotasks
  if (setImmediate !== undefined) return setImmediate
  if (MessageChannel === undefined) return (task) => void setTimeout(task, 0)
  let queue: (() => void)[] = []
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    const due = queue
    queue = []
    for (const task of due) task()
  }
  return (task) => {
    if (queue.push(task) === 1) port2.postMessage(undefined)
  }
}

let found: ((task: () => void) => void) | undefined

/** Calls `task` once this turn of the event loop, its microtasks included, is over. */
export function afterTurn(task: () => void): void {
  found ??= findAfterTurn()
  found(task)
}

const settled: Promise<void> = Promise.resolve()

/** Tasks for the microtask that is asked for, and what each is given: two of them, for while one runs the other gathers. */
let tasks: (((given: never) => void) | undefined)[] = []
let givens: unknown[] = []
let count = 0
let spareTasks: typeof tasks = []
let spareGivens: unknown[] = []

/**
 * Calls `task(given)` in a microtask, in the order of the calls. What it throws is an unhandled rejection. Node's `queueMicrotask` makes an
 * asynchronous resource at each call, and a promise of its own is 150 bytes: here the tasks of a turn share one, and a task needs no closure.
 */
export function soon(task: () => void): void
export function soon<T>(task: (given: T) => void, given: T): void
export function soon(task: (given: never) => void, given?: unknown): void {
  tasks[count] = task
  givens[count] = given
  if (count++ === 0) void settled.then(runSoon)
}

function runSoon(): void {
  const due = tasks
  const dueGivens = givens
  const dueCount = count
  tasks = spareTasks
  givens = spareGivens
  count = 0
  for (let at = 0; at < dueCount; at++) {
    const task = due[at]!
    const given = dueGivens[at]
    due[at] = undefined
    dueGivens[at] = undefined
    try {
      task(given as never)
    } catch (error) {
      void Promise.reject(error)
    }
  }
  spareTasks = due
  spareGivens = dueGivens
}
