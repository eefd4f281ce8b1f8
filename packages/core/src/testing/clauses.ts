/**
 * The clauses of docs/contract.md: id and text, word for word; a test holds the two together. A case's name begins with the id of its clause.
 */
export const clauses: Readonly<Record<string, string>> = {
  T1: 'Nothing is read, and nothing delivered, before `start(protocol)`. What comes before it waits.',
  T2: '`connectionMade` runs inside `start`, once, with the transport, before any other call; nothing else runs inside `start`.',
  T3: 'The order is `connectionMade`, `dataReceived` any number of times, `eofReceived` at most once, `connectionLost` once and last.',
  T4:
    '`start` again replaces the protocol: the old one’s last call is `connectionLost` with kind `detached`; the new one gets ' +
    '`connectionMade` and all that follows.',
  T5:
    '`leftover` is delivered before anything else that the new protocol gets, from a clean stack, and waits while paused. The ' +
    'transport owns it after the call.',
  T6: '`start` throws `ERR_CLOSED` when closing or closed, and `ERR_UNSUPPORTED` for a leftover on a message transport; nothing changes.',
  T7: 'What the old protocol was not given goes to the new one; an end that was delivered is delivered again.',

  W1: '`write` queues `data` behind all that was written before, never blocks, and everything arrives unchanged.',
  W2: 'A string is its UTF-8 bytes; on a message transport a text message. A lone surrogate is U+FFFD.',
  W3: 'Empty data have no effect on a stream, and are an empty message on a message transport.',
  W4: '`writeSequence` is the writes of its items in a row, as one unit: all of it is accepted, or nothing.',
  W5:
    'Above `maxQueuedBytes` (16 MiB) `write` throws LimitError `ERR_WRITE_QUEUE_FULL`; nothing is accepted, and the connection is ' +
    'unharmed.',
  W6:
    'After an end of our own every write, also of nothing, throws at once: `ERR_HALF_CLOSED` after `halfClose`, `ERR_CLOSED` when ' +
    'closing or closed.',
  W7:
    'After a loss from outside, data written in the turn in which it became known are dropped and counted in `unsentBytes`; from the ' +
    'next turn on writes throw.',
  W8:
    'A broken write half drops its queue, stops its producer and rejects its waiters at once, and throws `ERR_WRITE_BROKEN` from the ' +
    'next turn on, also while paused.',
  W9: 'Bytes handed to `write` are borrowed until `drained(0)` resolves: the transport neither changes nor reads them afterwards.',

  P1: 'After `pause` returns there is no `dataReceived` and no `eofReceived` until `resume`, at any layer; what came is held.',
  P2:
    '`pause(\'both\')`, the default, holds writes as well: they are accepted and queued, and leave after `resume`. `pause(\'read\')` ' +
    'does not.',
  P3: 'A pause is two flags, nothing is counted: `pause(\'both\')` sets both, `resume(\'read\')` clears one, `resume()` both.',
  P4: '`resume` delivers nothing inside the call; paused, resumed and paused in one turn is paused. Nothing is lost or reordered by it.',
  P5:
    'A paused reader holds the peer back, where `info.pausable`; what is held is bounded. The peer’s end, and a clean loss, wait ' +
    'behind what is held, for any time.',
  P6: 'Our own ends do not wait while paused, and pauses have no effect when closing or closed: `close` sends what was held.',

  C1:
    'After `close()` returns nothing is delivered, `eofReceived` included; what was held, or comes, is discarded and counted in ' +
    '`unreadBytes`.',
  C2: '`close()` stops a registered producer inside the call, then sends what is queued, then our end.',
  C3: 'After our end a closing transport goes on reading and discarding, so that what it sent is not destroyed by what comes.',
  C4:
    'It does so until the peer’s end, or `lingerMs` (5 s) after ours, whatever comes meanwhile; then it releases everything, with ' +
    'kind `closed`.',
  C5: 'Sending may take `timeoutMs` (30 s); then the transport is aborted with kind `timeout` and code `ERR_CLOSE_TIMEOUT`.',
  C6: '`close()` again has no effect, but that the shorter deadline wins.',
  C7:
    'A clean end has kind `closed` and says who ended first: `local` if `close()` was called before the peer’s end was known, else ' +
    '`peer`.',
  C8:
    '`abort(cause)` sends nothing that is still queued, stops the producer, rejects the waiters, and ends with kind `aborted`, whose ' +
    'error has the cause; not inside the call.',
  C9: 'The peer of an abort sees kind `reset` where `info.resets`, and else that the connection is over.',
  C10: '`abort` ends a closing transport at once; a second abort, and any call after the end, has no effect.',
  C11: 'A loss is told by what it was: a reset behind data that nobody read yet is a reset, not an end.',
  C12: 'Where `info.readsAfterWriteError`, data that came before the write half broke are delivered, all of them, before the loss.',
  C13: 'With a broken write half reading goes on to the peer’s end, a close, or `brokenReadMs` (5 s), which stand while paused.',
  C14: '`close()` with a broken write half ends at once, with the reason of the break.',

  H1: '`halfClose()` sends what is queued, then our end; deliveries go on.',
  H2: 'It stops a registered producer inside the call, and ends writing.',
  H3: 'Again, or later, it has no effect. Both halves ended is closed, by who was first.',
  H4:
    'The peer’s end calls `eofReceived`, and the transport stays open for writing; a protocol without `eofReceived` has it closed, ' +
    'with a flush.',
  H5:
    '`info.halfCloses` says whether it works, `canHalfClose` narrows the type; where it does not, `halfClose()` throws ' +
    '`ERR_UNSUPPORTED` and changes nothing.',

  F1: '`register` calls `producer.halfRegister(consumer)` first, always, inside the call. Registering sends nothing.',
  F2:
    'One producer at a time: another is refused with `ERR_ALREADY_REGISTERED`. What `halfRegister` throws comes through, and nothing ' +
    'is registered.',
  F3: 'Over the high-water mark `pause()` follows inside `register`.',
  F4:
    'After an end of our own `register` throws `ERR_HALF_CLOSED` or `ERR_CLOSED` and calls nothing; after a loss it calls ' +
    '`halfRegister`, then `stop`.',
  F5: 'After `unregister` the producer is called no more, not even to be resumed. Without one it has no effect.',
  F6:
    'The producer is paused when more than `highWaterMarkBytes` are queued, and resumed at `lowWaterMarkBytes` (16 KiB) or below, strictly ' +
    'alternating, resumed from a clean stack. A mark that nobody has set is 64 KiB at first, and may rise to 256 KiB while what is below ' +
    'takes each full batch at once.',
  F7: '`stop` is the consumer’s last call of the producer, at most once, and comes before `connectionLost`.',
  F8:
    '`drained(belowBytes)` resolves when at most so many bytes are queued, for any number of waiters; rejects with the reason’s ' +
    'error, `ERR_CONNECTION_CLOSED` after a clean end, or with `signal.reason`.',
  F9:
    '`queuedBytes` counts what was accepted and not handed to the operating system, here and in all layers below. A relay passes a ' +
    'slow reader’s pace on.',

  R1: '`closed` resolves right after `connectionLost`, with the same reason, and never rejects.',
  R2: 'A reason is frozen plain data. A clean one has no error, a bad one an Error with a stable code.',
  R3: 'Each kind has one meaning: closed, detached, reset, truncated, aborted, timeout, protocol, limit, gone.',
  R4:
    '`unsentBytes` and `unreadBytes` count what was accepted and not sent, and what came and was not delivered, in this layer and all' +
    ' below.',
  R5: 'Facts, addresses, `queuedBytes` and the reason stay readable after the end.',
  R6: 'After the end no timer and no handle is left.',

  E1: 'Every method may be called inside every callback of a protocol or producer, with the effect that the table of calls gives it.',
  E2:
    'Called by the protocol, a transport calls back only `connectionMade`, `halfRegister`, `producer.pause` and `producer.stop`; all ' +
    'else comes from a clean stack, and never inside another callback.',
  E3:
    'What `connectionMade`, `dataReceived` or `eofReceived` throws aborts with kind `protocol` and the cause, and is reported once, ' +
    'through `onError`.',
  E4: 'What `connectionLost` throws is reported once, and the end is completed.',
  E5: 'What a producer’s `pause`, `resume` or `stop` throws is reported, and aborts with kind `protocol`.',
  E6: 'Inside `connectionLost` the connection is over: `write` and `start` throw, all else has no effect.',

  L1: '`connect` gives a transport of which nothing is read before `start`.',
  L2:
    'An aborted `connect` rejects with `signal.reason` at once; a late success is aborted. After the connection is made the signal ' +
    'has no effect.',
  L3: 'A failed `connect` rejects with a ConnectionError of phase `connect`, and calls no protocol.',
  L4: 'A listener hands each accepted transport to its function. What that throws is reported, and aborts that transport alone.',
  L5: '`close()` stops accepting, and no more; open transports live on.',
  L6: '`closeConnections({ graceMs })` stops accepting, closes every open transport, and aborts after `graceMs` (30 s) what is left.',
  L7: '`abortConnections(cause)` stops accepting and aborts every open transport.',
  L8: '`closed` resolves when nothing is accepted and no transport is open any more, and never rejects.',
  L9:
    'Accepted transports are bounded: above a limit they are refused with a reset, and one that nobody starts in time (10 s) is ' +
    'aborted. Too few file descriptors to accept are survived.',
  L10:
    'A name is looked up once, an address never; addresses are tried in the order of the answer, the families taking turns; with one ' +
    'of our own, those of its family.',
  L11:
    'The next address is tried when `attemptDelayMs` (250) have passed since the last, or it fails; who is pending is given up when ' +
    'another has won, and not before.',
  L12: 'When all addresses failed, the error’s cause has what each failed with, in that order; of a single address it is the error itself.',
  L13:
    'A look-up that throws, rejects or finds nothing is `ERR_HOST_NOT_FOUND`; an answer that is no list of addresses ' +
    '`ERR_INVALID_ARGUMENT`.',
  L14:
    '`connectTimeoutMs` (30 s) bounds the look-up and all attempts together: then `ERR_CONNECT_TIMEOUT`, whose cause is the last ' +
    'failure.',
  L15:
    'However `connect` by a name ends, no timer, listener on the signal, or socket is left but the one that it gives; a late answer ' +
    'has no effect.',
  L16:
    'Where a listener holds connections above its limit, they wait unread and are served in order when there is room; more are reset, ' +
    'and all that wait when it stops accepting.',
  L17: 'The two ends of a connection tell each other’s addresses, and the dialled one the listener’s, also when they are over.',

  B1:
    'In each direction everything keeps the order of the calls: all data before `eofReceived`, that before `connectionLost`. Between ' +
    'directions there is no order.',
  B2: 'On a stream boundaries mean nothing: a delivery is a Uint8Array of at least 1 and at most 64 KiB.',
  B3: 'On a message transport each write is one message, and each delivery one whole message.',
  B4: 'Every byte value passes.',
  B5:
    'What was delivered belongs to the protocol: the transport neither changes nor reads it afterwards. It may be a view of a larger ' +
    'ArrayBuffer.',
  B6:
    'The lowest transport alone schedules: the writes of one turn leave together, after that turn’s microtasks; those to a transport that is ' +
    'delivering may leave, together, when the delivery is over. Layers never schedule a write.',

  Y1: 'A layer’s events follow from those below in the same order; it obeys every clause above.',
  Y2: 'A paused layer stops decoding at once; what is below is paused while anything decoded or undecoded is held back.',
  Y3: 'A layer’s `queuedBytes` include those below; its producer is paced by what is below.',
  Y4: 'A layer whose own opening fails reports `connectionLost` without `connectionMade`.',
  Y5:
    'A layer that hands its transport over gives what it has not decoded to its successor: fed as `leftover`, or, where it must be ' +
    'none, an abort with kind `protocol`.',
  Y6: 'An end before the layer’s own mark of the end is kind `truncated`, and what is incomplete is never delivered as if it were whole.',
  Y7: 'Input beyond a receive limit ends the connection with kind `limit`, with bounded memory; a send limit refuses the call.',
  Y8: 'The reason of a layer carries that of the transport below; an end that began above has the layer’s own kind.',
  Y9: 'A layer that was replaced below is over: its later calls throw, or have no effect.',
  Y10:
    'Delimited chunks: the delimiter is found wherever the pieces were cut, a payload that contains it is refused, the policy for ' +
    'chunks that are too long is fixed at construction.',
  Y11:
    'Counted frames: a length that is no length, or not the shortest form of one, is kind `protocol`; too long a one is `limit`, ' +
    'before its payload is read.',
  Y12: 'HTTP: an exchange is one half-closable stream; pausing it stops that exchange alone, and no new head is read meanwhile.',
  Y13:
    'HTTP: a response may end before the request does; then no more is sent, and closing lingers. An unread body is drained up to a ' +
    'limit, else the connection closes.',
  Y14: 'HTTP: a reset, or a failed write, ends the exchanges of the connection; an end of the peer’s side alone does not.',
  Y15: 'JSON-RPC: a loss settles every pending call with the reason; an answer to no call is reported, and ends nothing.',
  Y16:
    'JSON-RPC: at the limit of running handlers requests wait, answers are still read; peers that call each other back at the limit ' +
    'do not hang.',
  Y17:
    'TLS: `connectionMade` after the handshake; `halfClose` is close_notify, and deliveries go on; an end without close_notify is ' +
    '`truncated`.',
  Y18:
    'Pipes and processes: `halfClose` ends the input; lost only after exit and end of output, with the exit status in the reason; a ' +
    'write to a closed pipe breaks the write half.',
  Y19: 'Serial ports, from the package on: no half-close, no reset; no bytes are no end; an unplugged device is kind `gone`, once.',
  Y20:
    'WebSocket: strings are text messages, bytes binary ones; a Close with 1000 or no code is clean, other codes are in the reason, an end ' +
    'without a Close is truncated or lost; no half-close; where reading can’t be paused a limit ends the connection.',

  K1: 'However its input is cut into pieces, a protocol has the same events, and writes the same.',
  K2: 'An end at any offset brings the events that were complete, and kind `truncated` unless it is between two of them.',
  K3: 'A reset at any boundary brings the events before it, and kind `reset`.',
  K4: 'Paused inside an event, the next comes after `resume`, not inside it, and none is lost.',
  K5: '`close` inside an event makes it the last; what came with it is counted as unread.',
  K6: '`abort` inside an event makes it the last.',
  K7: 'A callback that throws ends with kind `protocol`, reported once, and is the last event.',
  K8: 'Many in a row are as many: nothing is lost, or comes twice, where pieces meet.',
  K9:
    'Input that is refused is refused the same however it is cut, within bounded memory, and at most 3 bytes are looked at for each ' +
    'that came.',
  K10: 'Garbage neither escapes as an exception nor costs more than its length.',
}

