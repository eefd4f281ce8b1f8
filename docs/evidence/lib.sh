# What the trials share. Sourced, not run.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
groups=()
count=0

# Ends what a trial started, as Ctrl-C would: whole process groups, and only those that it started.
finish() {
  local code=${1:-$?} group
  for group in "${groups[@]:-}"; do
    [ -n "$group" ] && kill -INT -- "-$group" 2>/dev/null || true
  done
  for group in "${groups[@]:-}"; do
    [ -n "$group" ] && wait "$group" 2>/dev/null || true
  done
  rm -rf "$scratch"
  exit "$code"
}
trap finish EXIT

fail() {
  echo "WRONG: $*" >&2
  exit 1
}

# expect WHAT WANTED CAME
expect() {
  if [ "$2" != "$3" ]; then
    fail "$1
  wanted: $2
  came:   $3"
  fi
  count=$((count + 1))
  echo "right: $1"
}

# needs PROGRAM…: a trial whose peer is missing is skipped on a user's machine, and a failure in CI.
needs() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 && continue
    [ "${CI:-}" = true ] && fail "$program is not installed"
    echo "skipped: $program is not installed"
    exit 0
  done
}

# in_background LOG COMMAND…: in a process group of its own, so that `finish` can end all of it.
in_background() {
  local log=$1
  shift
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  groups+=("$!")
  set +m
}

# until_seen LOG PATTERN: prints the first line that matches, within 60 s, if what was started last lives that long.
until_seen() {
  local tries=0
  until grep -m1 -E "$2" "$1" 2>/dev/null; do
    tries=$((tries + 1))
    { [ "$tries" -gt 600 ] || { [ "$tries" -gt 5 ] && ! kill -0 "${groups[-1]}" 2>/dev/null; }; } && fail "nothing like /$2/ in: $(cat "$1")"
    sleep 0.1
  done
}

# fresh COMMAND…: in a new clone of what is committed, with an empty home and environment: no package store, no cache, no settings, and nothing
# that a package manager which runs this passes on. What leads to the network stays.
fresh() {
  local name keep=() path
  mkdir -p "$scratch/home"
  [ -d "$scratch/clone" ] || git clone -q "$repository" "$scratch/clone"
  for name in CI LANG http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR; do
    [ -n "${!name:-}" ] && keep+=("$name=${!name}")
  done
  path=$(tr ':' '\n' <<<"$PATH" | grep -v node_modules | paste -sd:)
  (cd "$scratch/clone" && env -i HOME="$scratch/home" PATH="$path" "${keep[@]}" "$@" </dev/null)
}

# async ARGUMENTS…: the command line as the workspace built it.
async() {
  node "$repository/packages/cli/dist/main.js" "$@"
}

done_well() {
  [ "$count" -gt 0 ] || fail 'nothing was tried'
  echo "$count trials, all right"
}
