/**
 * `node bench/system-calls/check.mjs`: for each write of a client a server reads once and writes once, however many requests are in it, and has
 * epoll watch nothing anew. As strace counts; it does not depend on the machine, for each write is answered before the next one. Turns of the loop
 * are left out: how many there are is chance. Exits 1 if a kind of call is more than a twentieth of a call beside that.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../scripts/bundle.mjs'
import { hasProgram } from '../lib/programs.mjs'
import { operations } from './operations.mjs'

const serve = fileURLToPath(new URL('./serve.mjs', import.meta.url))
/** Without helpers of V8's, which wake the loop when they like. */
const flags = ['--single-threaded']
/** By what they do: with which of them libuv does it is its own affair. */
const kinds = /** @type {const} */ ({ read: ['read', 'readv', 'recvfrom', 'recvmsg'], write: ['write', 'writev', 'sendto', 'sendmsg'], watch: ['epoll_ctl'] })
const tolerance = 0.05
/** Of writes of the client. What is counted is the difference between two runs, so that start and end do not matter. */
const few = 50
const many = 550

/** @typedef {Record<keyof typeof kinds, number>} Calls */

/** Sends `operation` so many times, each time when all before was answered. @param {string} name @param {import('./operations.mjs').Operation} operation @param {number} times @returns {Promise<Calls>} */
async function callsOf(name, operation, times) {
  const folder = mkdtempSync(join(tmpdir(), 'async-system-calls-'))
  const table = join(folder, 'table')
  try {
    const args = ['-f', '-c', '-o', table, '-e', `trace=${Object.values(kinds).flat().join(',')}`, process.execPath, ...flags, serve, name]
    const child = spawn('strace', args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    const [port] = await once(createInterface(child.stdout), 'line')
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
    socket.setEncoding('latin1')
    await once(socket, 'connect')
    if (operation.first !== undefined) await ask(socket, operation.first.sent, operation.first.answer, 1)
    for (let i = 0; i < times; i++) await ask(socket, operation.sent, operation.answer, operation.count)
    child.stdin.end()
    await exit
    return counted(readFileSync(table, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Writes `sent`, and waits for exactly so many answers. @param {import('node:net').Socket} socket @param {string} sent @param {RegExp} answer @param {number} count */
async function ask(socket, sent, answer, count) {
  socket.write(sent, 'latin1')
  for (let text = ''; ; ) {
    const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(10_000) }).catch(() => {
      throw new Error(`${answer} is not answered, but: ${JSON.stringify(text.slice(0, 200))}`)
    })
    text += data
    const answers = text.match(answer) ?? []
    if (answers.length === count && answers.join('') === text) return
    if (answers.length >= count) throw new Error(`not what was asked for: ${JSON.stringify(text.slice(0, 200))}`)
  }
}

/** What `strace -c` says: a line for each call, its count the fourth column. @param {string} table @returns {Calls} */
function counted(table) {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  const count = (/** @type {readonly string[]} */ names) => rows.filter((row) => names.includes(row.at(-1) ?? '')).reduce((sum, row) => sum + Number(row[3]), 0)
  return /** @type {Calls} */ (Object.fromEntries(Object.entries(kinds).map(([kind, names]) => [kind, count(names)])))
}

if (!hasProgram('strace')) {
  console.error('strace is not installed: it counts the calls')
  process.exit(process.env['CI'] === 'true' ? 1 : 0)
}
// What the packages' names lead to.
await bundle()
let wrong = 0
for (const [name, operation] of Object.entries(operations)) {
  const less = await callsOf(name, operation, few)
  const more = await callsOf(name, operation, many)
  const each = (/** @type {keyof Calls} */ kind) => Math.round(((more[kind] - less[kind]) / (many - few)) * 100) / 100
  const calls = { read: each('read'), write: each('write'), watch: each('watch') }
  const wanted = { read: 1, write: operation.writes ?? 1, watch: 0 }
  const isRight = Object.entries(calls).every(([kind, value]) => Math.abs(value - wanted[/** @type {keyof Calls} */ (kind)]) <= tolerance)
  if (!isRight) wrong++
  console.log(`${isRight ? 'right' : 'WRONG'}  ${name.padEnd(22)} ${Object.entries(calls).map(([kind, value]) => `${kind} ${value}`).join(', ')}: ${operation.what}`)
}
if (wrong > 0) process.exitCode = 1
