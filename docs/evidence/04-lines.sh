#!/usr/bin/env bash
# nc and socat, which know nothing of us, talk lines to a server whose lines are cut by ChunkProtocol; our command talks lines to socat.
. "$(dirname "$0")/lib.sh"
needs nc socat node

in_background "$scratch/serve.txt" node "$repository/packages/cli/dist/main.js" serve jsonrpc+line+tcp://127.0.0.1:0 "$repository/docs/evidence/methods.mjs"
stack=$(until_seen "$scratch/serve.txt" '^jsonrpc\+line')
port=$(echo "$stack" | grep -oE '[0-9]+$')

expect 'nc: two calls in one piece' '{"jsonrpc":"2.0","result":3,"id":1}
{"jsonrpc":"2.0","result":7,"id":2}' \
  "$(printf '%s\n' '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}' '{"jsonrpc":"2.0","method":"add","params":[3,4],"id":2}' | nc -N -w 10 127.0.0.1 "$port")"
expect 'nc: one line in three pieces' '{"jsonrpc":"2.0","result":"Hello, Ada!","id":1}' \
  "$({ printf '{"jsonrpc":"2.0","method":"greet",'; sleep 0.2; printf '"params":{"name":"Ada"},'; sleep 0.2; printf '"id":1}\n'; } | nc -N -w 10 127.0.0.1 "$port")"
expect 'socat: a call, after which it half-closes' '{"jsonrpc":"2.0","error":{"code":1,"message":"division by zero","data":{"a":1}},"id":1}' \
  "$(echo '{"jsonrpc":"2.0","method":"divide","params":[1,0],"id":1}' | socat -t 10 - "TCP:127.0.0.1:$port")"
expect 'socat: an error that is nobody else'\''s business' '{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":1}' \
  "$(echo '{"jsonrpc":"2.0","method":"secret","id":1}' | socat -t 10 - "TCP:127.0.0.1:$port")"
expect 'socat: a line that is no JSON, and then one that is' '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}
{"jsonrpc":"2.0","result":3,"id":1}' \
  "$(printf '%s\n' 'hello' '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}' | socat -t 10 - "TCP:127.0.0.1:$port")"

# The other way round: socat is the server, and answers each line in capitals.
in_background "$scratch/socat.txt" socat -d -d TCP-LISTEN:0,bind=127.0.0.1,reuseaddr,fork SYSTEM:'tr a-z A-Z'
capitals=$(until_seen "$scratch/socat.txt" 'listening on' | grep -oE '[0-9]+$')
expect 'async connect to socat, line by line' 'HELLO
WORLD' "$(printf 'hello\nworld\n' | async connect "line+tcp://127.0.0.1:$capitals")"
printf '\000\001\377\r\n' >"$scratch/bytes"
expect 'async connect to socat, byte by byte' "$(od -An -tx1 "$scratch/bytes")" "$(async connect "tcp://127.0.0.1:$capitals" <"$scratch/bytes" | od -An -tx1)"
done_well
