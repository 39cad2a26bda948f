#!/usr/bin/env bash
# load_selftest.sh [DUNLIN_LOAD LIMIT]: that dunlin-load passes what is right and notices each fault it claims to notice.
#
# The faults come from tests/bench/limit, which loses, repeats or swaps deliveries on purpose, and from stopping or
# killing it; what is right comes from limit and, when it is installed, from Mosquitto. Loopback only, about a minute.
# Without arguments it builds the two programs.
# The last line is "N passed, N failed".
set -uo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/bench/brokers.sh"
LOAD=${1:-$(built //tests/load:dunlin-load)} LIMIT=${2:-$(built //tests/bench:limit)}
PORT=${PORT:-21990}
TMP=$(mktemp -d)
PASSED=0 FAILED=0
trap 'stop; rm -rf "$TMP"' EXIT

stop() { stop_process "$BROKER_PID"; BROKER_PID=''; }
start() { # CMD...
  stop
  "$@" >"$TMP/broker.log" 2>&1 &
  BROKER_PID=$!
  wait_port "$PORT" "$BROKER_PID" || { cat "$TMP/broker.log" >&2; exit 1; }
}
load() { # ARG...: leaves the exit code in RC and the report in $TMP/out and $TMP/json
  rm -f "$TMP/json"
  timeout 60 "$LOAD" "$@" --target "${TARGET:-127.0.0.1:$PORT}" --json "$TMP/json" >"$TMP/out" 2>&1
  RC=$?
}
check() { # WHAT CODE [CONDITION...]: the exit code, then Python conditions over the report r
  local what=$1 code=$2 why=''
  shift 2
  [ "$RC" = "$code" ] || why="exit code $RC, not $code"
  local c
  for c in "$@"; do
    [ -z "$why" ] || break
    python3 -c 'import json,sys
r = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$TMP/json" "$c" 2>"$TMP/err" || why="not: $c"
  done
  if [ -z "$why" ]; then
    PASSED=$((PASSED + 1)); echo "ok    $what"
  else
    FAILED=$((FAILED + 1)); echo "FAIL  $what: $why"; sed 's/^/      | /' "$TMP/out"
  fi
}
QUICK="--seconds 0.5 --warmup 0.1"

[ -x "$LOAD" ] && [ -x "$LIMIT" ] || { echo "load_selftest.sh: no dunlin-load or no limit" >&2; exit 1; }

# -- what is right
start "$LIMIT" "$PORT"
for q in 0 1 2; do
  load fan-in $QUICK --publishers 5 --qos $q
  check "fan-in at QoS $q is complete" 0 'r["missing"] == 0' 'r["expected"] > 100' 'r["expected"] == r["sent"]' 'r["verified"]'
done
load fan-in $QUICK --publishers 6 --subscribers 3 --threads 2 --qos 1
check "two threads check the same" 0 'r["expected"] == 3 * r["sent"]' 'r["missing"] == 0'
load fan-out $QUICK --subscribers 20 --outstanding 10
check "fan-out counts every receiver" 0 'r["expected"] == 20 * r["sent"]'
load fan-in $QUICK --outstanding 0 --publishers 3
check "a flood is counted like the rest" 0 'r["expected"] == r["sent"]' 'r["missing"] == 0'
load pairs $QUICK --pairs 5 --qos 1 --payload 5000
check "pairs with a large payload" 0 'r["wrong_size"] == 0'
load connect --clients 50 --hold 0.1 --connect-rate 100
check "connections come at the rate asked for" 0 'r["connected"] == 50' '0.4 < r["connect_seconds"] < 0.7'
load fan-in --count 1003 --publishers 10 --qos 1
check "a run of so many messages" 0 'r["sent"] == 1003' 'r["expected"] == 1003' 'r["verified"]'
load fan-in --seconds 1 --warmup 0 --publishers 7 --rate 1000 --qos 1
check "a fixed rate is held" 0 'r["sent"] == 1000' 'r["delivery_ms"]["count"] == 1000' 'r["due_but_not_sent"] == 0'
load fan-in --seconds 1 --warmup 0 --publishers 7 --rate 1001 --independent --qos 1
check "... by publishers at moments of their own" 0 'r["sent"] == 1001' 'r["missing"] == 0' 'r["due_but_not_sent"] == 0'

# -- what is not
start "$LIMIT" "$PORT" --drop-every 1000
load fan-in $QUICK --publishers 5
check "loss at QoS 0" 2 'r["missing"] > 0' 'r["missing"] == r["expected"] // 1000'
load pairs $QUICK --pairs 5 --qos 1
check "loss of acknowledged messages" 2 'r["missing"] > 0'
start "$LIMIT" "$PORT" --duplicate-every 1000
load fan-in $QUICK --publishers 5
check "duplicates at QoS 0 are reported" 0 'r["duplicates"] == r["expected"] // 1000'
load fan-in $QUICK --publishers 5 --qos 2
check "duplicates at QoS 2 fail" 3 'r["duplicates"] > 0' 'r["missing"] == 0'
start "$LIMIT" "$PORT" --swap-every 100
load fan-in $QUICK --publishers 1
check "reordering" 4 'r["reordered"] > 0' 'r["missing"] == 0'
start "$LIMIT" "$PORT"
load fan-in $QUICK --publishers 5 --goal-p99 0.000001
check "a missed latency goal" 5
load retained --messages 100 --subscribers 2
check "retained messages that never come" 2 'r["missing"] == 200' 'r["drain"] == "silent"'

# -- a broker that stalls, dies, is not there
load_later() { # SECONDS COMMAND...
  local after=$1
  shift
  (sleep "$after"; "$@") &
}
stall() { kill -STOP "$BROKER_PID"; sleep 0.4; kill -CONT "$BROKER_PID"; }
load_later 0.8 stall
load fan-in --seconds 1.5 --warmup 0 --publishers 5 --rate 1000 --qos 1
check "a stall of 0.4 s is seen by all that were due in it" 0 'r["delivery_ms"]["max"] > 350' 'r["delivery_ms"]["p90"] > 100' 'r["sent"] == 1500'
load_later 0.4 kill -STOP "$BROKER_PID"
load fan-in --seconds 0.6 --warmup 0 --publishers 5 --drain-max 0.5
check "a run that was cut off is not verified" 2 'not r["verified"]' 'r["drain"] == "cut_off"'
kill -CONT "$BROKER_PID"
load_later 0.4 kill "$BROKER_PID"
load fan-in --seconds 0.8 --warmup 0 --publishers 5 --qos 1 --drain-max 3
check "a broker that dies" 1 'r["failed_clients"] == 6'
stop
load fan-in $QUICK
check "nobody listens" 1 'r["connected"] == 0' '"refused" in r["first_error"]'
"$LOAD" fan-in --qos 7 >"$TMP/out" 2>&1
RC=$?
check "wrong usage" 1
start "$LIMIT" "$PORT"
"$LOAD" fan-in --seconds 60 --target "127.0.0.1:$PORT" --json "$TMP/json" >"$TMP/out" 2>&1 &
LOADER=$!
sleep 1
kill -INT "$LOADER"
wait "$LOADER"
RC=$?
check "an interrupt ends a run in order, and is told" 0 'r["interrupted"]' 'r["missing"] == 0' 'r["sent"] > 0'

# -- a real broker
if [ -n "$MOSQUITTO" ]; then
  mosquitto_conf "$PORT" >"$TMP/mosquitto.conf"
  start "$MOSQUITTO" -c "$TMP/mosquitto.conf"
  for v in 3.1.1 5; do
    for q in 0 1 2; do
      load fan-in $QUICK --mqtt $v --qos $q --publishers 5
      check "Mosquitto, MQTT $v, QoS $q" 0 'r["missing"] == 0' 'r["expected"] > 100'
    done
    load pairs $QUICK --mqtt $v --pairs 5 --qos 1 --window 4 --persistent
    check "Mosquitto, MQTT $v, pairs with persistent sessions" 0 'r["missing"] == 0'
  done
  load shared $QUICK --mqtt 5 --qos 1 --publishers 5 --subscribers 4
  check "Mosquitto, shared subscription: each message once in the group" 0 'r["expected"] == r["sent"]' 'r["duplicates"] == 0'
  load retained --messages 500 --subscribers 3
  check "Mosquitto, retained messages come to all" 0 'r["expected"] == 1500' 'r["missing"] == 0'
  load subscribe --clients 10 --per-client 50 --hold 0.1 $QUICK --pid "$BROKER_PID"
  check "Mosquitto, 500 subscriptions, each reached" 0 'r["subscriptions"] == 500' 'r["sent"] > 500' 'r["misrouted"] == 0'

  # every transport
  make_certificate "$TMP"
  {
    certificate="cafile $TMP/cert.pem"$'\n'"certfile $TMP/cert.pem"$'\n'"keyfile $TMP/key.pem"
    printf 'listener %s 127.0.0.1\n' "$((PORT + 1))"; echo "$certificate"
    printf 'listener %s 127.0.0.1\nprotocol websockets\n' "$((PORT + 2))"
    printf 'listener %s 127.0.0.1\nprotocol websockets\n' "$((PORT + 3))"; echo "$certificate"
    printf 'listener 0 %s\n' "$TMP/mosquitto.sock"
    printf 'listener %s 127.0.0.1\nrequire_certificate true\n' "$((PORT + 4))"; echo "$certificate"
  } >>"$TMP/mosquitto.conf"
  start "$MOSQUITTO" -c "$TMP/mosquitto.conf"
  for TARGET in "mqtt://127.0.0.1:$PORT" "tls://127.0.0.1:$((PORT + 1))" "ws://127.0.0.1:$((PORT + 2))/mqtt" \
    "wss://localhost:$((PORT + 3))/mqtt" "unix://$TMP/mosquitto.sock"; do
    load fan-in $QUICK --qos 1 --publishers 5 --ca "$TMP/cert.pem"
    check "${TARGET%%:*}: fan-in is complete" 0 'r["missing"] == 0' 'r["expected"] > 100' 'r["verified"]'
    # Mosquitto takes seconds for a large message over WebSocket.
    case $TARGET in ws*) payload=3000 ;; *) payload=100000 ;; esac
    load pairs $QUICK --qos 1 --pairs 3 --payload $payload --window 8 --ca "$TMP/cert.pem"
    check "${TARGET%%:*}: large messages both ways" 0 'r["missing"] == 0' 'r["wrong_size"] == 0' 'r["expected"] > 50'
    load connect --clients 100 --hold 0.1 --ca "$TMP/cert.pem"
    check "${TARGET%%:*}: 100 connections" 0 'r["connected"] == 100'
  done
  TARGET=tls://127.0.0.1:$((PORT + 1))
  load fan-in $QUICK
  check "a certificate that nobody vouches for" 1 'r["connected"] == 0' '"--insecure" in r["first_error"]'
  load fan-in $QUICK --insecure
  check "any certificate with --insecure" 0 'r["missing"] == 0'
  TARGET=tls://127.0.0.1:$((PORT + 4))
  load fan-in $QUICK --ca "$TMP/cert.pem" --cert "$TMP/cert.pem" --key "$TMP/key.pem"
  check "clients with a certificate" 0 'r["missing"] == 0'
  load fan-in $QUICK --ca "$TMP/cert.pem"
  check "clients without the certificate that is asked for" 1 'r["exit_code"] == 1'
  TARGET=ws://127.0.0.1:$PORT/mqtt
  load fan-in $QUICK
  check "no WebSocket there" 1 'r["connected"] == 0'
fi
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
