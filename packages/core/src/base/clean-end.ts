import type { CloseReason } from '../reason.ts'

/** The two ends that are the rule: shared, for on short connections to make one costs as much as all else at the end. */
const lowest = {
  local: Object.freeze({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 }) as CloseReason,
  peer: Object.freeze({ kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 }) as CloseReason,
}

/** Those of a layer, by the end of what is below it. */
const above = new Map<CloseReason, { local?: CloseReason; peer?: CloseReason }>([[lowest.local, {}], [lowest.peer, {}]])
/** Enough for as many layers as anybody stacks; beyond, each end has a reason of its own. */
const maxShared = 64

/** The reason of an end in order, with nothing left: a shared one, unless what ended below is none. */
export function cleanEnd(by: 'local' | 'peer', below: CloseReason | undefined): CloseReason {
  if (below === undefined) return lowest[by]
  const shared = above.get(below)
  if (shared === undefined) return withBelow(by, below)
  let reason = shared[by]
  if (reason === undefined) {
    reason = shared[by] = withBelow(by, below)
    if (above.size < maxShared) above.set(reason, {})
  }
  return reason
}

function withBelow(by: 'local' | 'peer', below: CloseReason): CloseReason {
  const { unsentBytes, unreadBytes } = below
  return Object.freeze({ kind: 'closed', by, unsentBytes, unreadBytes, below })
}
