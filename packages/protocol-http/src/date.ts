let second = 0
let text = ''

/** The value of Date, made once a second. RFC 9110 §6.6.1 */
export function httpDate(): string {
  const now = Math.floor(Date.now() / 1000)
  if (now !== second) {
    second = now
    text = new Date(now * 1000).toUTCString()
  }
  return text
}

/**
 * The whole field line, with its CRLF, by a clock that says when the second is over: who asks that anyway need not ask for the time of day as well, which
 * takes as long.
 */
export class DateLine {
  private line = ''
  private untilMs = -Infinity

  /** As it is at `nowMs` of the clock. */
  at(nowMs: number): string {
    if (!(nowMs < this.untilMs)) {
      this.untilMs = nowMs + 1000 - (Date.now() % 1000)
      this.line = `Date: ${httpDate()}\r\n`
    }
    return this.line
  }
}
