import { parseArgs, type ParseArgsConfig } from 'node:util'
import { usage } from './exit.ts'

/** What the command line asks for. */
export type Request =
  | { readonly command: 'help'; readonly topic: Topic }
  | { readonly command: 'version' }
  | { readonly command: 'serve'; readonly stack: string; readonly module: string; readonly graceMs: number }
  | {
      readonly command: 'call'
      readonly stack: string
      readonly method: string
      readonly params: string | undefined
      readonly timeoutMs: number
      readonly notify: boolean
    }
  | { readonly command: 'connect'; readonly stack: string; readonly timeoutMs: number; readonly delimiter: '\n' | '\0' }

export type Topic = 'async' | 'serve' | 'call' | 'connect'

const help = { help: { type: 'boolean', short: 'h' } } as const
const timeout = { timeout: { type: 'string', short: 't' } } as const

/** Longest time that a timer of the runtime can wait; more would fire at once. */
const maxTimerMs = 2_147_483_647

/** Reads the arguments that follow `async`. */
export function readArguments(args: readonly string[]): Request {
  const [command, ...rest] = args
  if (command === undefined) throw usage('what shall be done? serve, call or connect (async --help tells more)')
  switch (command) {
    case '-h':
    case '--help':
      return { command: 'help', topic: 'async' }
    case 'help':
      return { command: 'help', topic: isTopic(rest[0]) ? rest[0] : 'async' }
    case '-V':
    case '--version':
      return { command: 'version' }
    case 'serve':
      return serve(rest)
    case 'call':
      return call(rest)
    case 'connect':
      return connect(rest)
    default:
      throw usage(`${JSON.stringify(command)} is no command: serve, call and connect are (async --help tells more)`)
  }
}

function serve(args: readonly string[]): Request {
  const { values, positionals } = parse('serve', args, { ...help, grace: { type: 'string' } })
  if (values['help'] === true) return { command: 'help', topic: 'serve' }
  const [stack, module] = count('serve', positionals, ['STACK', 'MODULE'])
  return { command: 'serve', stack: stack as string, module: module as string, graceMs: milliseconds('--grace', values['grace'], 5_000) }
}

function call(args: readonly string[]): Request {
  const { values, positionals } = parse('call', args, { ...help, ...timeout, notify: { type: 'boolean', short: 'n' } })
  if (values['help'] === true) return { command: 'help', topic: 'call' }
  const [stack, method, params] = count('call', positionals, ['STACK', 'METHOD'], ['PARAMS'])
  return {
    command: 'call',
    stack: stack as string,
    method: method as string,
    params,
    timeoutMs: milliseconds('--timeout', values['timeout'], 30_000),
    notify: values['notify'] === true,
  }
}

function connect(args: readonly string[]): Request {
  const { values, positionals } = parse('connect', args, { ...help, ...timeout, null: { type: 'boolean', short: '0' } })
  if (values['help'] === true) return { command: 'help', topic: 'connect' }
  const [stack] = count('connect', positionals, ['STACK'])
  return {
    command: 'connect',
    stack: stack as string,
    timeoutMs: milliseconds('--timeout', values['timeout'], 30_000),
    delimiter: values['null'] === true ? '\0' : '\n',
  }
}

function isTopic(text: string | undefined): text is Topic {
  return text === 'serve' || text === 'call' || text === 'connect'
}

function parse(command: string, args: readonly string[], options: NonNullable<ParseArgsConfig['options']>) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true }) as {
      values: Record<string, string | boolean | undefined>
      positionals: string[]
    }
  } catch (error) {
    const [first = ''] = (error as Error).message.split('. ')
    throw usage(`${command}: ${first} (async ${command} --help tells more)`)
  }
}

function count(command: string, given: readonly string[], needed: readonly string[], optional: readonly string[] = []): readonly string[] {
  const missing = needed[given.length]
  if (missing !== undefined) throw usage(`${command}: ${missing} is missing (async ${command} --help tells more)`)
  const extra = given[needed.length + optional.length]
  if (extra !== undefined) {
    throw usage(`${command}: ${JSON.stringify(extra.slice(0, 64))} is one argument too many (quote JSON and stack strings for the shell)`)
  }
  return given
}

function milliseconds(option: string, value: string | boolean | undefined, byDefault: number): number {
  if (value === undefined) return byDefault
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : NaN
  if (!(number <= maxTimerMs)) throw usage(`${option} takes whole milliseconds, 0 to ${maxTimerMs}, not ${JSON.stringify(value)}`)
  return number
}
