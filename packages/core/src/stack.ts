import type { Connector, Layer } from './transport.ts'

/**
 * Stacks layers on what is below, bottom first, typed end to end: each takes what the one before gives. Nothing is read before the top
 * is started. `stack(transport, line(), jsonRpc(service))`. (Y1)
 */
export function stack<A, B>(below: A, a: Layer<A, B>): B
export function stack<A, B, C>(below: A, a: Layer<A, B>, b: Layer<B, C>): C
export function stack<A, B, C, D>(below: A, a: Layer<A, B>, b: Layer<B, C>, c: Layer<C, D>): D
export function stack<A, B, C, D, E>(below: A, a: Layer<A, B>, b: Layer<B, C>, c: Layer<C, D>, d: Layer<D, E>): E
export function stack<A, B, C, D, E, F>(below: A, a: Layer<A, B>, b: Layer<B, C>, c: Layer<C, D>, d: Layer<D, E>, e: Layer<E, F>): F
export function stack(below: unknown, ...layers: readonly Layer<any, any>[]): unknown {
  return layers.reduce((under, layer) => layer(under), below)
}

/** A connector whose transports come with layers on them: `over(connectTcp, tls(options))`. If a layer throws, what is below is aborted. (Y2) */
export function over<A, B>(connector: Connector<A>, a: Layer<A, B>): Connector<B>
export function over<A, B, C>(connector: Connector<A>, a: Layer<A, B>, b: Layer<B, C>): Connector<C>
export function over<A, B, C, D>(connector: Connector<A>, a: Layer<A, B>, b: Layer<B, C>, c: Layer<C, D>): Connector<D>
export function over<A, B, C, D, E>(connector: Connector<A>, a: Layer<A, B>, b: Layer<B, C>, c: Layer<C, D>, d: Layer<D, E>): Connector<E>
export function over(connector: Connector<unknown>, ...layers: readonly Layer<any, any>[]): Connector<unknown> {
  return {
    async connect(options) {
      const below = await connector.connect(options)
      try {
        return layers.reduce((under, layer) => layer(under), below)
      } catch (error) {
        ;(below as { abort?: (cause: unknown) => void }).abort?.(error)
        throw error
      }
    },
  }
}
