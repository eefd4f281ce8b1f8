let second = 0
let text = ''
let line = ''

/** The value of Date, made once a second. RFC 9110 §6.6.1 */
export function httpDate(): string {
  const now = Math.floor(Date.now() / 1000)
  if (now !== second) {
    second = now
    text = new Date(now * 1000).toUTCString()
    line = `Date: ${text}\r\n`
  }
  return text
}

/** The whole field line, with its CRLF. */
export function httpDateLine(): string {
  httpDate()
  return line
}
