#!/usr/bin/env bash
# transports.sh: QoS 1 fan-in over TCP, WebSocket, TLS, WSS and a Unix socket of one Dunlin node: each one's share of TCP's rate.
#
#   tests/bench/transports.sh [--transports "tcp websocket tls wss unix"] [--seconds 3] [--repeats 5] [--qos 1] [--out DIR]
#
# One node with one reactor on core 0 listens on all of them; dunlin-load has core 1. Runs are interleaved, figures are
# medians. Goals: WebSocket >= 60 % of TCP's rate, TLS >= 50 %. Where dunlin-load used over 95 % of its core the rate is not
# the node's (it unmasks nothing and decrypts as much as the node encrypts): there the node's CPU for each message decides.
# Certificates are made for the run and checked (P-256, TLS 1.3). Programs: DUNLIN_BIN, LOAD_BIN (built when not given).
# Writes DIR/transports.jsonl (every run); exit code 1 when a goal was missed or a run was not clean.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/brokers.sh"
TRANSPORTS="tcp websocket tls wss unix" SECS=${SECS:-3} REPEATS=${REPEATS:-5} QOS=${QOS:-1} OUT=''
PORT=${PORT:-21840} BROKER_CORES=${BROKER_CORES:-0} LOAD_CORES=${LOAD_CORES:-1}
while [ $# -gt 0 ]; do
  case $1 in
    --transports) TRANSPORTS=${2//,/ }; shift 2 ;;
    --seconds) SECS=$2; shift 2 ;;
    --repeats) REPEATS=$2; shift 2 ;;
    --qos) QOS=$2; shift 2 ;;
    --out) OUT=$2; shift 2 ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "unknown option $1 (--help)" >&2; exit 1 ;;
  esac
done
[ "$(nproc)" -ge 2 ] || { echo "transports.sh needs two cores: one for the node, one for the generator" >&2; exit 1; }
LOAD_BIN=${LOAD_BIN:-$(built //tests/load:dunlin-load)} || exit 1
DUNLIN_BIN=${DUNLIN_BIN:-$(built //broker:dunlin)} || exit 1
TMP=$(mktemp -d)
OUT=${OUT:-$TMP/out}
mkdir -p "$OUT"
: >"$OUT/transports.jsonl"
trap 'stop_broker; [ "$OUT" = "$TMP/out" ] || rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM

make_certificate "$TMP" || exit 1
target() { # TRANSPORT
  case $1 in
    tcp) echo "mqtt://127.0.0.1:$PORT" ;;
    websocket) echo "ws://127.0.0.1:$((PORT + 1))/mqtt" ;;
    tls) echo "tls://127.0.0.1:$((PORT + 2))" ;;
    wss) echo "wss://127.0.0.1:$((PORT + 3))/mqtt" ;;
    unix) echo "unix://$TMP/dunlin.sock" ;;
    *) echo "unknown transport '$1' (tcp websocket tls wss unix)" >&2; return 1 ;;
  esac
}
for t in $TRANSPORTS; do target "$t" >/dev/null || exit 1; done
n=0
for t in $TRANSPORTS; do
  case $t in
    websocket) add_listener $((++n)) websocket "127.0.0.1:$((PORT + 1))" ;;
    tls) add_listener $((++n)) tls "127.0.0.1:$((PORT + 2))" "$TMP" ;;
    wss) add_listener $((++n)) websocket_tls "127.0.0.1:$((PORT + 3))" "$TMP" ;;
    unix) add_listener $((++n)) unix "$TMP/dunlin.sock" ;;
  esac
done
start_broker dunlin "$PORT" "$BROKER_CORES" "$TMP/node" || exit 1

one() { # TRANSPORT REPEAT
  rm -f "$TMP/run.json"
  timeout 120 taskset -c "$LOAD_CORES" "$LOAD_BIN" fan-in --qos "$QOS" --publishers 50 --window 32 --target "$(target "$1")" \
    --ca "$TMP/cert.pem" --pid "$BROKER_PID" --seconds "$SECS" --warmup 0.5 --json "$TMP/run.json" --quiet >"$TMP/run.log" 2>&1
  printf '%-10s %s  %s\n' "$1" "$2" "$(sed -n 's/^verdict *//p' "$TMP/run.log")" >&2
  printf '%s\t%s\n' "$1" "$(tr -d '\n' <"$TMP/run.json" 2>/dev/null)" >>"$OUT/transports.jsonl"
  [ -s "$TMP/run.json" ] || cat "$TMP/run.log" >&2
}
for repeat in $(seq "$REPEATS"); do
  for t in $TRANSPORTS; do one "$t" "$repeat"; done
done
python3 "$HERE/transports_report.py" "$OUT/transports.jsonl"
RC=$?
echo "every run: $OUT/transports.jsonl" >&2
exit $RC
