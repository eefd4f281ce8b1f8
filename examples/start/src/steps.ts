import { isJsonRpcError, type BatchEntry, type Caller } from '@async/protocol-jsonrpc'
import type { Recorder } from './crossings.ts'
import { callText } from './service.ts'

/** What came of a call: a result, an error of the application, or (a notification) nothing. */
export type Outcome = { readonly result: unknown } | { readonly error: ErrorOutcome } | 'sent'

interface ErrorOutcome {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** One message, and what must come of it. */
export interface Step {
  readonly title: string
  readonly entries: readonly BatchEntry[]
  readonly expected: readonly Outcome[]
}

/** The conversation: the same on every stack. */
export const steps: readonly Step[] = [
  { title: 'a call, params by position', entries: [{ method: 'add', params: [1, 2] }], expected: [{ result: 3 }] },
  { title: 'a call, params by name', entries: [{ method: 'greet', params: { name: 'Ada' } }], expected: [{ result: 'Hello, Ada!' }] },
  {
    title: 'an error of the application',
    entries: [{ method: 'divide', params: [1, 0] }],
    expected: [{ error: { code: 1, message: 'division by zero', data: { dividend: 1 } } }],
  },
  { title: 'a notification', entries: [{ method: 'note', params: ['seen'], notification: true }], expected: ['sent'] },
  {
    title: 'a batch: a call, a notification, a method that is not there, a call',
    entries: [
      { method: 'add', params: [20, 22] },
      { method: 'note', params: ['again'], notification: true },
      { method: 'subtract', params: [3, 1] },
      { method: 'notes' },
    ],
    expected: [{ result: 42 }, 'sent', { error: { code: -32601, message: 'Method not found' } }, { result: ['seen', 'again'] }],
  },
]

/** Runs one step, and records what crosses between the application and its protocol. */
export async function runStep(caller: Caller, step: Step, recorder?: Recorder): Promise<Outcome[]> {
  recorder?.add('calls', 'down', stepText(step))
  const outcomes = await send(caller, step)
  recorder?.add('calls', 'up', outcomes.map(outcomeText).join(', '))
  return outcomes
}

/** A single entry as a call or notification, several as a batch. */
async function send(caller: Caller, { entries }: Step): Promise<Outcome[]> {
  const [only] = entries
  if (only === undefined || entries.length > 1) {
    return Promise.all(caller.batch(entries).map((promise, at) => settled(promise, entries[at]?.notification === true)))
  }
  const { method, params } = only
  if (only.notification === true) return [await settled(Promise.resolve(caller.notify(method, params)), true)]
  return [await settled(caller.call(method, params), false)]
}

async function settled(promise: Promise<unknown>, notification: boolean): Promise<Outcome> {
  try {
    const result = await promise
    return notification ? 'sent' : { result }
  } catch (error) {
    if (!isJsonRpcError(error)) throw error
    const { code, message, data } = error
    return { error: data === undefined ? { code, message } : { code, message, data } }
  }
}

/** Whether the outcomes are those that must come. */
export function isRight(step: Step, outcomes: readonly Outcome[]): boolean {
  return JSON.stringify(outcomes) === JSON.stringify(step.expected)
}

/** The step as a person writes it. */
function stepText({ entries }: Step): string {
  const mark = (notification?: boolean): string => (notification === true ? ' (notification)' : '')
  return entries.map(({ method, params, notification }) => callText(method, params) + mark(notification)).join(', ')
}

/** An outcome as a person writes it. */
function outcomeText(outcome: Outcome): string {
  if (outcome === 'sent') return 'sent, no answer'
  if ('result' in outcome) return JSON.stringify(outcome.result)
  const { code, message, data } = outcome.error
  return `error ${code}: ${message}${data === undefined ? '' : ` ${JSON.stringify(data)}`}`
}