/** Clauses that no case of the kit tests, and why. */
export const clausesWithoutCase: Readonly<Record<string, string>> = {
  C13:
    'needs a peer that breaks one direction and keeps the other: no transport does so on demand; src/base has tests of its own. What ' +
    'register() and drained() do then has a case.',
  B6: 'how often the system is called can’t be seen through a transport; transport-tcp counts the calls in its own tests',
  Y1: 'the whole kit is run on layers: pass-through, chunk, HTTP exchanges',
  Y2: 'P1 and P5, run on layers, and K4',
  Y3: 'F6 and F9, run on layers',
  Y4: 'no layer of ours opens with an exchange of its own yet; TLS will',
  Y5: 'the layers that hand over have tests of their own: protocol-chunk and protocol-http',
  Y6: 'K2, run on each protocol',
  Y7: 'K9 and W5, run on each protocol and layer',
  Y8: 'C7 and C9, run on layers, look at the layer’s own kind; src/base tests `below`',
  Y9: 'T4, run on layers; src/base tests the calls of a replaced layer',
  Y10: 'protocol-chunk: K1 to K10 and tests of its own',
  Y11: 'protocol-chunk: K1 to K10 and tests of its own',
  Y12: 'protocol-http: the kit on exchanges, and tests of its own',
  Y13: 'protocol-http: tests of its own',
  Y14: 'protocol-http: tests of its own',
  Y15: 'protocol-jsonrpc: tests of its own',
  Y16: 'protocol-jsonrpc: a test of mutual recursion at the limit',
  Y17: 'transport-tls: the kit on each road, and tests of ends and handshakes',
  Y18: 'transport-pipe: tests of processes and of stdio',
  Y19: 'comes with the package',
  Y20: 'transport-websocket: tests of its own',
}
