/** What transport-pipe has: Unix sockets, Windows' named pipes, FIFOs, descriptors, standard input and output, processes. */
import type { Connector, StackTransport } from '@async/core'
import type * as Pipe from '@async/transport-pipe'
import { usage } from '../exit.ts'
import { layerOptions } from '../layer-options.ts'
import { listenOnce } from './listen-once.ts'
import type { Any, Surroundings, TransportScheme } from './scheme.ts'

const listening = { maxConnections: 'count', backlog: 'count' } as const

const load = ({ load }: Surroundings, scheme: string): Promise<typeof Pipe> => load<typeof Pipe>('@async/transport-pipe', scheme)

/** `unix:/run/app.sock`, with `?abstract=true` for a name that is no file. */
export const unix: TransportScheme = {
  gives: 'stream',
  async connector(transport, around) {
    const { unixConnector } = await load(around, 'unix')
    return unixConnector({ path: pathOf(transport), ...layerOptions(transport, { abstract: 'boolean', connectTimeoutMs: 'count' }) })
  },
  async listen(transport, around, accept) {
    const { listenUnix } = await load(around, 'unix')
    const options = layerOptions(transport, { abstract: 'boolean', mode: 'text', ...listening })
    return { listener: await listenUnix({ path: pathOf(transport), ...options }, (accepted) => accept(accepted)), where: {} }
  },
}

/** `pipe:\\.\pipe\name` */
export const namedPipe: TransportScheme = {
  gives: 'stream',
  async connector(transport, around) {
    const { namedPipeConnector } = await load(around, 'pipe')
    return namedPipeConnector({ path: pathOf(transport), ...layerOptions(transport, { connectTimeoutMs: 'count' }) })
  },
  async listen(transport, around, accept) {
    const { listenNamedPipe } = await load(around, 'pipe')
    return { listener: await listenNamedPipe({ path: pathOf(transport), ...layerOptions(transport, listening) }, (accepted) => accept(accepted)), where: {} }
  },
}

/** `fifo:/run/app.in?writePath=/run/app.out` */
export const fifo: TransportScheme = only(async (transport, around) => {
  const { writePath, ...others } = layerOptions(transport, { writePath: 'text', connectTimeoutMs: 'count' })
  if (writePath === undefined) throw usage('a FIFO goes one way: fifo needs the other one too, as in fifo:/run/app.in?writePath=/run/app.out')
  return (await load(around, 'fifo')).fifoConnector({ path: pathOf(transport), writePath: String(writePath), ...others })
})

/** `fd:3`, `fd:3?writeFd=4` */
export const fd: TransportScheme = only(async (transport, around) => {
  const path = pathOf(transport)
  if (!/^\d{1,7}$/.test(path)) throw usage(`fd needs a number, as in fd:3 or fd:3?writeFd=4, not ${JSON.stringify(path.slice(0, 32))}`)
  return (await load(around, 'fd')).fdConnector({ fd: Number(path), ...layerOptions(transport, { writeFd: 'count' }) })
})

/** `stdio:` */
export const stdio: TransportScheme = only(async (transport, around) => {
  layerOptions(transport, {})
  return (await load(around, 'stdio')).stdioConnector()
})

/** `exec:program argument …`; what it says on standard error goes to ours. */
export const exec: TransportScheme = only(async (transport, around) => {
  const [command, ...args] = transport.words ?? []
  const options = layerOptions(transport, { cwd: 'text', termTimeoutMs: 'count', drainTimeoutMs: 'count' })
  const stderr = (data: Uint8Array): void => void around.io.stderr.write(data)
  return (await load(around, 'exec')).execConnector({ command: command!, args, stderr, ...options })
})

/** A scheme of which there is one connection, whoever begins. */
function only(connector: (transport: StackTransport, around: Surroundings) => Promise<Connector<Any>>): TransportScheme {
  return {
    gives: 'stream',
    connector,
    async listen(transport, around, accept) {
      return { listener: await listenOnce(await connector(transport, around), transport.scheme, around.io.signal, accept), where: {} }
    },
  }
}

function pathOf({ scheme, path }: StackTransport): string {
  if (path === undefined || path === '') throw usage(`${scheme} needs a name behind the colon`)
  return path
}
