#!/usr/bin/env bash
# retained_storm.sh: a million retained messages for each of several new subscribers, while other devices' latency is measured.
#
#   tests/bench/retained_storm.sh [MESSAGES (1000000)] [SUBSCRIBERS (5)]
#
# The node has one reactor on core 0. Devices (fan-in, QoS 1, RATE (1000) messages a second) measure for SECS (5) before the storm
# and for SECS while it lasts; its generator has idle priority on core 1, so that it takes no time from them. Prints p50 and p99 of
# both, the storm's time, and resident memory with the messages stored and at most while they go out. Exit code 1 when a message
# did not arrive. Programs: DUNLIN_BIN, LOAD_BIN (built when not given).
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/brokers.sh"
case ${1:-1} in *[!0-9]*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 1 ;; esac
MESSAGES=${1:-1000000} SUBSCRIBERS=${2:-5} RATE=${RATE:-1000} SECS=${SECS:-5} PORT=${PORT:-21840}
LOAD_BIN=${LOAD_BIN:-$(built //tests/load:dunlin-load)} || exit 1
DUNLIN_BIN=${DUNLIN_BIN:-$(built //broker:dunlin)} || exit 1
TMP=$(mktemp -d)
trap 'kill $STORM 2>/dev/null; stop_broker; rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM
STORM=
# The later settings count: the API tells when all messages are stored.
DUNLIN_SETTINGS=(--set http.enabled=true --set "http.address=127.0.0.1:$((PORT + 1))")

stored() { curl -fs "http://127.0.0.1:$((PORT + 1))/metrics" | awk '/^dunlin_retained_messages / { printf "%d", $2 }'; }
resident_mb() { awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$BROKER_PID/status"; }
measure() { # FILE
  taskset -c 1 "$LOAD_BIN" fan-in --qos 1 --publishers 20 --rate "$RATE" --seconds "$SECS" --warmup 0.5 --target "127.0.0.1:$PORT" \
    --json "$1" --quiet >/dev/null 2>&1
}
start_broker dunlin "$PORT" 0 "$TMP/node" || exit 1
sleep 1
measure "$TMP/before.json"
taskset -c 1 chrt -i 0 "$LOAD_BIN" retained --qos 1 --messages "$MESSAGES" --subscribers "$SUBSCRIBERS" --drain-max 300 \
  --target "127.0.0.1:$PORT" --json "$TMP/storm.json" --quiet >"$TMP/storm.log" 2>&1 &
STORM=$!
until [ "$(stored)" -ge "$MESSAGES" ] 2>/dev/null; do kill -0 "$STORM" 2>/dev/null || break; sleep 0.05; done
full=$(resident_mb) most=0
measure "$TMP/with.json" &
measuring=$!
during=no # whether the storm lasted as long as the measurement
while kill -0 "$STORM" 2>/dev/null; do
  now=$(resident_mb)
  ((now > most)) && most=$now
  kill -0 "$measuring" 2>/dev/null || during=yes
  sleep 0.1
done
wait "$STORM"
rc=$?
wait "$measuring"
python3 - "$TMP" "$full" "$most" "$during" "$rc" <<'PY'
import json, sys
folder, full, most, during, rc = sys.argv[1:]
before, storm, during_storm = (json.load(open(f"{folder}/{n}.json")) for n in ("before", "storm", "with"))
for name, run in (("before", before), ("with the storm", during_storm)):
    d = run["delivery_ms"]
    print(f"{name}: p50 {d['p50']:.2f} ms, p99 {d['p99']:.2f} ms, {run['missing']} missing")
print(f"storm: {storm['expected']:,} messages to come, {storm['missing']} missing, {storm['duplicates']} duplicates, "
      f"{storm.get('retained_seconds', 0):.1f} s; it outlasted the measurement: {during}")
print(f"resident: {full} MB with all stored, {most} MB at most while they go out")
bad = int(rc) or storm["missing"] or storm["expected"] == 0 or before["missing"] or during_storm["missing"]
sys.exit(1 if bad else 0)
PY
