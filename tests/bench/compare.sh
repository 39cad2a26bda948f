#!/usr/bin/env bash
# compare.sh: Dunlin, Mosquitto and limit under the same loads in one run, as one table with ratios and goals.
#
#   tests/bench/compare.sh [--scenarios "fanin0 fanin1"] [--brokers "dunlin mosquitto limit"] [--seconds 5] [--repeats 3] [--out DIR]
#
# Scenarios: fanin0 fanin1 fanout0 pairs1 rate10k own10k idle subscriptions filters1k filters1m; scenarios.sh has more (all of these by default).
# Brokers: dunlin, mosquitto, limit, flashmq (added when FLASHMQ_BIN is set). With both cores, which the generator uses too: dunlin_free (one
# reactor), dunlin_again (the same: two that differ by chance alone), dunlin2 (two, of which as many are in use as the node finds right),
# dunlin2_all (two in use).
# Every run has a freshly started broker on core 0 and dunlin-load on core 1; runs are interleaved, figures are medians.
# Programs: DUNLIN_BIN, LIMIT_BIN, LOAD_BIN (built when not given), MOSQUITTO. How to read the table: tests/bench/README.md.
# Writes DIR/runs.jsonl (every run) and DIR/compare.json (the table); exit code 1 when a goal of Dunlin's was missed or
# one of its runs was not clean.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/brokers.sh"
. "$HERE/scenarios.sh"
SCENARIOS=$ALL_SCENARIOS BROKERS="dunlin mosquitto limit${FLASHMQ_BIN:+ flashmq}" SECS=${SECS:-5} REPEATS=${REPEATS:-3}
OUT='' PORT=${PORT:-21880} BROKER_CORES=${BROKER_CORES:-0} LOAD_CORES=${LOAD_CORES:-1}
while [ $# -gt 0 ]; do
  case $1 in
    --scenarios) SCENARIOS=${2//,/ }; shift 2 ;;
    --brokers) BROKERS=${2//,/ }; shift 2 ;;
    --seconds) SECS=$2; shift 2 ;;
    --repeats) REPEATS=$2; shift 2 ;;
    --out) OUT=$2; shift 2 ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "unknown option $1 (--help)" >&2; exit 1 ;;
  esac
done
for s in $SCENARIOS; do scenario_arguments "$s" >/dev/null || exit 1; done
[ "$(nproc)" -ge 2 ] || { echo "compare.sh needs two cores: one for the broker, one for the generator" >&2; exit 1; }

LOAD_BIN=${LOAD_BIN:-$(built //tests/load:dunlin-load)} || exit 1
case " $BROKERS " in *" dunlin"*) DUNLIN_BIN=${DUNLIN_BIN:-$(built //broker:dunlin)} || exit 1 ;; esac
case " $BROKERS " in *" limit "*) LIMIT_BIN=${LIMIT_BIN:-$(built //tests/bench:limit)} || exit 1 ;; esac
case " $BROKERS " in *" mosquitto "*) [ -n "$MOSQUITTO" ] || { echo "mosquitto is not installed (apt-get install mosquitto)" >&2; exit 1; } ;; esac
TMP=$(mktemp -d)
OUT=${OUT:-$TMP/out}
mkdir -p "$OUT"
: >"$OUT/runs.jsonl"
trap 'stop_broker; [ "$OUT" = "$TMP/out" ] || rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM
ulimit -n "$(ulimit -Hn)"

record() { # BROKER SCENARIO REPEAT FILE
  python3 - "$@" "$(broker_title "$1")" >>"$OUT/runs.jsonl" <<'PY'
import json, sys
broker, scenario, repeat, path, title = sys.argv[1:]
try:
    run = json.load(open(path))
except (OSError, ValueError):
    run = {"error": "no result"}
run.update(broker=broker, title=title, benchmark=scenario, repeat=int(repeat))
print(json.dumps(run))
PY
}
one() { # BROKER SCENARIO REPEAT
  local broker=$1 scenario=$2 repeat=$3 cores=$BROKER_CORES load_cores=$LOAD_CORES
  scenario_fits "$scenario" "$broker" || return 0
  case $broker in dunlin_free | dunlin_again | dunlin2*) cores=$BROKER_CORES,$LOAD_CORES load_cores=$cores ;; esac
  rm -f "$TMP/run.json"
  if start_broker "$broker" "$PORT" "$cores" "$TMP/$broker"; then
    sleep 0.2
    # shellcheck disable=SC2046,SC2086
    timeout 300 taskset -c "$load_cores" "$LOAD_BIN" $(scenario_arguments "$scenario") --target "127.0.0.1:$PORT" \
      --pid "$BROKER_PID" --seconds "$SECS" --json "$TMP/run.json" --quiet >"$TMP/run.log" 2>&1
    local rc=$?
    printf '%-10s %-14s %s  %s\n' "$broker" "$scenario" "$repeat" "$(sed -n 's/^verdict *//p' "$TMP/run.log")" >&2
    [ $rc = 0 ] || grep -E '^(checked|note|error)' "$TMP/run.log" >&2
    stop_broker
  fi
  record "$broker" "$scenario" "$repeat" "$TMP/run.json"
}
for repeat in $(seq "$REPEATS"); do
  for scenario in $SCENARIOS; do
    for broker in $BROKERS; do one "$broker" "$scenario" "$repeat"; done
  done
done
python3 "$HERE/compare_report.py" "$OUT/runs.jsonl" "$OUT/compare.json"
RC=$?
echo "every run: $OUT/runs.jsonl; this table as JSON: $OUT/compare.json" >&2
exit $RC
