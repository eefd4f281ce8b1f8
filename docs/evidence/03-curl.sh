#!/usr/bin/env bash
# curl, which knows nothing of us, calls the server that `start --keep` leaves up: a call, an error, a batch, a notification, and what is no
# JSON. The answers are those of the JSON-RPC 2.0 specification, by hand. Then the two lines that `start --keep` printed, as they are.
. "$(dirname "$0")/lib.sh"
needs curl node

in_background "$scratch/start.txt" node "$repository/scripts/start.mjs" --keep
curl_line=$(until_seen "$scratch/start.txt" '^ *curl .*http://')
call_line=$(until_seen "$scratch/start.txt" '^ .* call jsonrpc\+http')
url=$(echo "$curl_line" | grep -oE 'http://[^ ]+')

# post BODY: the status, a space, the body of the answer
post() {
  curl -sS --max-time 10 -o "$scratch/answer" -w '%{http_code}' -H 'content-type: application/json' --data-binary "$1" "$url"
  printf ' '
  cat "$scratch/answer"
}

expect 'a call' '200 {"jsonrpc":"2.0","result":3,"id":1}' "$(post '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}')"
expect 'an id that is text' '200 {"jsonrpc":"2.0","result":3,"id":"a"}' "$(post '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":"a"}')"
expect 'a method that is none' '200 {"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":2}' \
  "$(post '{"jsonrpc":"2.0","method":"__proto__","id":2}')"
expect 'no JSON' '200 {"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}' "$(post '{"jsonrpc":"2.0","method":"add')"
expect 'JSON that is no request' '200 {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}' "$(post '{"foo":"boo"}')"
expect 'an empty batch' '200 {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}' "$(post '[]')"
expect 'a batch: a call, a notification, no request' \
  '200 [{"jsonrpc":"2.0","result":3,"id":1},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}]' \
  "$(post '[{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1},{"jsonrpc":"2.0","method":"add","params":[1,2]},1]')"
expect 'a notification has no answer' '204 ' "$(post '{"jsonrpc":"2.0","method":"add","params":[1,2]}')"
expect 'a body in HTTP chunks' '200 {"jsonrpc":"2.0","result":3,"id":1}' "$(
  curl -sS --max-time 10 -o "$scratch/answer" -w '%{http_code} ' -H 'transfer-encoding: chunked' --data-binary '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}' "$url"
  cat "$scratch/answer"
)"
expect 'two requests on one connection' 1 "$(
  body='{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}'
  curl -sS --max-time 10 -w '%{num_connects}\n' -o /dev/null --data-binary "$body" "$url" --next -sS -w '%{num_connects}\n' -o /dev/null --data-binary "$body" "$url" >"$scratch/connects"
  awk '{ sum += $1 } END { print sum }' "$scratch/connects"
)"
cd "$repository"
expect 'the printed line for curl, as it is' '{"jsonrpc":"2.0","result":3,"id":1}' "$(eval "$curl_line")"
expect 'the printed line for the command, as it is' 3 "$(eval "$call_line")"
done_well
