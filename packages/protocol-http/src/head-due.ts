import { afterTurn, soon } from '@async/core/base'

/** What has a head that leaves at the end of the turn, unless a write, or the end, takes it along before. */
export interface HasHead {
  readonly headSent: boolean
  flushHead(): void
}

/** Two lists: while one is looked at the other gathers. They are filled again from the front, for one that is emptied loses its memory. */
let due: (HasHead | undefined)[] = []
let spare: (HasHead | undefined)[] = []
let count = 0

/**
 * Sees to it that the head leaves at the end of this turn. Nearly every request is written where the promise of its exchange resolved, so
 * that is looked at first: a task behind the turn for each costs as much as the head, and makes the runtime look for events twice as often.
 */
export function headDue(exchange: HasHead): void {
  due[count] = exchange
  if (count++ === 0) soon(afterResolved)
}

/** Behind who waits for the promise. */
function afterResolved(): void {
  soon(look)
}

function look(): void {
  const now = due
  const nowCount = count
  due = spare
  spare = now
  count = 0
  for (let at = 0; at < nowCount; at++) {
    const exchange = now[at]!
    now[at] = undefined
    if (!exchange.headSent) flushAfterTurn(exchange)
  }
}

/** Apart, or what the closure needs is made for those that need none, too. */
function flushAfterTurn(exchange: HasHead): void {
  afterTurn(() => exchange.flushHead())
}
