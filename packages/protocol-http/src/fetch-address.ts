import { isBadPort } from './bad-ports.ts'
import { flat } from './head-memo.ts'

/** A URL that can be fetched, and what is asked of it again and again. */
export class FetchAddress {
  readonly url: URL
  /** The URL without its fragment: that of the response. */
  readonly href: string
  /** By what its connections are found: scheme, host and port. */
  readonly origin: string
  readonly host: string
  /** The target, as the origin's own server is asked. */
  readonly target: string

  /** The URL must not change any more. @throws TypeError for one that is not fetched. */
  constructor(url: URL) {
    const { protocol, port, host, href, hash } = url
    if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError(`the scheme is ${protocol.slice(0, 32)} and not http: or https:`)
    if (isBadPort(Number(port))) throw new TypeError(`port ${port} is another protocol's`)
    this.url = url
    this.href = href.slice(0, href.length - hash.length)
    this.origin = `${protocol}//${host}`
    this.host = host
    this.target = `${url.pathname}${url.search}`
  }
}

const maxKnownCount = 64
const maxKnownLength = 512
const known: Map<string, FetchAddress> = new Map()

/**
 * The address of an absolute URL; undefined for one that `Request` has to judge. The last ones are remembered: programs ask the same few
 * URLs again and again, and to parse one costs more than to compare it.
 */
export function addressOf(text: string): FetchAddress | undefined {
  const found = known.get(text)
  if (found !== undefined) return found
  try {
    const url = new URL(text)
    if (url.username !== '' || url.password !== '') return undefined
    const made = new FetchAddress(url)
    if (text.length > maxKnownLength) return made
    if (known.size >= maxKnownCount) known.clear()
    // A URL that was cut out of a page must not keep the page.
    known.set(flat(text), made)
    return made
  } catch {
    return undefined
  }
}
