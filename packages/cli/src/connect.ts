import type { CloseReason } from '@async/core'
import type { Request } from './arguments.ts'
import { connector } from './build.ts'
import { deadline } from './deadline.ts'
import { exitCodes, type ExitCode } from './exit.ts'
import type { Io } from './io.ts'
import { planStack } from './plan.ts'
import { tie } from './tie.ts'

/** `async connect STACK`: ties the top of a stack to standard input and output. */
export async function connect(request: Request & { readonly command: 'connect' }, io: Io): Promise<ExitCode> {
  const plan = planStack(request.stack, 'data')
  const connects = await connector(plan, io)
  const limit = deadline(request.timeoutMs, 'no connection', io.signal)
  const transport = await connects.connect({ signal: limit.signal }).finally(limit.clear)
  io.signal.addEventListener('abort', () => transport.abort(io.signal.reason))
  const reason = await tie(transport, { input: io.stdin, output: io.stdout, delimiter: request.delimiter })
  io.signal.throwIfAborted()
  throwUnlessInOrder(reason)
  return exitCodes.ok
}

function throwUnlessInOrder(reason: CloseReason): void {
  if ('error' in reason) throw reason.error
}
