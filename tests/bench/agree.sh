#!/usr/bin/env bash
# agree.sh JUDGE [BROKER...]: whether dunlin-load and another load generator measure the same broker alike.
#
# JUDGE is the other generator's program, called as: JUDGE fanin|fanout|p2p [--qos Q] [--pubs N] [--subs N] [--pairs N]
# [--payload B] [--window W] [--outstanding K] [--rate R] --port P --pid PID --secs S --warmup S, and answering with one
# line of JSON (msgs_per_s, cpu_us_per_msg, gen_cpu_pct). Brokers: dunlin mosquitto (default), limit, flashmq.
# The two run in turn (REPEATS, 3; SECS, 3); medians must agree within TOLERANCE (10) percent. A rate is not compared where
# a generator used over 90 % of its core: there it is the generator's rate, not the broker's.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/brokers.sh"
. "$HERE/scenarios.sh"
[ $# -ge 1 ] && [ -x "$1" ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 1; }
JUDGE=$1
shift
BROKERS=${*:-dunlin mosquitto} SCENARIOS=${SCENARIOS:-$TRAFFIC} SECS=${SECS:-3} REPEATS=${REPEATS:-3} PORT=${PORT:-21870}
LOAD_BIN=${LOAD_BIN:-$(built //tests/load:dunlin-load)} || exit 1
case " $BROKERS " in *" dunlin"*) DUNLIN_BIN=${DUNLIN_BIN:-$(built //broker:dunlin)} || exit 1 ;; esac
case " $BROKERS " in *" limit "*) LIMIT_BIN=${LIMIT_BIN:-$(built //tests/bench:limit)} || exit 1 ;; esac
TMP=$(mktemp -d)
trap 'stop_broker; rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM
ulimit -n "$(ulimit -Hn)"

judge_arguments() { # SCENARIO
  scenario_arguments "$1" | sed 's/^fan-in/fanin/; s/^fan-out/fanout/; s/^pairs/p2p/; s/--publishers/--pubs/; s/--subscribers/--subs/'
}
one() { # BROKER SCENARIO GENERATOR
  start_broker "$1" "$PORT" 0 "$TMP/$1" || return 1
  sleep 0.2
  # shellcheck disable=SC2046
  if [ "$3" = judge ]; then
    timeout 120 taskset -c 1 "$JUDGE" $(judge_arguments "$2") --payload 64 --port "$PORT" --pid "$BROKER_PID" --secs "$SECS" --warmup 1
  else
    timeout 120 taskset -c 1 "$LOAD_BIN" $(scenario_arguments "$2") --target "127.0.0.1:$PORT" --pid "$BROKER_PID" \
      --seconds "$SECS" --warmup 1 --json - --quiet 2>/dev/null
  fi | tail -n 1 >"$TMP/run"
  stop_broker
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(cat "$TMP/run")" >>"$TMP/runs"
}
: >"$TMP/runs"
for broker in $BROKERS; do
  for scenario in $SCENARIOS; do
    for _ in $(seq "$REPEATS"); do
      one "$broker" "$scenario" judge
      one "$broker" "$scenario" load
    done
  done
done
python3 - "$TMP/runs" "${TOLERANCE:-10}" <<'PY'
import json, statistics, sys
runs, tolerance = {}, float(sys.argv[2])
for line in open(sys.argv[1]):
    broker, scenario, who, text = line.rstrip("\n").split("\t", 3)
    try:
        r = json.loads(text)
        names = (("msgs_per_s", "cpu_us_per_msg", "gen_cpu_pct", "other_cpu_pct") if who == "judge" else
                 ("delivered_per_s", "broker_cpu_us_per_message", "generator_cpu_percent", "other_cpu_percent"))
        figures = [r[n] for n in names]
    except (ValueError, KeyError):
        sys.exit(f"{broker}, {scenario}: no result from {who}: {text[:200]}")
    runs.setdefault((broker, scenario), {}).setdefault(who, []).append(figures)
print("| broker | scenario | delivered/s: judge · dunlin-load | CPU µs: judge · dunlin-load | rate | CPU | others' CPU |\n|---|---|---|---|---|---|---|")
passed = failed = 0
for (broker, scenario), by in runs.items():
    j, l = ([statistics.median(x) for x in zip(*by[who])] for who in ("judge", "load"))
    rate, cpu = 100 * (l[0] / j[0] - 1), 100 * (l[1] / j[1] - 1)
    generator_bound = max(j[2], l[2]) > 90
    for off, compared in ((rate, not generator_bound), (cpu, True)):
        if compared:
            passed, failed = passed + (abs(off) <= tolerance), failed + (abs(off) > tolerance)
    print(f"| {broker} | {scenario} | {j[0]:,.0f} · {l[0]:,.0f} | {j[1]:.3f} · {l[1]:.3f} | {rate:+.1f} %{' (generator-bound)' if generator_bound else ''} | {cpu:+.1f} % | {max(j[3], l[3]):.0f} % |")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
PY
