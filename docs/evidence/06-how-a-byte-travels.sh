#!/usr/bin/env bash
# docs/architecture.md says which functions a byte passes: on its way in all of them in one turn, on one stack, and on its way out in one
# write a turn. Here are the stack traces of one call, held against the functions that the page names.
. "$(dirname "$0")/lib.sh"
needs node

cd "$repository/examples/05-jsonrpc-over-http-over-tcp"
node --enable-source-maps --input-type=module --eval "$(cat "$repository/docs/evidence/trace.mjs")" >"$scratch/trace.txt"
cat "$scratch/trace.txt"

# The functions under a heading, innermost first, each once.
functions() { sed -n "/^$1/,/^[a-z]/p" "$scratch/trace.txt" | sed -n 's/^  \([A-Za-z]*\.\)\{0,1\}\([A-Za-z]*\)  .*/\2/p' | uniq | tr '\n' ' '; }

expect 'the answer' 'answer: 3' "$(tail -n 1 "$scratch/trace.txt")"
expect 'in: from the socket to the method on one stack' \
  'run accept entryReceived dataReceived deliverHeld pump deliverEof receivedEof eofReceived deliverEof receivedEof bodyEnded handle pull dataReceived received deliver onData ' \
  "$(functions 'in: the method')"
expect 'out: a request and its answer are one write each' 2 "$(grep -c '^out: socket.write' "$scratch/trace.txt")"
expect 'out: the lowest transport writes, behind the turn' 'write writeBatch send sendQueued flush write writeBatch send sendQueued flush ' "$(functions 'out: socket.write')"
done_well
