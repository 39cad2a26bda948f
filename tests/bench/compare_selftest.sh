#!/usr/bin/env bash
# compare_selftest.sh: that compare.sh's report takes medians, judges goals and tells faults. Made-up runs, no brokers.
# The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")" || exit 1
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
PASSED=0 FAILED=0

runs() { # BROKER SCENARIO CPU RATE P99 [JSON MEMBERS]: one run
  printf '{"broker": "%s", "title": "%s", "benchmark": "%s", "repeat": 1, "broker_cpu_us_per_message": %s, "delivered_per_s": %s, "delivery_ms": {"p99": %s}, "generator_cpu_percent": 50, "other_cpu_percent": 5, "drain": "complete", "verified": true%s}\n' \
    "$1" "${1^}" "$2" "$3" "$4" "$5" "${6:+, $6}" >>"$TMP/runs"
}
report() { python3 compare_report.py "$TMP/runs" "$TMP/json" >"$TMP/out" 2>&1; RC=$?; }
check() { # WHAT CODE PATTERN...
  local what=$1 code=$2 why='' pattern
  shift 2
  [ "$RC" = "$code" ] || why="exit code $RC, not $code"
  for pattern in "$@"; do grep -qE -- "$pattern" "$TMP/out" || why="${why:-no line like $pattern}"; done
  if [ -z "$why" ]; then PASSED=$((PASSED + 1)); echo "ok    $what"; else FAILED=$((FAILED + 1)); echo "FAIL  $what: $why"; cat "$TMP/out"; fi
  : >"$TMP/runs"
}
three() { # dunlin's CPU, rate and p99 in three runs of fan-in QoS 1 against the same others
  runs mosquitto fanin1 24 42000 45; runs limit fanin1 0.3 3000000 0.6
  runs dunlin fanin1 9 1 9; runs dunlin fanin1 "$@"; runs dunlin fanin1 0.1 9000000 0.1 # the median is the middle one
}

three 0.6 1700000 1.1
report
check "goals that are met" 0 'cpu_us <= 1/34 x mosquitto: 1/40.0 met' 'cpu_us <= 2.3 x limit: 2 met' 'per_s >= 30 x mosquitto: 40.5 met' 'Nothing was lost'
three 0.72 1200000 1.1
report
check "goals that are missed" 1 '1/34 x mosquitto: 1/33.3 \*\*MISSED\*\*' 'limit: 2.4 \*\*MISSED\*\*' 'mosquitto: 28.6 \*\*MISSED\*\*'
runs dunlin fanin1 0.6 1700000 1.1
report
check "goals without their broker are not judged" 0 'not measured'
runs mosquitto rate10k 54 10000 0.46; runs dunlin rate10k 50 10000 0.21
report
check "a latency goal that is met" 0 'p99_ms <= 0.5 x mosquitto: 0.457 met' 'p99 0.21 ms'
runs mosquitto rate10k 54 10000 0.4; runs dunlin rate10k 50 10000 0.21
report
check "a latency goal that is missed" 1 'evenly spaced' 'p99_ms <= 0.5 x mosquitto: 0.525 \*\*MISSED\*\*'
runs mosquitto own10k 54 10000 0.46; runs dunlin own10k 50 10000 0.24
report
check "the same goal where messages meet" 1 'time of its own .* p99_ms <= 0.5 x mosquitto: 0.522 \*\*MISSED\*\*'
three 0.6 1700000 1.1; runs dunlin fanin1 0.6 1700000 1.1 '"missing": 3'
report
check "loss in one run of Dunlin's" 1 'Not clean' '^- Dunlin, fan-in QoS 1, window 32: 3 missing'
three 0.6 1700000 1.1; runs mosquitto fanin1 24 42000 45 '"reordered": 2'
report
check "another broker's fault is told and is not Dunlin's" 0 '^- Mosquitto.*: 2 reordered'
three 0.6 1700000 1.1; runs dunlin fanin1 0.6 1700000 1.1 '"verified": false'
report
check "a run that was cut off" 1 'ended before everything had come'
idle() { # BROKER CONNECTS CPU
  runs "$1" idle 0 0 0 "\"connects_per_s\": $2, \"connect_broker_cpu_us_each\": $3, \"memory_bytes_each\": 2000"
}
idle mosquitto 10000 60; idle limit 25000 10; idle dunlin 19000 20
report
check "a connection rate that is missed" 1 'connects_per_s >= 2 x mosquitto: 1.9 \*\*MISSED\*\*'
idle mosquitto 10000 60; idle limit 19500 10; idle dunlin 19000 20
report
check "a connection rate that the generator bounds is judged by CPU" 0 '1.9, limit 1.95 not measured' 'so connect_cpu_us <= 1/2 x mosquitto: 0.333 met'
idle mosquitto 10000 60; idle limit 19500 10; idle dunlin 19000 31
report
check "and may be missed by it" 1 'connect_cpu_us <= 1/2 x mosquitto: 0.517 \*\*MISSED\*\*'
runs mosquitto rate10k 50 10000 0.4; runs limit rate10k 40 10000 0.15; runs dunlin rate10k 40 10000 0.25
report
check "a latency that is missed" 1 'p99_ms <= 0.5 x mosquitto: 0.625 \*\*MISSED\*\*'
runs mosquitto rate10k 50 10000 0.4; runs limit rate10k 40 10000 0.21; runs dunlin rate10k 40 10000 0.25
report
check "a latency that is the machine's is judged by limit's" 0 '0.625, limit 0.525 not measured' 'so p99_ms <= 1.25 x limit: 1.19 met'
runs mosquitto rate10k 50 10000 0.4; runs limit rate10k 40 10000 0.21; runs dunlin rate10k 40 10000 0.3
report
check "and may be missed by it" 1 'p99_ms <= 1.25 x limit: 1.43 \*\*MISSED\*\*'
runs dunlin pairs1 2 300000 1; runs dunlin2 pairs1 2.5 270000 1
report
check "two reactors are set against one" 0 'pairs QoS 1, window 4: 0.90 of one.s rate, 0.80 of its messages'
runs dunlin pairs1 2 300000 1; runs dunlin_free pairs1 2 200000 1; runs dunlin2 pairs1 2 200000 1; runs dunlin2_all pairs1 4 100000 1
report
check "... that has the same cores" 0 'window 4: 1.00 of one.s rate, 1.00 of' 'window 4, both always in use: 0.50 of one.s rate, 0.50 of'
for rate in 10 20 30 40 50 60 70 80 90; do # of nine the second and the eighth
  for broker in "dunlin_free 100" "dunlin_again $rate"; do
    runs "${broker% *}" pairs1 2 "${broker#* }" 1; sed -i "\$ s/\"repeat\": 1/\"repeat\": $rate/" "$TMP/runs"
  done
done
report
check "chance is told" 0 'window 4, one again: 0.50 of one.s rate \(95 %: 0.20 to 0.80\), 1.00 of'
printf '{"broker": "dunlin", "title": "Dunlin", "benchmark": "fanin1", "repeat": 1, "error": "no result"}\n' >>"$TMP/runs"
report
check "a run without a result" 1 'failed' 'no result'
runs dunlin filters1k 2 100000 1; runs dunlin filters1m 4.1 100000 1
report
check "a million filters may cost twice a thousand" 1 'that at 1,000: 2.05 \*\*MISSED\*\*'
runs dunlin fanin1 0.6 1700000 1.1 '"x": 1'; sed -i 's/"other_cpu_percent": 5/"other_cpu_percent": 80/' "$TMP/runs"
report
check "noise is marked" 0 '1.1. ms~' 'others used 80 %'
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
