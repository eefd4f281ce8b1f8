import type { CloseReason, Data, Messages, Protocol, Stream, Transport } from '@async/core'
import { afterTurn } from '@async/core/base'
import { show } from './feeding.ts'

/** Several turns of the event loop: everything that a memory pair has under way arrives, and what must not happen had its chance. */
export async function turns(count = 12): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => afterTurn(resolve))
}

/** A protocol that writes down what it is told. */
export class Recorder implements Protocol<Messages> {
  readonly events: string[] = []
  reason: CloseReason | undefined
  transport: Transport<Messages> | undefined
  /** Called behind each unit is written down. */
  onUnit: ((unit: string, transport: Transport<Messages>) => void) | undefined
  /** Absent: the transport closes at the peer's end. */
  eofReceived?: () => void

  constructor(options: { readonly keepsOpen?: boolean; readonly onUnit?: (unit: string, transport: Transport<Messages>) => void } = {}) {
    this.onUnit = options.onUnit
    if (options.keepsOpen === true) this.eofReceived = () => void this.events.push('eof')
  }

  connectionMade(transport: Transport<Messages>): void {
    this.transport = transport
    this.events.push('made')
  }

  dataReceived(unit: Data): void {
    this.events.push(show(unit))
    this.onUnit?.(show(unit), this.transport!)
  }

  connectionLost(reason: CloseReason): void {
    this.reason = reason
    this.events.push(`lost ${reason.kind}`)
  }
}

/** What comes out of the far end, as latin1 characters. */
export class Wire implements Protocol<Stream> {
  received = ''
  reason: CloseReason | undefined
  isEnded = false

  dataReceived(data: Uint8Array): void {
    this.received += show(data)
  }

  eofReceived(): void {
    this.isEnded = true
  }

  connectionLost(reason: CloseReason): void {
    this.reason = reason
  }
}
