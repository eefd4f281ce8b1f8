/**
 * Whether an end of input on a socket of Node's was close_notify, or a bare end. Node emits 'end' for both. What tells them apart is whether
 * the socket below TLS still reads, at the moment at which Node pushes the end: behind a bare end libuv has stopped. To ask, it is told to
 * read, which is refused while it does. The handle that answers is none of Node's documented interface, so it is believed only where a trial
 * of this very runtime, with ends of both kinds, came out right; see `probeWorks`.
 */
import { randomBytes } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'

interface Handle {
  readonly reading?: unknown
  readonly _parent?: { readStart?(): unknown }
}

/** What a handle says that is told to read, and does already. Known from the trial. */
let alreadyReads: unknown
let trial: Promise<boolean> | undefined
let verdict: boolean | undefined

/** Whether the probe can be believed: undefined until the trial, which the first call begins, is over. */
export function probeWorks(): boolean | undefined {
  if (trial === undefined) void probeSettled()
  return verdict
}

/** The trial's outcome. */
export function probeSettled(): Promise<boolean> {
  trial ??= tryOut().then(
    (works) => (verdict = works),
    () => (verdict = false),
  )
  return trial
}

/** Inside `push(null)` of a TLS socket: whether the end is a bare one. */
export function isBareEnd(socket: TLSSocket): boolean {
  const answer = ask(socket)
  return answer !== 'stopped' && answer !== alreadyReads
}

/** `stopped`: TLS has stopped reading by itself, so it is not the socket's end that ends it. */
function ask(socket: TLSSocket): unknown {
  const { _handle: handle } = socket as { readonly _handle?: Handle | null }
  return handle?.reading === false ? 'stopped' : handle?._parent?.readStart?.()
}

/** Ends of both kinds, in both versions, over a socket of this machine. With a shared key: no certificate is needed. */
async function tryOut(): Promise<boolean> {
  const answers: unknown[] = []
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) for (const bare of [false, true]) answers.push(await endOnce(version, bare))
  const [clean12, bare12, clean13, bare13] = answers
  alreadyReads = clean12
  return typeof clean12 === 'number' && clean12 !== 0 && clean13 === clean12 && bare12 === 0 && bare13 === 0
}

/** What `ask` says at an end. */
function endOnce(version: 'TLSv1.2' | 'TLSv1.3', bare: boolean): Promise<unknown> {
  const psk = randomBytes(32)
  const how = { minVersion: version, maxVersion: version, ciphers: version === 'TLSv1.2' ? 'PSK-AES128-GCM-SHA256' : 'TLS_AES_128_GCM_SHA256' } as const
  const opened: Socket[] = []
  const server = createServer({ allowHalfOpen: true })
  const answer = new Promise<unknown>((resolve, reject) => {
    const watch = <S extends Socket>(socket: S): S => {
      opened.push(socket)
      socket.on('error', reject).unref()
      return socket
    }
    server.on('error', reject).on('connection', (raw: Socket) => {
      watch(raw)
      const secured = watch(new TLSSocket(raw, { ...how, isServer: true, pskCallback: () => psk } as never))
      secured.on('_tlsError', reject)
      secured.once('data', () => (bare ? raw.end() : secured.end())).resume()
    })
    server.listen(0, '127.0.0.1', () => {
      server.unref()
      const raw = watch(connect({ ...(server.address() as { port: number }), host: '127.0.0.1', allowHalfOpen: true }))
      raw.once('connect', () => {
        const identity = { psk, identity: 'trial' }
        const secured = watch(connectTls({ ...how, socket: raw, pskCallback: () => identity, checkServerIdentity: () => undefined, rejectUnauthorized: true } as never))
        secured.once('secureConnect', () => secured.write('.'))
        secured.resume()
        secured.push = function push(data: unknown): boolean {
          if (data === null) resolve(ask(secured))
          return TLSSocket.prototype.push.call(secured, data)
        }
      })
    })
    setTimeout(reject, 2_000, new Error('no end')).unref()
  })
  return answer.finally(() => {
    for (const socket of opened) socket.destroy()
    server.close()
  })
}
