/** What stands behind a scheme of a stack string. One file each beside this one; `index.ts` has them by name. */
import type { Connector, Listener, StackDescription, StackLayer, StackTransport, Transport } from '@async/core'
import type { Io } from '../io.ts'
import type { PackageName } from '../packages.ts'

/** Any transport: `planStack` has checked that what is below carries what a layer takes. */
export type Any = Transport<any>

/** Takes a transport that was accepted. */
export type Accept = (transport: Any) => unknown

/** What a transport or layer carries, and `calls` for what is the top in any case. */
export type Carried = 'stream' | 'message' | 'calls'

/** The stack that a part stands in. */
export interface Surroundings {
  readonly description: StackDescription
  /** What the top carries. */
  readonly gives: Carried
  readonly io: Io
  /** The module of a package: the user's, or ours. @throws (rejects) CommandError with `missingPackage`. */
  load<T>(name: PackageName, scheme: string): Promise<T>
}

/** A scheme that is a layer. */
export interface LayerScheme {
  readonly needs: 'stream' | 'message'
  readonly gives: 'stream' | 'message'
  /** The step from a connector of what is below to one of what it gives above. */
  connects(layer: StackLayer, around: Surroundings): Promise<(below: Connector<Any>) => Connector<Any>>
  /** The step from what takes its transports to what takes those below. */
  accepts(layer: StackLayer, around: Surroundings): Promise<(above: Accept) => Accept>
}

/** What listens, and where: parts of the stack string that the OS, or a default, decided. */
export interface Listening {
  readonly listener: Listener
  readonly where: Partial<StackTransport>
}

/** A scheme that is a transport. */
export interface TransportScheme {
  readonly gives: 'stream' | 'message'
  connector(transport: StackTransport, around: Surroundings): Promise<Connector<Any>>
  listen(transport: StackTransport, around: Surroundings, accept: Accept): Promise<Listening>
}

/** `layer` on every transport of a connector. */
export function overLayer(layer: (below: Any) => Any): (below: Connector<Any>) => Connector<Any> {
  return (below) => ({
    async connect(options) {
      return layer(await below.connect(options))
    },
  })
}

/** `layer` on every transport that is accepted. */
export function acceptLayer(layer: (below: Any) => Any): (above: Accept) => Accept {
  return (above) => (transport) => above(layer(transport))
}
