import type { StreamTransport } from '@async/core'
import { describe, expect } from 'vitest'
import { connectTcp } from '../src/index.ts'
import { cleanup, deferred, itNeeds, listen, pattern, Recorder, run, turns } from './support.ts'

/** A listener that hands its first transport out, and its port. */
async function accepting(): Promise<{ readonly port: string; readonly transport: Promise<StreamTransport> }> {
  const first = deferred<StreamTransport>()
  const listener = await listen({}, first.resolve)
  return { port: String(listener.port), transport: first.promise }
}

/** A python3 script that has `port` in `sys.argv[1]` when we listen, or prints the port on which it does. */
function python(script: string, ...args: string[]): ReturnType<typeof run> {
  return run('python3', ['-c', `import socket, struct, sys, time\n${script}`, ...args])
}

describe('nc -N', () => {
  itNeeds('nc', 'ends its side, gets the answer, and sees our end', async () => {
    const { port, transport } = await accepting()
    const { child, exit } = run('nc', ['-N', '127.0.0.1', port])
    child.stdin.end('question')
    const ours = await transport
    const protocol = new Recorder()
    ours.start(protocol)
    await protocol.eof
    expect(protocol.data.toString()).toBe('question')
    ours.write('answer')
    ours.close()
    expect(await exit).toEqual({ code: 0, output: 'answer' })
    expect(await protocol.lost).toMatchObject({ kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 })
  })

  itNeeds('nc', 'listens for us: we end our side first', async () => {
    const { child, exit } = run('nc', ['-l', '-N', '-v', '127.0.0.1', '0'])
    const port = await new Promise<number>((resolve) => {
      child.stderr.on('data', (data: Buffer) => {
        const found = /Listening on \S+ (\d+)/.exec(data.toString())
        if (found !== null) resolve(Number(found[1]))
      })
    })
    const ours = await connectTcp({ host: '127.0.0.1', port })
    cleanup(() => ours.abort())
    const protocol = new Recorder()
    ours.start(protocol)
    ours.write('ours')
    ours.halfClose()
    child.stdin.end('theirs')
    expect(await exit).toEqual({ code: 0, output: 'ours' })
    expect(await protocol.lost).toMatchObject({ kind: 'closed' })
    expect(protocol.data.toString()).toBe('theirs')
  })
})

describe('socat', () => {
  itNeeds('socat', 'half-closes either way, and carries 4 MiB back', async () => {
    const { port, transport } = await accepting()
    // Gives back what it gets; ends its side when we have ended ours.
    run('socat', ['-t', '10', `TCP4:127.0.0.1:${port}`, 'EXEC:cat'])
    const ours = await transport
    const protocol = new Recorder()
    ours.start(protocol)
    const sent = pattern(4 * 1024 * 1024)
    ours.write(sent)
    ours.halfClose()
    expect(await protocol.lost).toMatchObject({ kind: 'closed', unsentBytes: 0 })
    expect(protocol.data.equals(sent)).toBe(true)
    expect(protocol.events).toEqual(['made', 'eof', 'lost closed'])
  })
})

describe('a Python socket', () => {
  itNeeds('python3', 'sees a reset when an accepted transport aborts', async () => {
    const { port, transport } = await accepting()
    const { exit } = python(
      `
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
try:
    print('read', s.recv(100))
except ConnectionResetError:
    print('reset')
`,
      port,
    )
    const ours = await transport
    ours.start(new Recorder())
    ours.abort()
    expect(await exit).toEqual({ code: 0, output: 'reset\n' })
  })

  itNeeds('python3', 'sees a reset when a dialled transport aborts', async () => {
    const { line, exit } = python(`
l = socket.create_server(('127.0.0.1', 0))
print(l.getsockname()[1], flush=True)
s, _ = l.accept()
try:
    print('read', s.recv(100))
except ConnectionResetError:
    print('reset')
`)
    const ours = await connectTcp({ host: '127.0.0.1', port: Number(await line()) })
    ours.start(new Recorder())
    ours.abort()
    expect((await exit).output).toMatch(/^\d+\nreset\n$/)
  })

  itNeeds('python3', 'that reads slowly and keeps writing gets all 4 MiB of a close()', async () => {
    const { port, transport } = await accepting()
    const { exit } = python(
      `
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
got = 0
while True:
    s.sendall(b'noise' * 200)
    data = s.recv(65536)
    if not data: break
    got += len(data)
print(got)
`,
      port,
    )
    const ours = await transport
    ours.start(new Recorder())
    ours.write(pattern(4 * 1024 * 1024))
    ours.close()
    expect(await exit).toEqual({ code: 0, output: '4194304\n' })
    const reason = await ours.closed
    expect(reason.unsentBytes).toBe(0)
  })

  itNeeds('python3', 'that resets behind 200,000 unread bytes is told from one that ends', async () => {
    for (const [linger, kind] of [['1', 'reset'], ['0', 'closed']] as const) {
      const { port, transport } = await accepting()
      const { child, line, exit } = python(
        `
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
s.sendall(b'x' * 200000)
print('sent', flush=True)
sys.stdin.readline()
if sys.argv[2] == '1': s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
s.close()
`,
        port,
        linger,
      )
      const ours = await transport
      const protocol = new Recorder()
      ours.start(protocol)
      ours.pause('read')
      expect(await line()).toBe('sent')
      child.stdin.end('\n')
      await exit
      await turns()
      ours.resume('read')
      if (kind === 'closed') {
        await protocol.eof
        ours.close()
      }
      expect((await protocol.lost).kind).toBe(kind)
      if (kind === 'closed') expect(protocol.bytes).toBe(200_000)
    }
  })

  itNeeds('python3', 'gets UTF-8', async () => {
    const { port, transport } = await accepting()
    const { exit } = python(
      `
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
got = b''
while True:
    data = s.recv(100)
    if not data: break
    got += data
print(got.hex())
`,
      port,
    )
    const ours = await transport
    ours.start(new Recorder())
    ours.writeSequence(['\u00ff', '\u20ac', '\ud83d\ude00', '\ud800'])
    ours.close()
    expect((await exit).output).toBe('c3bfe282acf09f9880efbfbd\n')
  })
})
