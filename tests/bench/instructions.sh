#!/usr/bin/env bash
# instructions.sh: instructions that the node executes for each delivered message; whether a change made it dearer. No timing.
#
#   tests/bench/instructions.sh [--against DUNLIN] [--scenarios "fanin0 fanin1 fanout0 pairs1"] [--tolerance 3] [--out DIR]
#
# The node runs under valgrind (callgrind), one reactor, so that what else the machine does hardly changes a figure. Counted are
# the user-space instructions of a run of COUNT (100000) deliveries less those of a short run with the same clients, for each
# delivery more. What the kernel does is not in it.
# --against names an older program: both are measured, and the exit code is 1 when a scenario costs over TOLERANCE percent
# more. DIR keeps callgrind.SIDE.SCENARIO for callgrind_annotate. Programs: DUNLIN_BIN, LOAD_BIN (built when not given).
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/brokers.sh"
. "$HERE/scenarios.sh"
SCENARIOS="fanin0 fanin1 fanout0 pairs1" AGAINST='' TOLERANCE=3 COUNT=${COUNT:-100000} OUT='' PORT=${PORT:-21830}
while [ $# -gt 0 ]; do
  case $1 in
    --against) AGAINST=$2; shift 2 ;;
    --scenarios) SCENARIOS=${2//,/ }; shift 2 ;;
    --tolerance) TOLERANCE=$2; shift 2 ;;
    --out) OUT=$2; shift 2 ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "unknown option $1 (--help)" >&2; exit 1 ;;
  esac
done
command -v valgrind >/dev/null || { echo "valgrind is not installed (apt-get install valgrind)" >&2; exit 1; }
LOAD_BIN=${LOAD_BIN:-$(built //tests/load:dunlin-load)} || exit 1
NOW_BIN=${DUNLIN_BIN:-$(built //broker:dunlin)} || exit 1
[ -z "$AGAINST" ] || [ -x "$AGAINST" ] || { echo "--against $AGAINST: no such program" >&2; exit 1; }
TMP=$(mktemp -d)
OUT=${OUT:-$TMP/out}
mkdir -p "$OUT"
trap 'stop_broker; [ "$OUT" = "$TMP/out" ] || rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM
ulimit -n 4096
START_MAX_S=120 STOP_MAX_S=60
CORES=0-$(($(nproc) - 1))

run() { # SIDE NAME ARGUMENT...: one load on a fresh node; leaves callgrind.SIDE.NAME and load.SIDE.NAME
  local side=$1 name=$2
  shift 2
  start_broker dunlin "$PORT" "$CORES" "$TMP/node" || return 1
  timeout 300 "$LOAD_BIN" "$@" --target "127.0.0.1:$PORT" --setup-max 120 --drain-max 200 --quiet \
    --json "$OUT/load.$side.$name" >"$TMP/load.log" 2>&1 || cat "$TMP/load.log" >&2
  stop_broker
  mv "$TMP/callgrind" "$OUT/callgrind.$side.$name"
}
measure() { # SIDE PROGRAM
  printf '#!/bin/sh\nexec valgrind -q --tool=callgrind --callgrind-out-file=%s/callgrind %s "$@"\n' "$TMP" "$2" >"$TMP/dunlin"
  chmod +x "$TMP/dunlin"
  DUNLIN_BIN=$TMP/dunlin
  local scenario few many
  for scenario in $SCENARIOS; do
    case $scenario in fanout*) few=2 many=$((COUNT / 1000)) ;; *) few=1000 many=$COUNT ;; esac
    echo "$1 $scenario" >&2
    # shellcheck disable=SC2046
    run "$1" "$scenario.few" $(scenario_arguments "$scenario") --count "$few" || return 1
    # shellcheck disable=SC2046
    run "$1" "$scenario" $(scenario_arguments "$scenario") --count "$many" || return 1
  done
}
for s in $SCENARIOS; do scenario_arguments "$s" >/dev/null || exit 1; done
if [ -n "$AGAINST" ]; then measure before "$AGAINST" || exit 1; fi
measure now "$NOW_BIN" || exit 1
python3 - "$OUT" "$TOLERANCE" "$SCENARIOS" <<'PY'
import json, os, re, sys
out, tolerance, scenarios = sys.argv[1], float(sys.argv[2]), sys.argv[3].split()

def instructions(side, name):
    text = open(f"{out}/callgrind.{side}.{name}").read()
    return int(re.search(r"^(?:totals|summary): (\d+)", text, re.M).group(1))

def each(side, scenario):
    runs = {n: json.load(open(f"{out}/load.{side}.{n}")) for n in (scenario, f"{scenario}.few")}
    for name, run in runs.items():
        if run["missing"] or run["exit_code"]:
            sys.exit(f"{side}, {name}: not clean: {run.get('error', run['missing'])}")
    few, many = runs[f"{scenario}.few"]["expected"], runs[scenario]["expected"]
    return (instructions(side, scenario) - instructions(side, f"{scenario}.few")) / (many - few)

before = os.path.exists(f"{out}/callgrind.before.{scenarios[0]}")
print("| scenario | instructions a message |" + (" before | change |" if before else ""))
print("|---|---|" + ("---|---|" if before else ""))
dearer = False
for s in scenarios:
    now = each("now", s)
    if before:
        old = each("before", s)
        change = 100 * (now / old - 1)
        dearer = dearer or change > tolerance
        print(f"| {s} | {now:,.0f} | {old:,.0f} | {change:+.1f} %{' **DEARER**' if change > tolerance else ''} |")
    else:
        print(f"| {s} | {now:,.0f} |")
sys.exit(dearer)
PY
RC=$?
[ "$OUT" = "$TMP/out" ] || echo "profiles: $OUT/callgrind.*" >&2
exit $RC
