import { afterTurn, soon } from '@async/core/base'

/** What has a head that leaves at the end of the turn, unless a write, or the end, takes it along before. */
export interface HasHead {
  readonly headSent: boolean
  flushHead(): void
}

let due: HasHead[] = []
let spare: HasHead[] = []

/**
 * Sees to it that the head leaves at the end of this turn. Nearly every request is written where the promise of its exchange resolved, so
 * that is looked at first: a task behind the turn for each costs as much as the head, and makes the runtime look for events twice as often.
 */
export function headDue(exchange: HasHead): void {
  if (due.push(exchange) === 1) soon(afterResolved)
}

/** Behind who waits for the promise. */
function afterResolved(): void {
  soon(look)
}

function look(): void {
  const now = due
  due = spare
  spare = now
  for (const exchange of now) if (!exchange.headSent) afterTurn(() => exchange.flushHead())
  now.length = 0
}
