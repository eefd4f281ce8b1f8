/** The page with the states is made from the tables: `vitest -u` writes it, a test run holds it against them. */
import { expect, it } from 'vitest'
import { requester, responder } from '../src/state.ts'
import type { SideEvent, SideState, Transitions } from '../src/state.ts'

const states: readonly (readonly [SideState, string])[] = [
  ['idle', 'has sent nothing of the next message'],
  ['head', 'owes a response, and may send any number of 1xx first'],
  ['body', 'has sent the head'],
  ['done', 'has sent a whole message'],
  ['mustClose', 'has sent its last message'],
  ['closed', 'has ended its side of the connection'],
  ['switched', 'speaks another protocol: what is left of the input is that one\'s'],
  ['error', 'broke the protocol, or a limit: nothing more is read of it'],
]

const events: readonly (readonly [SideEvent, string])[] = [
  ['requested', 'a request began, so the responder owes a response'],
  ['request', 'the head of a request'],
  ['informational', 'a 1xx other than 101'],
  ['response', 'the head of the response'],
  ['refuse', 'a response to no request (400 to what is none, 408): the last thing that is sent'],
  ['data', 'bytes of a body'],
  ['end', 'the end of a message, with its trailers'],
  ['last', 'there will be no further message: either said `close`, or the body ends with the connection'],
  ['cycle', 'the next pair of messages may begin'],
  ['switch', 'the connection is another protocol\'s: a 101, or a 2xx to CONNECT'],
  ['close', 'the end of the side'],
  ['fail', 'something that is not HTTP, or beyond a limit'],
]

const rows = (table: Transitions): [SideState, SideEvent, SideState][] =>
  states.flatMap(([from]) => events.flatMap(([event]) => {
    const to = table[from][event]
    return to === undefined ? [] : [[from, event, to] as [SideState, SideEvent, SideState]]
  }))

/** Leaves out `fail` and what changes nothing: they are in the table. */
function diagram(table: Transitions): string {
  const lines = rows(table).filter(([from, event, to]) => from !== to && event !== 'fail').map(([from, event, to]) => `  ${from} --> ${to}: ${event}`)
  return ['```mermaid', 'stateDiagram-v2', '  [*] --> idle', ...lines, '```'].join('\n')
}

function grid(table: Transitions): string {
  const used = events.filter(([event]) => rows(table).some(([, each]) => each === event)).map(([event]) => event)
  const present = states.filter(([state]) => rows(table).some(([from, , to]) => from === state || to === state)).map(([state]) => state)
  return [
    `| | ${used.join(' | ')} |`,
    `|---|${used.map(() => '---|').join('')}`,
    ...present.map((state) => `| **${state}** | ${used.map((event) => table[state][event] ?? '–').join(' | ')} |`),
  ].join('\n')
}

const page = (): string => `# The states of an HTTP connection

This page is made from the tables in \`packages/protocol-http/src/state.ts\` by a test, which fails when the two differ.

A connection has two sides, and each side is one variable: what its sender has sent of the current message. The *requester* is the client's
side, the *responder* the server's. A machine sends as one of them (\`ourState\`), and reads the other (\`theirState\`). What is not in
a table is illegal: of ours it is a UsageError \`ERR_HTTP_STATE\` and changes nothing, of theirs it cannot be parsed at all.

| state | the sender |
|---|---|
${states.map(([state, text]) => `| \`${state}\` | ${text} |`).join('\n')}

| event | what moves a side |
|---|---|
${events.map(([event, text]) => `| \`${event}\` | ${text} |`).join('\n')}

## The requester

${diagram(requester)}

${grid(requester)}

## The responder

${diagram(responder)}

${grid(responder)}

## Not in the tables

- Which messages have a body, and how its end is found: \`packages/protocol-http/src/framing.ts\`. What is inside a body: \`packages/protocol-http/src/reader.ts\`.
- A response to a request whose \`Expect: 100-continue\` is open, or to CONNECT when it is no 2xx, is the connection's last: nobody can know whose the bytes behind that request are.
- A client may go from \`done\` to \`idle\`, and send the next request, before the response is there; the responder then goes from \`done\` through \`idle\` to \`head\` at once.
`

it('the page with the states says what the tables say', async () => {
  await expect(page()).toMatchFileSnapshot('../../../docs/http-states.md')
})

it('every state and every event is told', () => {
  expect(states.map(([state]) => state).sort()).toEqual(Object.keys(requester).sort())
  const all = new Set([...rows(requester), ...rows(responder)].map(([, event]) => event))
  expect([...all].sort()).toEqual(events.map(([event]) => event).sort())
})
