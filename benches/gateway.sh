#!/usr/bin/env bash
# Loads a gateway on loopback, and its origin without it: requests/s, p50, p99 and the gateway's CPU time a request, for
# bodies of 1 KiB and 1 MiB, without a token, with one that was seen before (ES256) and with ones that were not, over
# 1 and 32 connections of HTTP/1.1 and HTTP/2; the first event of a stream; the gateway's memory at the end.
# Needs h2load, wrk and curl (Debian: apt-get install nghttp2-client wrk curl).
#
#   benches/gateway.sh [SECONDS]        of each row; 5, if not given
#
# The way to the gateway is TLS 1.3; from it to the origin, and to the origin directly, HTTP/1.1 in the clear.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}

for tool in h2load wrk curl; do
  command -v $tool >/dev/null || { echo "benches/gateway.sh: $tool is missing (Debian: apt-get install nghttp2-client wrk curl)" >&2; exit 2; }
done
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

cargo build --profile dist --quiet
sekisho=target/dist/sekisho
# The demo brings the origin and a policy; the gateway that is measured is a process of its own, with an issuer whose key
# is here, so that there are tokens enough.
$sekisho demo --listen 127.0.0.1:3444 --env "$work/env" >"$work/log" 2>&1 &
pids+=($!)
ready() { [ -s "$work/env" ]; }
await ready "$work/log"
# shellcheck source=/dev/null
. "$work/env"
cp -r "$SEKISHO_POLICY" "$work/policy"
rm "$work/policy/keys/demo.jwks.json"
$sekisho token keygen --kid bench --out "$work/key.pem" --jwks "$work/policy/keys/demo.jwks.json" >/dev/null
mint() { $sekisho token mint --key "$work/key.pem" --kid bench --issuer https://issuer.localhost:3481 --tenant acme --subject "$1" --role member; }
token=$(mint u-1)
# More than an instance remembers, so that every one is new where it comes again.
for n in $(seq 4000); do mint "u-$n"; done >"$work/tokens"
cat >"$work/many.lua" <<LUA
local tokens, n = {}, 0
for line in io.lines("$work/tokens") do tokens[#tokens + 1] = "Bearer " .. line end
request = function() n = n % #tokens + 1; return wrk.format(nil, nil, { Host = "acme.localhost", Authorization = tokens[n] }) end
LUA
$sekisho up --listen 127.0.0.1:3445 --policy "$work/policy" --state memory >/dev/null 2>"$work/up" &
gateway=$!
pids+=($gateway)
ready() { grep -q listening "$work/up"; }
await ready "$work/up"

# utime and stime of a process, in clock ticks.
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
hz=$(getconf CLK_TCK)
line() { printf '%-38s %10s %10s %10s %12s\n' "$@"; }
# name requests p50_us p99_us ticks refused
row() { line "$1" "$(awk "BEGIN { printf \"%.0f\", $2 / $seconds }")" "$3 µs" "$4 µs" "$(awk "BEGIN { printf \"%.3f\", $2 ? $5 * 1000 / $hz / $2 : 0 }")${6:+ ($6 refused)}"; }

# name, pid whose CPU counts, connections, further arguments of h2load
load() {
  local name=$1 pid=$2 connections=$3 before after; shift 3
  rm -f "$work/times"
  before=$(ticks "$pid")
  h2load -c "$connections" -t1 -m1 -D "$seconds" --log-file "$work/times" "$@" >"$work/h2load"
  after=$(ticks "$pid")
  read -r n p50 p99 refused < <(sort -n -k3 "$work/times" | awk '
    { t[NR] = $3 } $2 < 200 || $2 >= 400 { bad++ }
    END { print NR, t[int((NR + 1) / 2)], t[int((99 * NR + 99) / 100)], bad }')
  row "$name" "$n" "$p50" "$p99" $((after - before)) "${refused:-}"
}
new_tokens() {
  local name=$1 connections=$2 path=$3 before after
  before=$(ticks "$gateway")
  wrk -t1 -c"$connections" -d"${seconds}s" --latency -s "$work/many.lua" "https://127.0.0.1:3445$path" >"$work/wrk"
  after=$(ticks "$gateway")
  read -r n p50 p99 refused < <(awk '
    function us(x) { return x ~ /us$/ ? x + 0 : x ~ /ms$/ ? (x + 0) * 1000 : (x + 0) * 1e6 }
    $1 == "50%" { p50 = us($2) } $1 == "99%" { p99 = us($2) } / requests in / { n = $1 } /Non-2xx/ { bad = $NF }
    END { printf "%d %.0f %.0f %s\n", n, p50, p99, bad }' "$work/wrk")
  row "$name" "$n" "$p50" "$p99" $((after - before)) "${refused:-}"
}
# Median of the times from the request to the first event, of 30 requests over a new connection each but for its making.
first_event() {
  local url=$1; shift
  for _ in $(seq 30); do
    curl -sN -o /dev/null --max-time 10 -w '%{time_pretransfer} %{time_starttransfer}\n' -X POST -H 'Accept: text/event-stream' "$@" "$url?events=1&interval_ms=0"
  done | awk '{ printf "%.0f\n", ($2 - $1) * 1e6 }' | sort -n | sed -n 15p
}

line "$seconds s a row" requests/s p50 p99 'CPU ms/req'
to_gateway=(--connect-to=127.0.0.1:3445)
url=https://acme.localhost:3445
for size in 1024 1048576; do
  case $size in 1024) what='1 KiB' ;; *) what='1 MiB' ;; esac
  path=/api/files/download?bytes=$size
  for connections in 1 32; do
    load "origin alone, $what, h1 ×$connections" "${pids[0]}" "$connections" --h1 -H 'X-Tenant-Id: acme' "$SEKISHO_ORIGIN_URL$path"
    for protocol in h1 h2; do
      flag=(); [ $protocol = h1 ] && flag=(--h1)
      load "seen ES256, $what, $protocol ×$connections" "$gateway" "$connections" "${flag[@]}" "${to_gateway[@]}" -H "Authorization: Bearer $token" "$url$path"
    done
    new_tokens "new ES256, $what, h1 ×$connections" "$connections" "$path"
  done
done
for connections in 1 32; do
  for protocol in h1 h2; do
    flag=(); [ $protocol = h1 ] && flag=(--h1)
    load "no token (public), $protocol ×$connections" "$gateway" "$connections" "${flag[@]}" "${to_gateway[@]}" "$url/healthz"
  done
done
chat=/api/assistants/a1/chat
echo "first event: origin alone $(first_event "$SEKISHO_ORIGIN_URL$chat" -H 'X-Tenant-Id: acme') µs," \
  "gateway $(first_event "$url$chat" --connect-to acme.localhost:3445:127.0.0.1:3445 -k --http1.1 -H "Authorization: Bearer $token") µs" \
  "(h1), $(first_event "$url$chat" --connect-to acme.localhost:3445:127.0.0.1:3445 -k --http2 -H "Authorization: Bearer $token") µs (h2)"
echo "memory of the gateway, RSS: $(awk '/VmRSS/ { printf "%.0f MiB", $2 / 1024 } /VmHWM/ { printf "at most %.0f MiB, now ", $2 / 1024 }' /proc/$gateway/status)"
