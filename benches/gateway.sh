#!/usr/bin/env bash
# Loads the demo's gateway on loopback and prints requests/s, p50, p99 and the gateway's CPU time a request,
# next to the origin alone. Needs wrk (Debian: apt-get install wrk).
#
# Every request goes over TLS unless its row says otherwise; wrk keeps its connections.
#
#   benches/gateway.sh [SECONDS [CONNECTIONS]]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10} connections=${2:-32}

command -v wrk >/dev/null || { echo 'benches/gateway.sh: wrk is missing (Debian: apt-get install wrk)' >&2; exit 2; }
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

# Waits for a condition, at most five minutes; a log tells why in vain.
await() {
  for _ in $(seq 600); do
    "$1" && return
    kill -0 "${pids[@]}" 2>/dev/null || break
    sleep 0.5
  done
  cat "$2" >&2
  exit 1
}

cargo build --release --quiet
# The demo brings origin, issuer and policy; the gateway that is measured is a process of its own.
target/release/sekisho demo --listen 127.0.0.1:3444 --env "$work/env" >"$work/log" 2>&1 &
pids+=($!)
ready() { [ -s "$work/env" ]; }
await ready "$work/log"
# shellcheck source=/dev/null
. "$work/env"
target/release/sekisho up --listen 127.0.0.1:3445 --listen-http 127.0.0.1:3446 --policy "$SEKISHO_POLICY" \
  --state memory >/dev/null 2>"$work/up" &
gateway=$!
pids+=($gateway)
ready() { grep -q listening "$work/up"; }
await ready "$work/up"

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
    /Non-2xx or 3xx/ { bad = " (" $NF " refused)" }
    END { printf "%-28s %10.0f %10s %10s %12.3f%s\n", name, rps, p50, p99, ticks * 1000 / hz / requests, bad }' "$work/wrk"
}

printf '%-28s %10s %10s %10s %12s\n' "$connections connections, $seconds s" requests/s p50 p99 'CPU ms/req'
tls=https://127.0.0.1:3445 acme='Host: acme.localhost'
load 'origin alone' "$SEKISHO_ORIGIN_URL/api/assistants" "${pids[0]}" 'X-Tenant-Id: acme'
load 'public route' "$tls/healthz" "$gateway" "$acme"
load 'ES256, verified each time' "$tls/api/assistants" "$gateway" "$acme" "Authorization: Bearer $SEKISHO_TOKEN_ACME"
load 'refused by signature' "$tls/api/assistants" "$gateway" "$acme" "Authorization: Bearer $SEKISHO_TOKEN_BAD"
load 'redirected to HTTPS' http://127.0.0.1:3446/healthz "$gateway" "$acme"
