/**
 * Theory of operation. A connection has two sides, and each side one variable: what its sender has sent of the current message.
 * The *requester* is the client's side, the *responder* the server's. The machine of a server sends as the responder ("ours") and
 * receives from the requester ("theirs"); that of a client the other way round.
 *
 * Each side moves by what it sends, and by these facts of the connection:
 * - `requested`: a request began, so the responder owes a response.
 * - `last`: there will be no further message (either message said `close`, or its body ends with the connection).
 * - `cycle`: both messages are complete, and the next pair may begin. Legal when both sides are `done`.
 * - `refuse`: a response to no request (408, or 400 to what is none); the last thing that is sent.
 * - `switch`: the connection is another protocol's from here on (a 101, a 2xx to CONNECT, or somebody else who will answer).
 *
 * | state | the sender … |
 * | --- | --- |
 * | idle | has sent nothing of the next message |
 * | head | owes a response; may send any number of 1xx first (responder only) |
 * | body | has sent the head |
 * | done | has sent a whole message |
 * | mustClose | has sent its last message |
 * | closed | has ended its side of the connection |
 * | switched | speaks another protocol; what is left of the input is its |
 * | error | broke the protocol, or its limits; nothing more is read of it, or sent by us |
 *
 * Not in the tables: which messages have a body (framing.ts); what is inside a body (reader.ts).
 */

/** Where one side of a connection is. */
export type SideState = 'idle' | 'head' | 'body' | 'done' | 'mustClose' | 'closed' | 'switched' | 'error'

/** What moves a side. */
export type SideEvent =
  | 'requested' | 'request' | 'informational' | 'response' | 'refuse' | 'data' | 'end' | 'last' | 'cycle' | 'close' | 'fail' | 'switch'

/** A transition table. What is not in it is illegal. */
export type Transitions = Readonly<Record<SideState, Readonly<Partial<Record<SideEvent, SideState>>>>>

const after: Omit<Transitions, 'idle' | 'head' | 'body'> = {
  done: { cycle: 'idle', last: 'mustClose', close: 'closed', fail: 'error' },
  mustClose: { last: 'mustClose', close: 'closed', fail: 'error' },
  closed: { last: 'closed', close: 'closed', fail: 'error' },
  switched: {},
  error: { last: 'error', close: 'error', fail: 'error' },
}

/** The client's side. */
export const requester: Transitions = deepFreeze({
  idle: { request: 'body', last: 'mustClose', close: 'closed', fail: 'error' },
  head: {},
  body: { data: 'body', end: 'done', fail: 'error' },
  ...after,
  done: { ...after.done, switch: 'switched' },
  mustClose: { ...after.mustClose, switch: 'switched' },
})

/** The server's side. */
export const responder: Transitions = deepFreeze({
  idle: { requested: 'head', refuse: 'body', last: 'mustClose', close: 'closed', fail: 'error' },
  head: { informational: 'head', response: 'body', switch: 'switched', close: 'closed', fail: 'error' },
  body: { data: 'body', end: 'done', fail: 'error' },
  ...after,
})

/** A state of one side, with the states that events lead to. All have the same properties in the same order, which makes a move one load. */
export interface SidePlace extends Readonly<Record<SideEvent, SidePlace | undefined>> {
  readonly name: SideState
}

const events: readonly SideEvent[] = ['requested', 'request', 'informational', 'response', 'refuse', 'data', 'end', 'last', 'cycle', 'close', 'fail', 'switch']

function startOf(table: Transitions): SidePlace {
  const places = {} as Record<SideState, SidePlace>
  for (const name of Object.keys(table) as SideState[]) places[name] = Object.assign({ name } as SidePlace, Object.fromEntries(events.map((event) => [event, undefined])))
  for (const [name, row] of Object.entries(table)) for (const [event, next] of Object.entries(row)) Object.assign(places[name as SideState], { [event]: places[next] })
  return places.idle
}

function deepFreeze(table: Transitions): Transitions {
  for (const row of Object.values(table)) Object.freeze(row)
  return Object.freeze(table)
}

/** Where a client's side begins. */
export const requesterStart: SidePlace = startOf(requester)
/** Where a server's side begins. */
export const responderStart: SidePlace = startOf(responder)
