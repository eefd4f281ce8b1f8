/** The words of the grammar that parser and formatter share: docs/stack-strings.md. */

/** UTF-16 units of a stack string. More than any path or command that a person writes; a bound, so that hostile text costs little. */
export const maxStackLength: number = 8192

/** What a short form stands for, top first. */
export const shortForms: ReadonlyMap<string, readonly [top: string, ...below: string[]]> = new Map([
  ['http', ['http']],
  ['https', ['http', 'tls']],
  ['ws', ['ws']],
  ['wss', ['ws', 'tls']],
])

/** Lowest schemes whose name is a path, and an example of each. */
export const pathSchemes: ReadonlyMap<string, string> = new Map([
  ['unix', 'unix:/run/app.sock'],
  ['pipe', 'pipe:\\\\.\\pipe\\name'],
  ['fifo', 'fifo:/run/app.fifo'],
  ['serial', 'serial:/dev/ttyUSB0 or serial:COM3'],
])

/** The layer that takes the path and query of a URL over tcp as its target: the lowest `http` or `ws`. */
export function targetTaker<T extends { readonly scheme: string }>(layers: readonly T[]): T | undefined {
  let taker: T | undefined
  for (const layer of layers) if (layer.scheme === 'http' || layer.scheme === 'ws') taker = layer
  return taker
}

/** The target of a request, as it goes over the wire. */
export const targetPattern: RegExp = /^\/(?:[!$&-;=?-Z[\]_a-z~]|%[0-9A-Fa-f]{2})*$/

/** Whether `text` is an IPv6 address: RFC 3986 §3.2.2. */
export function isIPv6(text: string): boolean {
  if (text.length > 45 || !/^[0-9A-Fa-f:.]+$/.test(text)) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [index, half] of halves.entries()) {
    if (half === '') continue
    const parts = half.split(':')
    for (const [place, part] of parts.entries()) {
      const last = index === halves.length - 1 && place === parts.length - 1
      if (last && part.includes('.')) {
        if (!/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(part)) return false
        groups += 2
      } else {
        if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return false
        groups += 1
      }
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8
}
