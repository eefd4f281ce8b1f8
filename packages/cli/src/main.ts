#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { readArguments } from './arguments.ts'
import { CommandError, exitCodes, explain, type ExitCode } from './exit.ts'
import { helpText } from './help.ts'
import { flushed, tell, type Io } from './io.ts'

process.exitCode = await main()

/** Runs the command line, and resolves with the exit code when all output is out. */
async function main(): Promise<ExitCode> {
  const stop = new AbortController()
  const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, folder: process.cwd(), signal: stop.signal }
  handleEnds(stop)
  let exitCode: ExitCode
  try {
    exitCode = await run(process.argv.slice(2), io)
  } catch (error) {
    exitCode = report(stop.signal.aborted ? stop.signal.reason : error, io)
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  // A pipe that broke while the last of it was written is told in the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  if (exitCode === exitCodes.ok && stop.signal.aborted) exitCode = report(stop.signal.reason, io)
  // Whatever a served module left running must not keep the process.
  process.exit(exitCode)
}

async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  const request = readArguments(args)
  switch (request.command) {
    case 'help':
      io.stdout.write(helpText(request.topic))
      return exitCodes.ok
    case 'version':
      io.stdout.write(`${version()}\n`)
      return exitCodes.ok
    case 'serve':
      return (await import('./serve.ts')).serve(request, io)
    case 'call':
      return (await import('./call.ts')).call(request, io)
    case 'connect':
      return (await import('./connect.ts')).connect(request, io)
  }
}

function report(error: unknown, io: Io): ExitCode {
  const { line, exitCode } = explain(error)
  if (line !== '') tell(io, line)
  return exitCode
}

/** The first Ctrl-C ends in order, the second at once; a reader of our output that left ends us quietly, as SIGPIPE would. */
function handleEnds(stop: AbortController): void {
  const end = (exitCode: ExitCode): void => {
    if (stop.signal.aborted) process.exit(exitCode)
    stop.abort(new CommandError(exitCode, ''))
  }
  process.on('SIGINT', () => end(exitCodes.interrupted))
  process.on('SIGTERM', () => end(exitCodes.terminated))
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') end(exitCodes.brokenPipe)
    else stop.abort(new CommandError(exitCodes.connection, `standard output: ${error.message}`))
  })
  // Nobody is left to tell.
  process.stderr.on('error', () => {})
}

function version(): string {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
