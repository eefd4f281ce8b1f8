import { describe, expect, it } from 'vitest'
import { readArguments } from './arguments.ts'
import { CommandError } from './exit.ts'

function refused(...args: string[]): string {
  try {
    readArguments(args)
  } catch (error) {
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ exitCode: 2 })
    return (error as Error).message
  }
  return 'accepted'
}

describe('readArguments', () => {
  it.each<[string[], unknown]>([
    [['--help'], { command: 'help', topic: 'async' }],
    [['help'], { command: 'help', topic: 'async' }],
    [['help', 'call'], { command: 'help', topic: 'call' }],
    [['help', 'constructor'], { command: 'help', topic: 'async' }],
    [['serve', '--help'], { command: 'help', topic: 'serve' }],
    [['call', 'x:', '-h'], { command: 'help', topic: 'call' }],
    [['--version'], { command: 'version' }],
    [['serve', 'x:', './m.js'], { command: 'serve', stack: 'x:', module: './m.js', graceMs: 5000 }],
    [['serve', '--grace', '0', 'x:', './m.js'], { command: 'serve', stack: 'x:', module: './m.js', graceMs: 0 }],
    [['call', 'x:', 'add'], { command: 'call', stack: 'x:', method: 'add', params: undefined, timeoutMs: 30000, notify: false }],
    [['call', 'x:', 'add', '[1]', '--timeout=5', '-n'], { command: 'call', stack: 'x:', method: 'add', params: '[1]', timeoutMs: 5, notify: true }],
    [['call', 'x:', 'add', '-'], { command: 'call', stack: 'x:', method: 'add', params: '-', timeoutMs: 30000, notify: false }],
    [['call', 'x:', '--', '-m'], { command: 'call', stack: 'x:', method: '-m', params: undefined, timeoutMs: 30000, notify: false }],
    [['connect', 'x:'], { command: 'connect', stack: 'x:', timeoutMs: 30000, delimiter: '\n' }],
    [['connect', '-0', '-t', '7', 'x:'], { command: 'connect', stack: 'x:', timeoutMs: 7, delimiter: '\0' }],
  ])('reads %j', (args, request) => {
    expect(readArguments(args)).toEqual(request)
  })

  it.each<[string[], string]>([
    [[], 'what shall be done? serve, call or connect (async --help tells more)'],
    [['sevre'], '"sevre" is no command: serve, call and connect are (async --help tells more)'],
    [['constructor'], '"constructor" is no command: serve, call and connect are (async --help tells more)'],
    [['serve'], 'serve: STACK is missing (async serve --help tells more)'],
    [['serve', 'x:'], 'serve: MODULE is missing (async serve --help tells more)'],
    [['call', 'x:'], 'call: METHOD is missing (async call --help tells more)'],
    [['call', 'x:', 'm', '[1,', '2]'], 'call: "2]" is one argument too many (quote JSON and stack strings for the shell)'],
    [['connect', 'x:', 'y'], 'connect: "y" is one argument too many (quote JSON and stack strings for the shell)'],
    [['call', 'x:', 'm', '--nope'], "call: Unknown option '--nope' (async call --help tells more)"],
    [['call', 'x:', 'm', '--timeout'], "call: Option '-t, --timeout <value>' argument missing (async call --help tells more)"],
    [['call', 'x:', 'm', '--timeout', '1s'], '--timeout takes whole milliseconds, 0 to 2147483647, not "1s"'],
    [['call', 'x:', 'm', '--timeout', '2147483648'], '--timeout takes whole milliseconds, 0 to 2147483647, not "2147483648"'],
  ])('refuses %j', (args, message) => {
    expect(refused(...args)).toBe(message)
  })
})
