import { UsageError } from '@async/core'

/** Sessions of a client, by server name: the last one of each, the least recently used given up first. */
export class TlsSessionCache {
  private readonly sessions: Map<string, Buffer> = new Map()
  private readonly maxEntries: number

  /** @throws UsageError `ERR_INVALID_ARGUMENT` unless `maxEntries` (100) is a number from 1. */
  constructor(options: { readonly maxEntries?: number } = {}) {
    this.maxEntries = options.maxEntries ?? 100
    if (!(this.maxEntries >= 1)) throw new UsageError('ERR_INVALID_ARGUMENT', `maxEntries is ${this.maxEntries}; it takes a number from 1`)
  }

  /** Names that have a session. */
  get size(): number {
    return this.sessions.size
  }

  /** The session for `name`. */
  get(name: string): Buffer | undefined {
    const session = this.sessions.get(name)
    if (session !== undefined) this.set(name, session)
    return session
  }

  /** Keeps `session` for `name`. Called by the layer, with sessions of servers whose certificate was verified. */
  set(name: string, session: Buffer): void {
    this.sessions.delete(name)
    this.sessions.set(name, session)
    for (const oldest of this.sessions.keys()) {
      if (this.sessions.size <= this.maxEntries) return
      this.sessions.delete(oldest)
    }
  }

  /** Forgets all of them. */
  clear(): void {
    this.sessions.clear()
  }
}
