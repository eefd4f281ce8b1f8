#!/usr/bin/env bash
# Two hosts, in network namespaces, and a cable between them that is pulled: nobody says goodbye. What notices, and what can't.
. "$(dirname "$0")/lib.sh"
needs node
if ! command -v ip >/dev/null 2>&1 || ! ip netns add "async-probe-$$" 2>/dev/null; then
  # A container without the right to make network namespaces is the rule on some CI systems: this says so, and is no failure.
  echo "skipped: this machine lets nobody make network namespaces (ip netns add)"
  exit 0
fi
ip netns del "async-probe-$$"

host="async-far-$$"
trap 'code=$?; ip netns del "$host" 2>/dev/null || true; finish "$code"' EXIT
ip netns add "$host"
ip link add "near$$" type veth peer name "far$$" netns "$host"
ip addr add 10.213.77.1/30 dev "near$$"
ip link set "near$$" up
ip -n "$host" addr add 10.213.77.2/30 dev "far$$"
ip -n "$host" link set "far$$" up
ip -n "$host" link set lo up

in_background "$scratch/server.txt" ip netns exec "$host" node "$repository/docs/evidence/cable.mjs" serve
ports=$(until_seen "$scratch/server.txt" '^ports')
in_background "$scratch/client.txt" node "$repository/docs/evidence/cable.mjs" connect "${ports#ports }"
until_seen "$scratch/client.txt" '^connected' >/dev/null
ip link set "near$$" down
until_seen "$scratch/client.txt" '^done' 60 >/dev/null

said() { grep "^$1:" "$scratch/client.txt"; }
expect 'withIdleTimeout({ readMs: 1500 }) over TCP' 'idle: timeout ERR_IDLE_TIMEOUT' "$(said idle)"
expect 'a call in flight is rejected, with that reason as its cause' 'call: ERR_IDLE_TIMEOUT' "$(said call)"
expect 'heartbeatMs: 1000 of a WebSocket' 'heartbeat: timeout ERR_HEARTBEAT_TIMEOUT' "$(said heartbeat)"
expect 'keepAliveMs: 1000 of TCP, where nothing is written' 'keepAlive: timeout ERR_TIMEOUT' "$(said keepAlive)"
expect 'a writer that close() waits for, in timeoutMs' 'close: timeout ERR_CLOSE_TIMEOUT' "$(said close)"
expect 'an idle reader that has paused is told nothing: nobody can know' 'paused: still open' "$(said paused)"
done_well
