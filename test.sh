#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: ./test.sh [--quick] [--sanitize]
#   --quick     without the real RocketMQ and the fuzzers
#   --sanitize  instead: the unit tests under address+undefined and thread sanitizers
# The last line is "N passed, N failed"; the exit code is 1 when anything failed. Reports and logs: .run/logs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. tools/lib.sh

quick=0 sanitize=0
for argument in "$@"; do
  case $argument in
    --quick) quick=1 ;;
    --sanitize) sanitize=1 ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    *) fail "unknown argument '$argument' (--quick, --sanitize)" ;;
  esac
done
FUZZ_SECONDS=${FUZZ_SECONDS:-10}
passed=0 failed=0 skipped=0 fetch_pid=

add() { # passed failed skipped
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}
fault() { # what: one failure that no report tells of
  say "failed: $1"
  failed=$((failed + 1))
}
count() { # count_tests.py's arguments
  local numbers
  numbers=$(python3 tools/count_tests.py "$@" 2> >(sed 's/^/   /' >&2)) || numbers="0 1 0"
  # shellcheck disable=SC2086
  add $numbers
}
finish() {
  ((skipped > 0)) && say "$skipped skipped (named above)"
  say "All of it took $(elapsed $SECONDS)."
  say "$passed passed, $failed failed"
  ((failed == 0 && passed > 0)) && exit 0
  exit 1
}
abort() { # the signal's exit code
  trap - INT TERM
  end_stage
  [ -n "$fetch_pid" ] && kill -TERM -- "-$fetch_pid" 2>/dev/null
  say "interrupted"
  say "$passed passed, $((failed + 1)) failed"
  exit "$1"
}
trap 'abort 130' INT
trap 'abort 143' TERM

install() {
  local groups=(build test)
  ((quick)) || groups+=(fuzz)
  ((sanitize)) && groups=(build test)
  # Not a stage of its own: it shows its stages itself, and only when there is something to install.
  tools/setup.sh "${groups[@]}" </dev/null || { fault "set-up"; finish; }
}

# While the compiler keeps one core busy: Python packages, RocketMQ's and its clients' jars.
fetch_all() {
  tests/e2e/venv.sh && tests/e2e/clients/fetch.sh || return 1
  ((quick)) && return 0
  (. tools/rocketmq/env.sh && rmq_fetch tools/rocketmq/pom.xml "$RMQ_LIB" -Drocketmq.version="$RMQ_VERSION") &&
    tests/e2e/java/run.sh --fetch
}
start_fetch() {
  mkdir -p "$STAGE_LOGS"
  set -m
  (for _ in 1 2 3; do fetch_all && exit 0; sleep 5; done; exit 1) >"$STAGE_LOGS/fetch.log" 2>&1 </dev/null &
  fetch_pid=$!
  set +m
}
await_fetch() { # within a stage: the job is not its child, so it looks instead of waiting
  while kill -0 "$fetch_pid" 2>/dev/null; do sleep 0.2; done
  cat "$STAGE_LOGS/fetch.log"
}

unit() { # name, configuration options...
  local name=$1 bep="$STAGE_LOGS/$1.bep.json"
  shift
  rm -f "$bep"
  stage "$name" "${UNIT_TIMEOUT:-1800}" run_bazel test //tests/... --keep_going --build_event_json_file="$bep" "$@"
  local rc=$? before=$failed
  count --bep "$bep"
  ((rc == 0 || failed > before)) || fault "$name (bazel's exit code is $rc)"
}

shell_tests() { # tests/**/*_selftest.sh: exit code 0 or not
  local script
  while read -r script; do
    if stage "$script" 300 bash "$script"; then add 1 0 0; else fault "$script"; fi
  done < <(find tests tools -name '*_selftest.sh' | sort)
}

end_to_end() {
  local report="$STAGE_LOGS/e2e.xml" python select=()
  rm -f "$report"
  stage "Python and Java packages" 600 await_fetch
  python=$(tests/e2e/venv.sh) || { fault "the Python environment (see $STAGE_LOGS/fetch.log)"; return; }
  ((quick)) && select=(-m "not rocketmq")
  STAGE_TAIL=200 stage "end to end" "${E2E_TIMEOUT:-1500}" env E2E_STRICT=1 DUNLIN_BIN="$1" \
    "$python" -m pytest tests/e2e -q --junitxml="$report" -p no:cacheprovider "${select[@]}"
  local rc=$? before=$failed
  count --junit "$report"
  ((rc == 0 || failed > before)) || fault "end to end (pytest's exit code is $rc)"
}

fuzz() {
  # Another compiler means another toolchain: an output base of its own keeps the main one warm.
  local DUNLIN_BAZEL_STARTUP="--output_base=$DUNLIN_CACHE/out-fuzz --max_idle_secs=30" targets target bin
  targets=$(run_bazel query 'attr(tags, manual, kind(cc_binary, //tests/fuzz/...))' 2>/dev/null) || targets=
  [ -n "$targets" ] || return 0
  # shellcheck disable=SC2086
  if ! stage "fuzzers: build" 900 run_bazel build --config=fuzz $targets; then
    fault "the fuzzers do not build"
    return
  fi
  bin=$(bazel_info --config=fuzz bazel-bin)
  for target in $targets; do
    target=${target#//}
    run_fuzzer "${target##*:}" "$bin/${target/://}"
  done
}
run_fuzzer() { # name binary
  local corpus="$DUNLIN_CACHE/fuzz/$1" seeds="tests/fuzz/corpus/$1"
  mkdir -p "$corpus"
  [ -d "$seeds" ] && set -- "$1" "$2" "$seeds"
  if stage "fuzz $1" $((FUZZ_SECONDS + 60)) "$2" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=1024 \
    -artifact_prefix="$STAGE_LOGS/" "$corpus" "${@:3}"; then add 1 0 0; else fault "fuzz $1"; fi
}

say "Testing Dunlin on $(nproc) cores; logs in $STAGE_LOGS"
install
if ((sanitize)); then
  ASAN_OPTIONS=detect_leaks=1 unit "unit tests, address and undefined behaviour" --config=asan
  unit "unit tests, threads" --config=tsan
  finish
fi
start_fetch
unit "unit tests and simulation"
shell_tests
if stage "the node" 900 run_bazel build //broker:dunlin //tests/load:dunlin-load \
  //tests/e2e:rocketmq_queue_e2e; then
  built=$(bazel_info bazel-bin)
  if stage "every load scenario" 180 tests/bench/smoke.sh "$built/broker/dunlin" "$built/tests/load/dunlin-load"; then
    add 1 0 0
  else
    fault "every load scenario"
  fi
  end_to_end "$built/broker/dunlin"
else
  fault "//broker:dunlin does not build"
fi
((quick)) || fuzz
finish
