#!/usr/bin/env bash
# A fresh clone on a machine with Node and npm alone: the README's `npx -y pnpm@12 test` passes, and ends with its count, within 300 s.
# `pnpm test:long` leaves this one out: .ci/run has just done the same.
. "$(dirname "$0")/lib.sh"
needs git node npx

started=$SECONDS
fresh npx -y pnpm@12 test >"$scratch/test.txt" 2>&1 || fail "test: exit $?; $(tail -n 60 "$scratch/test.txt")"
took=$((SECONDS - started))
tail -n 12 "$scratch/test.txt"
expect 'a line of its own has the count, and nothing failed' 1 "$(grep -cE '^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped$' "$scratch/test.txt")"
expect 'the clone is as it was: nothing was written that git would see' '' "$(git -C "$scratch/clone" status --porcelain)"
echo "install, build, checks and tests took $took s"
[ "$took" -le 300 ] || fail "$took s is over the 300 s that it may take"
done_well
