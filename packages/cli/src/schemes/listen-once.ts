import type { Connector, Listener } from '@async/core'
import type { Accept, Any } from './scheme.ts'

/** A connection that there is only one of (a serial line, our own standard input and output, a process), as a listener. */
export async function listenOnce(connector: Connector<Any>, address: string, signal: AbortSignal, accept: Accept): Promise<Listener> {
  const transport = await connector.connect({ signal })
  await accept(transport)
  return {
    address,
    closed: transport.closed.then(() => {}),
    // Nobody else can come.
    close() {},
    async closeConnections(options) {
      transport.close(options?.graceMs === undefined ? {} : { timeoutMs: options.graceMs })
      await transport.closed
    },
    abortConnections: (cause) => transport.abort(cause),
  }
}
