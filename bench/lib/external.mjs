/** Servers and load generators that are not Node's, from the distribution: skipped, with the reason, where they are missing. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hasProgram, pinned } from './programs.mjs'

/** Not measured, and no failure. Without a reason it is not shown either. */
export class Skipped extends Error {}

/** @typedef {{ where: { port: number }, during(work: () => Promise<any>): Promise<{ result: any, cpuMicros: number, rssBytes: number }>, end(): Promise<void> }} Started */

const host = '127.0.0.1'

async function freePort() {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/** @param {number} pid of a process; its CPU and memory as Linux tells them, the CPU in steps of 10 ms */
function usageOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').map(Number)
  return { cpuMicros: ((fields[11] ?? 0) + (fields[12] ?? 0)) * 10_000, rssBytes: (fields[21] ?? 0) * 4096 }
}

/** Starts a program that listens on a port, and waits until it does. @param {string} command @param {(port: number) => string[]} args @param {() => void} [cleanUp] @param {'server' | 'load'} [core] @returns {Promise<Started>} */
async function startProgram(command, args, cleanUp = () => {}, core = 'server') {
  if (!existsSync('/proc/self/stat')) throw new Skipped(`${command}: how much CPU it uses is read from /proc, which is not here`)
  const port = await freePort()
  const child = spawn(...pinned(core, command, args(port)), { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (data) => (said = (said + String(data)).slice(-1000)))
  const exited = once(child, 'exit')
  const end = async () => {
    child.kill('SIGKILL')
    await exited
    cleanUp()
  }
  const until = performance.now() + 10_000
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > until) {
      await end()
      throw new Error(`${command} does not listen: ${said.trim().split('\n').at(-1)}`)
    }
  }
  return {
    where: { port },
    async during(work) {
      const before = usageOf(child.pid ?? 0)
      const result = await work()
      const after = usageOf(child.pid ?? 0)
      return { result, cpuMicros: after.cpuMicros - before.cpuMicros, rssBytes: after.rssBytes }
    },
    end,
  }
}

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host })
    socket.on('connect', () => (socket.destroy(), resolve(true))).on('error', () => setTimeout(resolve, 20, false))
  })
}

/** nginx with one process, which answers everything with the text. */
export function nginx() {
  if (!hasProgram('nginx')) throw new Skipped('nginx is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'async-bench-nginx-'))
  return startProgram('nginx', (port) => {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path ${folder};`).join(' ')
    writeFileSync(join(folder, 'conf'), `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error crit; events { worker_connections 4096; }
      http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600; default_type text/plain; ${paths}
        server { listen ${host}:${port} backlog=4096; location / { return 200 "hello, world\\n"; } } }`)
    return ['-e', `${folder}/error`, '-c', `${folder}/conf`, '-p', folder]
  }, () => rmSync(folder, { recursive: true, force: true }))
}

/** The first Python that has a module: a distribution's modules belong to its own Python, which is not always the first one. @param {string} module */
function pythonWith(module) {
  for (const python of ['/usr/bin/python3', 'python3']) {
    if (!hasProgram(python)) continue
    try {
      execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' })
      return python
    } catch {
      // The next one.
    }
  }
  throw new Skipped(`no python3 with the module ${module} is installed`)
}

/** A server in Python, of programs/. @param {string} name @param {string} module @param {'server' | 'load'} [core] */
export const python = (name, module, core) => () => startProgram(pythonWith(module), (port) => [fileURLToPath(new URL(`../programs/${name}.py`, import.meta.url)), String(port)], undefined, core)

/** Loads an HTTP server with wrk. @param {{ port: number, connections: number, seconds: number }} how */
export async function wrk({ port, connections, seconds }) {
  if (!hasProgram('wrk')) throw new Skipped('wrk is not installed')
  const [command, args] = pinned('load', 'wrk', ['-t1', `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, `http://${host}:${port}/`])
  const { stdout } = await promisify(execFile)(command, args)
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk: ${stdout.match(/(Non-2xx|Socket errors).*/)?.[0]}`)
  return { operations: Number(/(\d+) requests in/.exec(stdout)?.[1]) }
}
