#!/usr/bin/env bash
# transports_selftest.sh: that transports.sh's report takes medians, judges goals and tells faults. Made-up runs, no node.
# The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")" || exit 1
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
PASSED=0 FAILED=0
: >"$TMP/runs"

run() { # TRANSPORT RATE CPU [GENERATOR'S CPU [JSON MEMBERS]]: one run
  printf '%s\t{"delivered_per_s": %s, "broker_cpu_us_per_message": %s, "delivery_ms": {"p99": 1.5}, "generator_cpu_percent": %s, "other_cpu_percent": 5, "verified": true%s}\n' \
    "$1" "$2" "$3" "${4:-50}" "${5:+, $5}" >>"$TMP/runs"
}
three() { # the same with a slow and a fast run around it: the median is the middle one
  run "$1" 1 99 "${4:-50}"
  run "$@"
  run "$1" 9000000 0.01 "${4:-50}"
}
check() { # WHAT CODE PATTERN...
  local what=$1 code=$2 why='' pattern rc
  shift 2
  python3 transports_report.py "$TMP/runs" >"$TMP/out" 2>&1
  rc=$?
  [ "$rc" = "$code" ] || why="exit code $rc, not $code"
  for pattern in "$@"; do grep -qE -- "$pattern" "$TMP/out" || why="${why:-no line like $pattern}"; done
  if [ -z "$why" ]; then PASSED=$((PASSED + 1)); echo "ok    $what"; else FAILED=$((FAILED + 1)); echo "FAIL  $what: $why"; cat "$TMP/out"; fi
  : >"$TMP/runs"
}

three tcp 2000000 0.5; three websocket 1200000 0.8; three tls 1000000 1.0
check "goals that are met, just so, by medians" 0 '^\| tcp \| 2,000,000 \| 0.500 \| 1.50 \| 50 % \| 5 % \| 100% \| 100% \| - \|' \
  '^\| websocket \| 1,200,000 .* 60% \| 62% \| rate >= 60%: met' '^\| tls .* rate >= 50%: met' 'Nothing was lost'
three tcp 2000000 0.5; three websocket 1199999 0.1; three tls 2000000 0.5
check "a rate that is missed, however little CPU it took" 1 'websocket .* rate >= 60%: \*\*MISSED\*\*' 'tls .* met'
three tcp 2000000 0.5; three tls 999999 0.1
check "the other goal" 1 'tls .* rate >= 50%: \*\*MISSED\*\*'
run tcp 2000000 0.5; run websocket 1000000 0.8 96
check "where the generator is the bound the node's CPU decides" 0 'websocket .* 50% \| 62% \| CPU >= 60%: met'
run tcp 2000000 0.5; run websocket 1900000 0.9 96
check "and may miss the goal" 1 'CPU >= 60%: \*\*MISSED\*\*'
run tcp 2000000 0.5; run websocket 1000000 0.8 95
check "95 % of its core are not yet a bound" 1 'rate >= 60%: \*\*MISSED\*\*'
run tcp 2000000 0.5; run unix 10 9; run wss 10 9
check "no goal, no judgement" 0 'unix .* - \|' 'wss .* - \|'
run websocket 1200000 0.8
check "without TCP's rate nothing is judged" 0 'websocket .* not measured'
run tcp 2000000 0.5; run tcp 2000000 0.5 50 '"missing": 3'
check "loss in one run of several" 1 'Not clean' '^- tcp: 3 missing'
run tcp 2000000 0.5; printf 'tcp\t12\n' >>"$TMP/runs"
check "a run whose result is no object" 1 'Not clean' '^- tcp: a run without a result'
for fault in duplicates reordered misrouted failed_clients; do
  run tcp 2000000 0.5 50 "\"$fault\": 2"
  check "a run with $fault" 1 "^- tcp: 2 $fault"
done
run tcp 2000000 0.5 50 '"verified": false'
check "a run that was cut off" 1 'tcp: a run ended before everything had come'
run tcp 2000000 0.5; printf 'tls\tcannot connect\n' >>"$TMP/runs"
check "a run without a result" 1 '^- tls: a run without a result'
run tcp 2000000 0.5; printf 'tls\t{"delivered_per_s": 5}\n' >>"$TMP/runs"
check "a run with half a result" 1 '^- tls: a run without a result'
check "no run at all" 1
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
