#!/usr/bin/env bash
# apart.sh: what a second reactor could bring at most. One node of one reactor under a load, against two such nodes that
# know nothing of each other under half of it each (a generator for each node), everything free on the same two cores.
#
#   tests/bench/apart.sh [SCENARIO...]      (of scenarios.sh, fan-in or pairs; pairs1 fanin1 fanin0. SECS, 2; REPEATS, 3; PORT)
#
# Two nodes pass nothing from core to core: how much less two reactors of one node reach (compare.sh --brokers
# "dunlin_free dunlin2_all") is what crossing costs. Medians; the exit code is 1 when a run was not clean.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/brokers.sh"
. "$HERE/scenarios.sh"
SECS=${SECS:-2} REPEATS=${REPEATS:-3} PORT=${PORT:-21890}
[ $# -gt 0 ] || set -- pairs1 fanin1 fanin0
LOAD_BIN=${LOAD_BIN:-$(built //tests/load:dunlin-load)} || exit 1
DUNLIN_BIN=${DUNLIN_BIN:-$(built //broker:dunlin)} || exit 1
TMP=$(mktemp -d)
PIDS=()
stop_nodes() { for p in "${PIDS[@]}"; do stop_process "$p"; done; PIDS=(); }
trap 'stop_nodes; rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM
ulimit -n "$(ulimit -Hn)"

arguments() { # SCENARIO PARTS: clients and messages on their way of one part
  scenario_arguments "$1" | awk -v parts="$2" '{
    for (i = 2; i < NF; i++) if ($i ~ /^--(pairs|publishers|outstanding)$/) $(i + 1) = int($(i + 1) / parts)
    print
  }'
}
one() { # SCENARIO PARTS
  local loads=() n
  for n in $(seq "$2"); do
    start_broker dunlin "$((PORT + n))" 0,1 "$TMP/node$n" || exit 1
    PIDS+=("$BROKER_PID")
  done
  sleep 0.3
  for n in $(seq "$2"); do
    # shellcheck disable=SC2046
    timeout 60 taskset -c 0,1 "$LOAD_BIN" $(arguments "$1" "$2") --target "127.0.0.1:$((PORT + n))" --seconds "$SECS" \
      --json "$TMP/run$n" --quiet >"$TMP/log$n" 2>&1 &
    loads+=($!)
  done
  for n in "${loads[@]}"; do wait "$n" || { echo "apart.sh: $1, $2 node(s): a run was not clean" >&2; cat "$TMP"/log* >&2; exit 1; }; done
  stop_nodes
  python3 -c 'import json, sys; print(sys.argv[1], sum(json.load(open(f))["delivered_per_s"] for f in sys.argv[2:]))' \
    "$2" $(seq -f "$TMP/run%g" "$2") >>"$TMP/$1"
}
for scenario; do
  case $(scenario_arguments "$scenario") in
    fan-in* | pairs*) ;;
    *) echo "apart.sh: '$scenario' has no clients that two nodes could share" >&2; exit 1 ;;
  esac
  for _ in $(seq "$REPEATS"); do one "$scenario" 1; one "$scenario" 2; done
  python3 - "$scenario" "$TMP/$scenario" <<'PY'
import statistics, sys
runs = {"1": [], "2": []}
for line in open(sys.argv[2]):
    parts, rate = line.split()
    runs[parts].append(float(rate))
one, two = (statistics.median(runs[k]) for k in ("1", "2"))
print(f"{sys.argv[1]}: one node {one / 1e3:,.0f} k/s, two nodes apart {two / 1e3:,.0f} k/s: {two / one:.2f}")
PY
done
