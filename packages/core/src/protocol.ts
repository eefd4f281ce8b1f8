import type { CloseReason } from './reason.ts'
import type { Carries, Transport } from './transport.ts'

/**
 * Gives bytes a meaning, and knows nothing of how they travel. Every method is called by the transport, from a clean stack but for
 * `connectionMade`, which runs inside `start`. A method that throws aborts the connection with kind `protocol`, and is reported once. (E3)
 * Order: `connectionMade`, `dataReceived`*, `eofReceived`?, `connectionLost`; the last is the protocol's last call, exactly once.
 */
export interface Protocol<in C extends Carries = Carries, in T = Transport<C>> {
  /** The transport is yours: write, pause, or close it. Exactly once, before anything else; a layer that fails to open skips it. */
  readonly connectionMade?: (transport: T) => void
  /**
   * Bytes, or one message. They are yours now: the transport never touches them again, unless you said `reuseReadBuffer`. They may be a view of a larger ArrayBuffer.
   * (A property: a method's parameter would not be checked, TypeScript being bivariant there.)
   */
  readonly dataReceived: (data: C['in']) => void
  /**
   * True: what `dataReceived` gets is used during the call only, and what is kept is copied, so that a transport may read the next bytes
   * into the same memory. For protocols that keep nothing, and want the last third of the speed. A transport may take no notice of it. (B5)
   */
  readonly reuseReadBuffer?: boolean
  /** The peer has ended its side; not an error. Absent: the transport closes. Present: it stays open for writing. */
  eofReceived?(): void
  /** It is over. Writes throw. */
  connectionLost?(reason: CloseReason): void
}
