/**
 * The client process. It starts the server process, holds the conversation over the seed's own stack, then over every other stack, and
 * shows what crossed. `--json`: as data. `--keep`: the server stays up.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Crossings } from './crossings.ts'
import { fullPicture, sawTheSame, shortPicture, stackLine, summary, type Style } from './picture.ts'
import type { Report, StackReport, StepReport } from './report.ts'
import { otherStacks, seedStack } from './stacks.ts'
import { isRight, runStep, steps } from './steps.ts'

const json = process.argv.includes('--json')
const keep = process.argv.includes('--keep')
const style: Style = {
  columns: Math.min(process.stdout.columns ?? 100, 120),
  colour: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb',
}
const show = (text: string): void => void (json || process.stdout.write(`${text}\n`))
/** Says what is being done, on a terminal, in a line that the next one takes the place of. */
const progress = (text: string): void => void (style.colour && process.stderr.isTTY && process.stderr.write(`\r\u001b[2K${text}`))

/** Nothing here takes long: if it does, it hangs, and that is a failure to tell. */
const hung = setTimeout(() => {
  process.stderr.write('start: no end after 30 s; something hangs\n')
  process.exit(1)
}, 30_000)

progress('starting the server process …')
const server = fork(fileURLToPath(new URL('./server.js', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
const ports = await answer<number[]>(server)
const [httpPort = 0, ...framedPorts] = ports
progress('')

const report = await run()
if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
show(`\n${summary(report, style)}`)
process.exitCode = report.right ? 0 : 1
clearTimeout(hung)
if (keep) await keepServer()
server.send('end')
await once(server, 'exit')

async function run(): Promise<Report> {
  const { stack, caller, recorder, close } = seedStack(httpPort)
  show(`JSON-RPC over HTTP over TCP, between process ${process.pid} and process ${server.pid}:\n${stack}\n`)
  const reports: StepReport[] = []
  for (const step of steps) {
    const outcomes = await runStep(caller, step, recorder)
    server.send('take')
    const crossed = { client: recorder.take(), server: await answer<Crossings>(server) }
    const agree = sawTheSame(crossed.client, crossed.server)
    const one = { title: step.title, entries: step.entries, outcomes, right: isRight(step, outcomes), agree, ...crossed }
    reports.push(one)
    show((reports.length === 1 ? fullPicture : shortPicture)(one, reports.length, style))
  }
  await close()
  show('the same five messages, and the same protocol code, over every other stack\n')
  const others: StackReport[] = []
  for (const [at, converse] of otherStacks(framedPorts).entries()) {
    progress(`stack ${at + 2} …`)
    const one = await converse()
    progress('')
    others.push(one)
    show(stackLine(one, style))
  }
  return { stack, steps: reports, others, right: reports.every(({ right, agree }) => right && agree) && others.every(({ right }) => right) }
}

async function keepServer(): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'add', params: [1, 2], id: 1 })
  const lines = [
    'the server is up until Ctrl-C; in another terminal:',
    `  curl -s --data-binary '${body}' http://127.0.0.1:${httpPort}/rpc`,
    `  node packages/cli/dist/main.js call jsonrpc+http://127.0.0.1:${httpPort}/rpc add '[1, 2]'`,
  ]
  ;(json ? process.stderr : process.stdout).write(`\n${lines.join('\n')}\n`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
}

/** The next thing that the server process says. */
async function answer<T>(from: ChildProcess): Promise<T> {
  const ended = once(from, 'exit').then(() => {
    throw new Error('the server process ended')
  })
  const [message] = (await Promise.race([once(from, 'message'), ended])) as [T]
  ended.catch(() => {})
  return message
}
