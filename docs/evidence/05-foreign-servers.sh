#!/usr/bin/env bash
# Our client calls servers that we did not write: jayson, over TCP and over HTTP.
. "$(dirname "$0")/lib.sh"
needs node

cat >"$scratch/jayson.cjs" <<'JS'
const jayson = require(require.resolve('jayson', { paths: [process.argv[2]] }))
const server = new jayson.Server({
  add: ([a, b], done) => done(null, a + b),
  fail: (_, done) => done({ code: 7, message: 'as you wish', data: [1] }),
})
const tcp = server.tcp().listen(0, '127.0.0.1', () => console.log(`tcp ${tcp.address().port}`))
const http = server.http().listen(0, '127.0.0.1', () => console.log(`http ${http.address().port}`))
JS
in_background "$scratch/jayson.txt" node "$scratch/jayson.cjs" "$repository/packages/protocol-jsonrpc"
tcp=$(until_seen "$scratch/jayson.txt" '^tcp' | grep -oE '[0-9]+')
http=$(until_seen "$scratch/jayson.txt" '^http' | grep -oE '[0-9]+')

expect 'jayson over TCP' 3 "$(async call "jsonrpc+line+tcp://127.0.0.1:$tcp" add '[1, 2]')"
expect 'jayson over HTTP' 3 "$(async call "jsonrpc+http://127.0.0.1:$http/" add '[1, 2]')"
for stack in "jsonrpc+line+tcp://127.0.0.1:$tcp" "jsonrpc+http://127.0.0.1:$http/"; do
  code=0
  async call "$stack" fail '[]' >"$scratch/out" 2>"$scratch/err" || code=$?
  expect "an error that jayson answers with is exit 1 (${stack%%:*})" '1 async: answered 7: as you wish [1]' "$code $(cat "$scratch/err")"
done
code=0
async call "jsonrpc+http://127.0.0.1:$http/" missing '[]' 2>"$scratch/err" || code=$?
expect 'a method that jayson does not have' 1 "$code"
grep -q -- '-32601' "$scratch/err" || fail "it says: $(cat "$scratch/err")"
done_well
