#!/usr/bin/env bash
# A fresh clone on a machine with Node and npm alone: the README's `npx -y pnpm@12 start` installs, builds, runs, and ends by itself with
# exit 0; piped output is plain; `--json` is data that says that all was right.
. "$(dirname "$0")/lib.sh"
needs git node npx

fresh npx -y pnpm@12 start >"$scratch/start.txt" 2>"$scratch/errors.txt" || fail "start: exit $?; $(tail -n 20 "$scratch/errors.txt" "$scratch/start.txt")"
expect 'start ends with exit 0' 0 0
expect 'what it prints when piped has no control characters' 0 "$(LC_ALL=C grep -c "$(printf '[\001-\010\013-\037]')" "$scratch/start.txt" || true)"
grep -q 'jsonrpc+http+tcp://' "$scratch/start.txt" || fail 'start does not name its stack'

fresh npx -y pnpm@12 --silent start --json >"$scratch/start.json" 2>"$scratch/errors.txt" || fail "start --json: exit $?; $(cat "$scratch/errors.txt")"
expect 'start --json says that all was right, of at least four steps and four other stacks' 'true true true' "$(node -e '
const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))
console.log(report.right, report.steps.length >= 4 && report.steps.every((step) => step.right && step.agree), report.others.length >= 4)
' "$scratch/start.json")"
expect 'what left the client entered the server, byte for byte, as HTTP' 'true true' "$(node -e '
const { steps } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))
const sent = steps.map(({ client }) => client.bytes.down.join("")), came = steps.map(({ server }) => server.bytes.up.join(""))
console.log(sent.every((text) => /^POST \S+ HTTP\/1\.1\r\n/.test(text)), JSON.stringify(sent) === JSON.stringify(came))
' "$scratch/start.json")"
done_well
