import { tap, type TapObserver } from '@async/core'

/** The places where one layer of the stack hands over to the next, top first. */
export const boundaries = ['calls', 'messages', 'body', 'bytes'] as const
export type Boundary = (typeof boundaries)[number]

/** What crossed one boundary, in both directions. `down`: towards the wire. Text, because everything in this conversation is ASCII. */
export interface Crossing {
  /** A call or message each; on a stream, where boundaries mean nothing, all of it as one. */
  readonly down: readonly string[]
  readonly up: readonly string[]
}

/** What crossed the boundaries of one process's stack. */
export type Crossings = Readonly<Record<Boundary, Crossing>>

/** Collects crossings, step by step. */
export class Recorder {
  private current = empty()

  /** Adds to what crossed. */
  add(boundary: Boundary, direction: 'down' | 'up', what: string): void {
    const list = this.current[boundary][direction]
    const isStream = boundary === 'body' || boundary === 'bytes'
    if (isStream && list.length > 0) list[0] += what
    else list.push(what)
  }

  /** A layer that changes nothing and records what crosses. */
  tap(boundary: Boundary): ReturnType<typeof tap> {
    const observer: TapObserver = {
      onWrite: (data) => this.add(boundary, 'down', asText(data)),
      onData: (data) => this.add(boundary, 'up', asText(data)),
    }
    return tap(observer)
  }

  /** What crossed since the last call. */
  take(): Crossings {
    const taken = this.current
    this.current = empty()
    return taken
  }
}

function empty(): Record<Boundary, { down: string[]; up: string[] }> {
  const none = (): { down: string[]; up: string[] } => ({ down: [], up: [] })
  return { calls: none(), messages: none(), body: none(), bytes: none() }
}

function asText(data: Uint8Array | string): string {
  return typeof data === 'string' ? data : new TextDecoder().decode(data)
}
