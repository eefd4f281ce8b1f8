import { once } from 'node:events'
import { formatStack } from '@async/core'
import type { Request } from './arguments.ts'
import { serveCalls, serveRequests, type Serving } from './build.ts'
import { orAborted } from './deadline.ts'
import { exitCodes, type ExitCode } from './exit.ts'
import { tell, type Io } from './io.ts'
import { loadFetch, loadModule } from './module.ts'
import { planStack, type Plan } from './plan.ts'

/** `async serve STACK MODULE`: serves a module until it is told to end, or the only connection that there can be is over. */
export async function serve(request: Request & { readonly command: 'serve' }, io: Io): Promise<ExitCode> {
  const plan = planStack(request.stack, 'served')
  const { listener, where, names, rest } = await begin(plan, request.module, io)
  const stack = formatStack({ ...plan.description, transport: { ...plan.transport, ...where } })
  // There standard output is the connection.
  if (plan.transport.scheme === 'stdio') tell(io, stack)
  else io.stdout.write(`${stack}\n`)
  tell(io, `serving ${names.join(', ')}; Ctrl-C ends it`)
  if (!io.signal.aborted) await Promise.race([once(io.signal, 'abort'), listener.closed])
  if (!io.signal.aborted) return exitCodes.ok
  listener.close()
  tell(io, `ending; what runs has ${request.graceMs} ms to finish`)
  const deadlineMs = performance.now() + request.graceMs
  // When every caller has left, nobody waits for what still runs.
  await Promise.race([rest(request.graceMs), listener.closed])
  await listener.closeConnections({ graceMs: Math.max(0, deadlineMs - performance.now()) })
  io.signal.throwIfAborted()
  return exitCodes.ok
}

async function begin(plan: Plan, module: string, io: Io): Promise<Serving> {
  if (plan.requests !== undefined) return serveRequests(plan, await orAborted(loadFetch(module, io.folder), io.signal), io)
  return serveCalls(plan, await orAborted(loadModule(module, io.folder), io.signal), io)
}
