import { StackSyntaxError } from './description.ts'

const escapes = /(?:%[0-9A-Fa-f]{2})+/y

/** A place in a text, and the errors that name it. Everything looks at each character a bounded number of times. */
export class Reader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  /** The character here, or '' at the end. */
  get here(): string {
    return this.text.charAt(this.at)
  }

  /** Whether `text` stands here; passes it if so. */
  take(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  /** Passes what `pattern` (sticky) matches here, and gives it; fails if that is nothing. */
  match(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0] ?? ''
    if (found === '') this.fail(expected)
    this.at += found.length
    return found
  }

  /** Passes everything before the first match of `stop` (global) or the end, and gives it with its escapes decoded. */
  decoded(stop: RegExp, nul: 'nul' | 'no nul'): string {
    const from = this.at
    this.at = this.find(stop)
    return this.decode(this.text.slice(from, this.at), from, nul)
  }

  /** Where the first match of `stop` (global) is, from here on; the end if there is none. */
  find(stop: RegExp): number {
    stop.lastIndex = this.at
    return stop.exec(this.text)?.index ?? this.text.length
  }

  /** Decodes the escapes of `raw`, which stands at `from`. */
  decode(raw: string, from: number, nul: 'nul' | 'no nul'): string {
    let out = ''
    let done = 0
    for (;;) {
      const percent = raw.indexOf('%', done)
      if (percent < 0) return out + raw.slice(done)
      escapes.lastIndex = percent
      const run = escapes.exec(raw)?.[0]
      if (run === undefined) this.fail('two hexadecimal digits after "%" (a "%" itself is %25)', from + percent)
      const text = decodeRun(run)
      if (text === undefined) this.fail('escapes that are UTF-8', from + percent)
      if (nul === 'no nul' && text.includes('\0')) this.fail('no %00 here', from + percent)
      out += raw.slice(done, percent) + text
      done = percent + run.length
    }
  }

  fail(expected: string, at: number = this.at): never {
    const point = this.text.codePointAt(at)
    const found = point === undefined ? 'the end' : JSON.stringify(String.fromCodePoint(point))
    throw new StackSyntaxError(`stack string: expected ${expected} at ${at}, found ${found}`, at, expected)
  }
}

function decodeRun(run: string): string | undefined {
  try {
    return decodeURIComponent(run)
  } catch {
    return undefined
  }
}
