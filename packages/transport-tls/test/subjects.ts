/** Connections under test: TLS over what there is, each side, each version. */
import type { Connector, Stream, StreamTransport, Transport } from '@async/core'
import { type TransportOptions, WrappedTransport } from '@async/core/base'
import { type ListenerUnderTest, memoryPair, type Pair, type Subject } from '@async/core/testing'
import { connectTcp, listenTcp, tcpConnector } from '@async/transport-tcp'
import { listenTls, type TlsCommonOptions, tls, tlsConnector, type TlsServerOptions, tlsServer, type TlsTransport } from '../src/index.ts'
import { probeSettled } from '../src/probe.ts'
import { authority, server } from './certificates.ts'

/** Two ends below, and what frees more than they. */
export interface Below {
  readonly a: Transport<Stream>
  readonly b: Transport<Stream>
  dispose?(): unknown
}

/** TLS on both ends, the handshake over. */
export async function secure(below: Below, how: TlsCommonOptions = {}): Promise<{ readonly a: TlsTransport; readonly b: TlsTransport }> {
  const a = tls({ ...how, serverName: 'localhost', ca: authority.cert })(below.a)
  const b = tlsServer({ ...(how as TlsServerOptions), cert: server.cert, key: server.key })(below.b)
  await Promise.all([a.handshake(), b.handshake()])
  return { a, b }
}

/** A pair over TCP. */
export async function tcpPair(options?: TransportOptions): Promise<{ readonly a: StreamTransport; readonly b: StreamTransport; dispose(): void }> {
  let accept!: (transport: StreamTransport) => void
  const accepting = new Promise<StreamTransport>((resolve) => {
    accept = resolve
  })
  const listener = await listenTcp({ ...options, startTimeoutMs: Infinity }, accept)
  const a = await connectTcp({ ...options, host: '127.0.0.1', port: listener.port })
  return { a, b: await accepting, dispose: () => listener.close() }
}

/** A pair over TCP that TLS can only see as a transport. */
export async function anyTransport(options?: TransportOptions): Promise<Below> {
  const { a, b, dispose } = await tcpPair(options)
  return { a: new WrappedTransport(a), b: new WrappedTransport(b), dispose }
}

/** A pair over TCP whose sockets TLS works on. */
async function probed(options?: TransportOptions): Promise<Below> {
  if (!(await probeSettled())) throw new Error('the probe does not work on this runtime')
  return tcpPair(options)
}

/** A subject of TLS over what `makeBelow` makes. `turned`: the kit's first end is the server. */
export function overTls(
  name: string,
  makeBelow: (options?: TransportOptions) => Below | Promise<Below>,
  { turned = false, how = {}, ...more }: { readonly turned?: boolean; readonly how?: TlsCommonOptions } & Partial<Subject> = {},
): Subject {
  return {
    ...more,
    name,
    carries: 'stream',
    makePair: async (options): Promise<Pair> => {
      const below = await makeBelow(options)
      const { a, b } = await secure(below, { ...options, ...how })
      return { ...(turned ? { a: b, b: a } : { a, b }), dispose: async () => void (await below.dispose?.()) }
    },
  }
}

/** Listening and connecting, for L1 to L9. */
export async function makeListener(accept: (transport: Transport) => void, options?: TransportOptions & { readonly maxConnections?: number }): Promise<ListenerUnderTest> {
  const listener = await listenTls((below) => listenTcp({ maxHeldConnections: 0, ...options }, below), { ...options, cert: server.cert, key: server.key }, accept)
  const connector: Connector<TlsTransport> = tlsConnector(tcpConnector({ ...options, host: '127.0.0.1', port: listener.below.port }), {
    ...options, serverName: '127.0.0.1', ca: authority.cert,
  })
  return { listener, connect: (how) => connector.connect(how) }
}

/** The pairs that every run tries in full, or nearly. */
export const subjects = {
  memory: overTls('TLS over memory, client to server', memoryPair),
  memoryServer: overTls('TLS over memory, server to client', memoryPair, { turned: true }),
  tls12: overTls('TLS 1.2 over memory', memoryPair, { how: { maxVersion: 'TLSv1.2' } }),
  tls12Server: overTls('TLS 1.2 over memory, server to client', memoryPair, { how: { maxVersion: 'TLSv1.2' }, turned: true }),
  noHalfClose: overTls('TLS over memory without half-close', (options) => memoryPair({ ...options, halfCloses: false }), {
    skip: { 'C4 when the wait is over, a peer that still sends is told that it was reset': 'without half-close below, the end of it is all that the peer can be told' },
  }),
  inTls: overTls('TLS in TLS over memory', async (options) => secure(memoryPair(options), options)),
  tcp: overTls('TLS over TCP as any transport, client to server', anyTransport),
  tcpServer: overTls('TLS over TCP as any transport, server to client', anyTransport, { turned: true }),
  tcp12: overTls('TLS 1.2 over TCP as any transport', anyTransport, { how: { maxVersion: 'TLSv1.2' } }),
  probed: overTls('TLS on a socket, client to server', probed, { makeListener }),
  probedServer: overTls('TLS on a socket, server to client', probed, { turned: true }),
  probed12: overTls('TLS 1.2 on a socket', probed, { how: { maxVersion: 'TLSv1.2' } }),
  socket: overTls('TLS on a socket, truncation allowed, client to server', tcpPair, { how: { allowTruncation: true } }),
  socketServer: overTls('TLS on a socket, truncation allowed, server to client', tcpPair, { how: { allowTruncation: true }, turned: true }),
} satisfies Record<string, Subject>
