#!/usr/bin/env bash
# rules_compare.sh: how fast an outbound rule sends to a running RocketMQ, against a bare gRPC batch sender in the same run.
#
#   ROCKETMQ_ENDPOINT=127.0.0.1:8081 tests/bench/rules_compare.sh
#
# A rule is loaded faster than it can send, then the load ends and its spool is drained: the rate of that is the rule's, with
# nothing else at work, as for the bare sender. Both kinds of rule take turns with the bare sender (REPEATS, 3; medians):
#   message    one RocketMQ message for each device message, BATCH (512) to a request
#   envelope   BATCH device messages in one RocketMQ message
# Topics must exist: TOPIC_BARE (dunlin_bench), TOPIC_MESSAGE (bench_message), TOPIC_ENVELOPE (bench_envelope).
# More: SECS (5, bare sender), FILL_SECS (5), BYTES (64, payload), IN_FLIGHT (16), GOAL (0.8).
# Programs: DUNLIN_BIN, LOAD_BIN, SENDER_BIN (built when not given). Exit code 1 when a ratio is below GOAL.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/brokers.sh"
case ${1:-} in '') ;; *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 1 ;; esac
ENDPOINT=${ROCKETMQ_ENDPOINT:-127.0.0.1:8081}
TOPIC_BARE=${TOPIC_BARE:-dunlin_bench} TOPIC_MESSAGE=${TOPIC_MESSAGE:-bench_message} TOPIC_ENVELOPE=${TOPIC_ENVELOPE:-bench_envelope}
SECS=${SECS:-5} FILL_SECS=${FILL_SECS:-5} REPEATS=${REPEATS:-3} BATCH=${BATCH:-512} BYTES=${BYTES:-64} IN_FLIGHT=${IN_FLIGHT:-16}
PORT=${PORT:-21850} HTTP_PORT=$((${PORT:-21850} + 1))
DUNLIN_BIN=${DUNLIN_BIN:-$(built //broker:dunlin)} || exit 1
LOAD_BIN=${LOAD_BIN:-$(built //tests/load:dunlin-load)} || exit 1
SENDER_BIN=${SENDER_BIN:-$(built //tests/bench:rocketmq_sender)} || exit 1
TMP=$(mktemp -d)
trap 'stop_broker; rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM

bare() { # BATCH BYTES [PROPERTIES]: messages a second
  "$SENDER_BIN" --properties "${3:-none}" --endpoint "$ENDPOINT" --topic "$TOPIC_BARE" --batch "$1" --in-flight "$IN_FLIGHT" --bytes "$2" --seconds "$SECS" \
    | python3 -c 'import json, sys; r = json.loads(sys.stdin.readlines()[-1]); print(r["messages_per_second"]); sys.exit(r["failed"] > 0)'
}
rule() { # FORMAT TOPIC: device messages a second
  DUNLIN_SETTINGS=(--set http.enabled=true --set "http.address=127.0.0.1:$HTTP_PORT" --set "rocketmq.endpoint=$ENDPOINT"
    --set rocketmq.batch=full --set "rules.0.id=bench" --set rules.0.type=outbound --set rules.0.topic=bench
    --set "rules.0.queue=$2" --set "rules.0.format=$1" --set "rules.0.in_flight_max=$IN_FLIGHT"
    --set "rules.0.envelope_messages_max=$BATCH")
  start_broker dunlin "$PORT" "0-$(($(nproc) - 1))" "$TMP/dunlin" || return 1
  python3 "$HERE/rule_rate.py" "http://127.0.0.1:$HTTP_PORT" bench "$LOAD_BIN" rules --topic bench --publishers 50 \
    --window 200 --payload "$BYTES" --seconds "$FILL_SECS" --warmup 0 --target "127.0.0.1:$PORT" --quiet
  local rc=$?
  stop_broker
  return $rc
}
measure() { # NAME COMMAND...
  local value
  value=$("${@:2}") || { echo "$1 failed" >&2; exit 1; }
  echo "$1: $value/s" >&2
  echo "$1 $value" >>"$TMP/results"
}
for _ in $(seq "$REPEATS"); do
  measure bare bare "$BATCH" "$BYTES"
  measure bare_same bare "$BATCH" "$BYTES" rule
  measure message rule message "$TOPIC_MESSAGE"
  # The same bytes as an envelope's in one message: about 40 bytes of topic and client ID with each payload.
  measure bare_bodies bare 1 $((BATCH * (BYTES + 40)))
  measure envelope rule envelope "$TOPIC_ENVELOPE"
done
python3 - "$TMP/results" "$BATCH" "${GOAL:-0.8}" <<'PY'
import statistics, sys
values, batch, goal = {}, int(sys.argv[2]), float(sys.argv[3])
for line in open(sys.argv[1]):
    name, value = line.split()
    values.setdefault(name, []).append(float(value))
m = {name: statistics.median(v) for name, v in values.items()}
print("| sender | device messages/s | against the bare batch sender |\n|---|---|---|")
print(f"| bare gRPC sender, {batch} messages to a request, bodies alone | {m['bare']:,.0f} | 1 |")
print(f"| bare gRPC sender, the very messages of format: message (tag, key, four properties) | {m['bare_same']:,.0f} | {m['bare_same'] / m['bare']:.2f} |")
print(f"| rule, format: message | {m['message']:,.0f} | {m['message'] / m['bare']:.2f}; {m['message'] / m['bare_same']:.2f} of the same messages sent bare |")
print(f"| rule, format: envelope | {m['envelope']:,.0f} | {m['envelope'] / m['bare']:.2f} |")
print(f"| bare gRPC sender, bodies of an envelope's size | {m['bare_bodies'] * batch:,.0f} | {m['bare_bodies'] * batch / m['bare']:.2f} |")
missed = [n for n, reference in (("message", "bare_same"), ("envelope", "bare")) if m[n] < goal * m[reference]]
print(f"goal: at least {goal:g} of a bare batch sender of the same messages (message), of bodies alone (envelope): " + ("missed by " + ", ".join(missed) if missed else "met"))
sys.exit(bool(missed))
PY
