#!/usr/bin/env bash
# Loads the demo's gateway on loopback and prints requests/s, p50, p99 and the gateway's CPU time a request,
# next to the origin alone. Needs wrk (Debian: apt-get install wrk).
#
#   benches/gateway.sh [SECONDS [CONNECTIONS]]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10} connections=${2:-32}

command -v wrk >/dev/null || { echo 'benches/gateway.sh: wrk is missing (Debian: apt-get install wrk)' >&2; exit 2; }
work=$(mktemp -d)
trap 'kill "$demo" 2>/dev/null; wait "$demo" 2>/dev/null; rm -rf "$work"' EXIT

cargo build --release --quiet
target/release/sekisho demo --env "$work/env" >"$work/log" 2>&1 &
demo=$!
for _ in $(seq 600); do
  [ -s "$work/env" ] && break
  kill -0 "$demo" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.5
done
# shellcheck source=/dev/null
. "$work/env"

# utime and stime of a process, in clock ticks.
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

# name, URL, pid whose CPU counts, header...
load() {
  local name=$1 url=$2 pid=$3 before after; shift 3
  local headers=(); for header; do headers+=(-H "$header"); done
  before=$(ticks "$pid")
  wrk -t1 -c"$connections" -d"${seconds}s" --latency "${headers[@]}" "$url" >"$work/wrk"
  after=$(ticks "$pid")
  awk -v name="$name" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
    $1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 }
    / requests in / { requests = $1 } /^Requests\/sec/ { rps = $2 }
    /Non-2xx/ { bad = " (" $NF " not 2xx)" }
    END { printf "%-28s %10.0f %10s %10s %12.3f%s\n", name, rps, p50, p99, ticks * 1000 / hz / requests, bad }' "$work/wrk"
}

printf '%-28s %10s %10s %10s %12s\n' "$connections connections, $seconds s" requests/s p50 p99 'CPU ms/req'
# The demo is one process: origin and gateway share it, so the origin's own cost is shown first.
load 'origin alone' "$SEKISHO_ORIGIN_URL/healthz" "$SEKISHO_GATEWAY_PID" 'X-Tenant-Id: acme'
load 'public route' "$SEKISHO_URL/healthz" "$SEKISHO_GATEWAY_PID"
load 'ES256 token, each verified' "$SEKISHO_URL/api/assistants" "$SEKISHO_GATEWAY_PID" "Authorization: Bearer $SEKISHO_TOKEN_ACME"
load 'refused (signature)' "$SEKISHO_URL/api/assistants" "$SEKISHO_GATEWAY_PID" "Authorization: Bearer $SEKISHO_TOKEN_BAD"
