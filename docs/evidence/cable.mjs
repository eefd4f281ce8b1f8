// Both ends of 07-a-cable-is-pulled.sh.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

// From the workspace's own packages, wherever it is.
const from = createRequire(new URL('../../packages/cli/package.json', import.meta.url))
const load = (name) => import(pathToFileURL(from.resolve(name)).href)
const [{ stack, withIdleTimeout }, { line }, { createService, jsonRpc }, { connectTcp, listenTcp }, { connectWebSocket, listenWebSocket }] = await Promise.all([
  load('@async/core'), load('@async/protocol-chunk'), load('@async/protocol-jsonrpc'), load('@async/transport-tcp'), load('@async/transport-websocket'),
])
const [, , role, given] = process.argv

if (role === 'serve') {
  const host = '10.213.77.2'
  const service = createService({ never: () => new Promise(() => {}), hello: () => 'hello' })
  const rpc = await listenTcp({ host }, (transport) => void stack(transport, line(), jsonRpc(service)))
  const echo = await listenTcp({ host }, (transport) => transport.start({ dataReceived: (data) => transport.write(data) }))
  const ws = await listenWebSocket({ host }, (transport) => transport.start({ dataReceived: (data) => transport.write(data) }))
  console.log(`ports ${rpc.port} ${echo.port} ${ws.port}`)
} else {
  const host = '10.213.77.2'
  const [rpcPort, echoPort, wsPort] = given.split(' ').map(Number)
  /** Says how a transport ended. */
  const tell = async (name, transport) => {
    const { kind, error } = await transport.closed
    console.log(`${name}: ${kind} ${error?.code ?? ''}`)
  }
  /** Resolves when the far end has given back what it was sent. */
  const greeted = (transport) =>
    new Promise((resolve) => {
      transport.start({ dataReceived: resolve })
      transport.write('x')
    })

  const idle = withIdleTimeout({ readMs: 1500 })(await connectTcp({ host, port: rpcPort }))
  const peer = stack(idle, line(), jsonRpc())
  await peer.call('hello')
  const keepAlive = await connectTcp({ host, port: echoPort, keepAliveMs: 1000 })
  const closing = await connectTcp({ host, port: echoPort })
  const paused = await connectTcp({ host, port: echoPort })
  const heartbeat = await connectWebSocket({ url: `ws://${host}:${wsPort}/`, heartbeatMs: 1000, heartbeatTimeoutMs: 1000 })
  await Promise.all([keepAlive, closing, paused, heartbeat].map(greeted))
  paused.pause('read')

  let pausedIsOver = false
  void paused.closed.then(() => (pausedIsOver = true))
  const call = peer.call('never').catch((error) => console.log(`call: ${error.reason?.error?.code ?? error.code}`))
  const ends = [tell('idle', idle), tell('heartbeat', heartbeat), tell('keepAlive', keepAlive), tell('close', closing), call]
  console.log('connected')
  // By then the cable is out.
  setTimeout(() => {
    closing.write(new Uint8Array(12 * 2 ** 20)) // more than the system takes
    closing.close({ timeoutMs: 1000 })
  }, 1000)
  await Promise.all(ends)
  console.log(`paused: ${pausedIsOver ? 'over' : 'still open'}`)
  paused.abort()
  console.log('done')
  process.exit()
}
