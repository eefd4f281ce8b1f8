import { once } from 'node:events'
import { formatStack } from '@async/core'
import type { Request } from './arguments.ts'
import { listen } from './build.ts'
import { orAborted } from './deadline.ts'
import { exitCodes, type ExitCode } from './exit.ts'
import { tell, type Io } from './io.ts'
import { loadModule } from './module.ts'
import { planStack } from './plan.ts'

/** `async serve STACK MODULE`: serves a module's functions until it is told to end. */
export async function serve(request: Request & { readonly command: 'serve' }, io: Io): Promise<ExitCode> {
  const plan = planStack(request.stack, 'calls')
  const functions = await orAborted(loadModule(request.module, io.folder), io.signal)
  const { listener, where, work } = await listen(plan, functions, io)
  io.stdout.write(`${formatStack({ ...plan.description, transport: { ...plan.transport, ...where } })}\n`)
  tell(io, `serving ${[...functions.keys()].join(', ')}; Ctrl-C ends it`)
  if (!io.signal.aborted) await once(io.signal, 'abort')
  listener.close()
  tell(io, `ending; calls that run have ${request.graceMs} ms to finish`)
  const deadlineMs = performance.now() + request.graceMs
  // When every caller has left, nobody waits for what still runs.
  await Promise.race([work.idle(request.graceMs), listener.closed])
  await listener.closeConnections({ graceMs: Math.max(0, deadlineMs - performance.now()) })
  io.signal.throwIfAborted()
  return exitCodes.ok
}
