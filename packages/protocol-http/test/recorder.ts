import type { CloseReason, Protocol, Stream, StreamTransport } from '@async/core'

/** A protocol that notes what it is told, and can be waited for. */
export class Recorder implements Protocol<Stream, StreamTransport> {
  readonly events: string[] = []
  transport!: StreamTransport
  readonly lost: Promise<CloseReason>
  readonly ended: Promise<void>
  onMade: (transport: StreamTransport) => void = () => {}
  onData: (data: Uint8Array) => void = () => {}
  onEof: () => void = () => {}
  private resolveLost!: (reason: CloseReason) => void
  private resolveEnded!: () => void

  constructor() {
    this.lost = new Promise((resolve) => {
      this.resolveLost = resolve
    })
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve
    })
  }

  readonly connectionMade = (transport: StreamTransport): void => {
    this.transport = transport
    this.events.push('made')
    this.onMade(transport)
  }

  readonly dataReceived = (data: Uint8Array): void => {
    const text = new TextDecoder().decode(data)
    const last = this.events.length - 1
    if (this.events[last]?.startsWith('data ') === true) this.events[last] += text
    else this.events.push(`data ${text}`)
    this.onData(data)
  }

  eofReceived(): void {
    this.events.push('eof')
    this.resolveEnded()
    this.onEof()
  }

  connectionLost(reason: CloseReason): void {
    this.events.push(`lost ${reason.kind}`)
    this.resolveEnded()
    this.resolveLost(reason)
  }
}
