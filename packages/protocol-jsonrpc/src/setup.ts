import type { Clock } from '@async/core/base'
import { systemClock } from '@async/core/base'
import { checkTimeout } from './calls.ts'
import { Codec } from './codec.ts'
import type { Conventions } from './conventions.ts'
import { resolveLimits } from './limits.ts'
import type { Limits } from './limits.ts'
import type { Contract } from './method.ts'
import type { PeerOptions, RemoteOptions } from './peer.ts'
import { createService } from './service.ts'
import type { Service } from './service.ts'

/** What all peers of one `jsonRpc(…)`, or all exchanges of a client, share: a connection has a reference to it, and only what differs beside. */
export interface Setup {
  readonly service: Service
  /** Whether there is a service: who has none answers no nonsense. */
  readonly serves: boolean
  /** Whether requests run one at a time. */
  readonly ordered: boolean
  readonly limits: Limits
  readonly codec: Codec
  readonly conventions: Conventions
  readonly clock: Clock
  readonly options: PeerOptions & RemoteOptions<Contract>
}

const noConventions: Conventions = {}

/** @throws UsageError `ERR_INVALID_ARGUMENT` for a limit that is not a positive integer, a time-out that is none, a version that is none. */
export function makeSetup(service: Service | undefined, options: PeerOptions & RemoteOptions<Contract>): Setup {
  const resolved = resolveLimits(service?.options, options)
  const ordered = service?.options.execution === 'ordered'
  const limits = ordered ? { ...resolved, maxConcurrentHandlers: 1 } : resolved
  checkTimeout('callTimeoutMs', options.callTimeoutMs)
  return {
    service: service ?? createService({}), serves: service !== undefined, ordered, limits,
    codec: new Codec(options, limits.maxNestingDepth),
    conventions: options.conventions ?? noConventions,
    clock: options.clock ?? systemClock,
    options,
  }
}

const usualSetups = new WeakMap<Service, Setup>()
const noOptions: PeerOptions = {}

/** The setup of `jsonRpc(service)` without options, which is often called anew for each connection. */
export function usualSetup(service: Service): Setup {
  let setup = usualSetups.get(service)
  if (setup === undefined) {
    setup = makeSetup(service, noOptions)
    usualSetups.set(service, setup)
  }
  return setup
}
