import type { Request } from './arguments.ts'
import { openCaller } from './build.ts'
import { deadline, orAborted } from './deadline.ts'
import { CommandError, exitCodes, printable, type ExitCode } from './exit.ts'
import type { Io } from './io.ts'
import { readAll, readParams } from './params.ts'
import { planStack } from './plan.ts'

/** `async call STACK METHOD [PARAMS]`: calls a method and prints the result. */
export async function call(request: Request & { readonly command: 'call' }, io: Io): Promise<ExitCode> {
  const plan = planStack(request.stack, 'calls')
  const params = await orAborted(readParams(request.params, () => readAll(io.stdin)), io.signal)
  const limit = deadline(request.timeoutMs, request.notify ? 'not sent' : 'no answer', io.signal)
  try {
    const caller = await openCaller(plan, io, limit.signal)
    try {
      if (request.notify) {
        await orAborted(caller.notify(request.method, params, limit.signal), limit.signal)
        return exitCodes.ok
      }
      const result = await caller.call(request.method, params, limit.signal)
      io.stdout.write(`${printable(result, isTerminal(io) ? 2 : 0)}\n`)
      return exitCodes.ok
    } finally {
      await caller.close()
    }
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : answered(error)
  } finally {
    limit.clear()
  }
}

/** What the peer answered, if it is that, as the command's own error. */
function answered(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'JsonRpcError') return error
  const { code, message, data } = error as Error & { readonly code: number; readonly data?: unknown }
  return new CommandError(exitCodes.answeredError, `answered ${code}: ${message}${data === undefined ? '' : ` ${printable(data)}`}`)
}

function isTerminal(io: Io): boolean {
  return (io.stdout as { readonly isTTY?: boolean }).isTTY === true
}
