/** Cases in which the other end is told that it was closed in order. */
const names = [
  'P5 the end waits behind what is held, and comes after it',
  'C2 close() sends what is queued, then the end',
  'C2 close() flushes 15 MiB to a slow reader',
  'C7 who closed first is in the reason: local here, peer there',
  'C7 close() before start() ends the connection, and calls nobody',
  'C10 close() after abort(), and abort() after the end, change nothing',
  'H5 where there is no half-close the peer’s end is the end of the connection, whatever the protocol makes of it',
]

/** Skips them, for this reason. */
export function endsInOrder(reason: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, reason]))
}
