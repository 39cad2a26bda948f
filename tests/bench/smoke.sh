#!/usr/bin/env bash
# smoke.sh [DUNLIN [DUNLIN_LOAD]]: half a second of every scenario in small, and of every transport, against a node with two
# reactors, then all transports at once while the second comes into use and goes: nothing may be lost, repeated at QoS 2, misrouted
# or reordered. No figures. Without arguments it builds the two programs.
# The last line is "N passed, N failed".
set -uo pipefail
. "$(cd "$(dirname "$0")" && pwd)/brokers.sh"
DUNLIN_BIN=${1:-${DUNLIN_BIN:-$(built //broker:dunlin)}}
LOAD_BIN=${2:-${LOAD_BIN:-$(built //tests/load:dunlin-load)}}
PORT=${PORT:-21860} PASSED=0 FAILED=0
TMP=$(mktemp -d)
trap 'stop_broker; rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM

run() { # SCENARIO OPTION...
  if timeout 60 "$LOAD_BIN" "$@" --target "${TARGET:-127.0.0.1:$PORT}" --seconds 0.5 --warmup 0.1 --threads 2 --setup-max 10 --quiet \
    >"$TMP/out" 2>&1; then
    PASSED=$((PASSED + 1)); echo "ok    ${TARGET:+${TARGET%%:*}: }$*"
  else
    FAILED=$((FAILED + 1)); echo "FAIL  ${TARGET:+$TARGET: }$*"; sed 's/^/      | /' "$TMP/out"
  fi
}
reactors_min() { printf 'node: {reactors_min: %s}\n' "$1" >"$TMP/dunlin.yaml"; } # in use at least, by the next reload
reactors_min 2
DUNLIN_SETTINGS=(--config "$TMP/dunlin.yaml" --set http.enabled=true --set "http.address=127.0.0.1:$((PORT + 1))"
  --set rules.0.id=single --set rules.0.type=outbound --set rules.0.topic=single --set rules.0.queue=single
  --set rules.1.id=packed --set rules.1.type=outbound --set rules.1.topic=packed --set rules.1.queue=packed
  --set rules.1.format=envelope)
make_certificate "$TMP" || { echo "0 passed, 1 failed"; exit 1; }
add_listener 1 websocket "127.0.0.1:$((PORT + 2))"
add_listener 2 tls "127.0.0.1:$((PORT + 3))" "$TMP"
add_listener 3 websocket_tls "127.0.0.1:$((PORT + 4))" "$TMP"
add_listener 4 unix "$TMP/dunlin.sock"
start_broker dunlin2 "$PORT" "0-$(($(nproc) - 1))" "$TMP/dunlin" || { echo "0 passed, 1 failed"; exit 1; }
for version in 3.1.1 5; do
  for qos in 0 1 2; do
    run fan-in --mqtt $version --qos $qos --publishers 10 --subscribers 2
    run pairs --mqtt $version --qos $qos --pairs 20 --window 4
  done
done
run fan-in --qos 1 --publishers 10 --payload 20000 --window 8
run fan-in --qos 1 --publishers 10 --rate 2000
run fan-in --qos 1 --publishers 10 --persistent
run fan-in --qos 2 --subscribe-qos 1 --publishers 10
run fan-out --subscribers 100 --outstanding 10
run fan-out --subscribers 100 --qos 1 --window 8
run pairs --pairs 20 --qos 1 --window 4 --p2p chat
run shared --mqtt 5 --qos 1 --publishers 10 --subscribers 4
run retained --messages 500 --subscribers 5 --qos 1
run retained --messages 3000 --subscribers 2
run connect --clients 500 --hold 0.2
run subscribe --clients 20 --per-client 100 --hold 0.1 --outstanding 50
for rule in single packed; do
  run rules --topic $rule --verify-embedded "http://127.0.0.1:$((PORT + 1))" --publishers 10 --rate 2000 --drain-max 30
done
for TARGET in "ws://127.0.0.1:$((PORT + 2))/mqtt" "tls://127.0.0.1:$((PORT + 3))" "wss://localhost:$((PORT + 4))/mqtt" \
  "unix://$TMP/dunlin.sock"; do
  run fan-in --qos 1 --publishers 10 --subscribers 2 --ca "$TMP/cert.pem"
  run pairs --qos 2 --pairs 10 --window 4 --payload 100000 --ca "$TMP/cert.pem"
  run fan-out --subscribers 50 --outstanding 10 --payload 5000 --ca "$TMP/cert.pem"
  run connect --clients 200 --hold 0.1 --ca "$TMP/cert.pem"
done

stop_broker

# One reactor, then two while the load is full, and so on. Two beside a generator wait for cores where those are two: one goes.
reactors_min 1
start_broker dunlin2 "$PORT" "0-$(($(nproc) - 1))" "$TMP/moving" || { echo "0 passed, 1 failed"; exit 1; }
TARGETS=("127.0.0.1:$PORT" "ws://127.0.0.1:$((PORT + 2))/mqtt" "tls://127.0.0.1:$((PORT + 3))" "unix://$TMP/dunlin.sock")
loads=()
for n in "${!TARGETS[@]}"; do
  timeout 120 "$LOAD_BIN" pairs --qos 2 --pairs 30 --window 8 --target "${TARGETS[$n]}" --topic "move$n" --seconds 10 --warmup 0.1 \
    --setup-max 30 --ca "$TMP/cert.pem" --quiet >"$TMP/load$n" 2>&1 &
  loads+=($!)
done
for n in 2 1 2 1; do
  sleep 2
  reactors_min "$n"
  curl -fsS -X POST "http://127.0.0.1:$((PORT + 1))/api/v1/reload" >"$TMP/reload" || { FAILED=$((FAILED + 1)); echo "FAIL  reload"; cat "$TMP/reload"; }
done
for n in "${!TARGETS[@]}"; do
  if wait "${loads[$n]}"; then
    PASSED=$((PASSED + 1)); echo "ok    ${TARGETS[$n]%%:*}: while reactors come and go"
  else
    FAILED=$((FAILED + 1)); echo "FAIL  ${TARGETS[$n]}: while reactors come and go"; sed 's/^/      | /' "$TMP/load$n"
  fi
done
# Of 240 sessions half went at least once. Where cores are free the second came before they did.
moved=$(curl -fsS "http://127.0.0.1:$((PORT + 1))/metrics" | sed -n 's/^dunlin_actors_moved_total //p')
if [ "$moved" -gt 80 ] || [ "$(nproc)" -gt 2 ]; then
  PASSED=$((PASSED + 1)); echo "ok    $moved actors moved"
else
  FAILED=$((FAILED + 1)); echo "FAIL  only $moved actors moved"
fi
stop_broker
for log in "$TMP"/{dunlin,moving}/dunlin2.log; do
  grep -qE "(ERROR|WARNING): [A-Za-z]+Sanitizer|: runtime error: " "$log" || continue # of a build with one
  FAILED=$((FAILED + 1)); echo "FAIL  what a sanitizer says of the node"; head -n 100 "$log" | sed 's/^/      | /'
done
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
