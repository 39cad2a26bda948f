#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: ./test.sh [--quick] [--sanitize]
#   --quick     without the real RocketMQ and the fuzzers
#   --sanitize  instead: unit tests, simulations, load scenarios and the device side of the end-to-end tests, once with the
#               address and undefined-behaviour sanitizers and once with the thread sanitizer
# The last line is "N passed, N failed"; the exit code is 1 when anything failed. Reports and logs: .run/logs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. tools/lib.sh

quick=0 sanitize=0
for argument in "$@"; do
  case $argument in
    --quick) quick=1 ;;
    --sanitize) sanitize=1 ;;
    -h | --help) sed -n '2,6s/^# //p' "$0"; exit 0 ;;
    *) fail "unknown argument '$argument' (--quick, --sanitize)" ;;
  esac
done
FUZZ_SECONDS=${FUZZ_SECONDS:-60}
passed=0 failed=0 skipped=0 fetch_pid= FUZZERS=

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
  tests/e2e/venv.sh || return 1
  ((sanitize)) && return 0
  tests/e2e/clients/fetch.sh || return 1
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

unit() { # name, configuration options and targets...
  local name=$1 bep="$STAGE_LOGS/$1.bep.json"
  shift
  rm -f "$bep"
  stage "$name" "${UNIT_TIMEOUT:-2400}" run_bazel test --keep_going --build_event_json_file="$bep" "$@"
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

# The device side and the tests with RocketMQs of their own at the same time: one waits where the other computes.
pytest_group() { # name, pytest's options...
  local report="$STAGE_LOGS/$1.xml" log="$STAGE_LOGS/$1.log"
  shift
  rm -f "$report"
  E2E_STRICT=1 "$PYTHON" -m pytest tests/e2e -q --junitxml="$report" -p no:cacheprovider --durations=8 \
    -o timeout=$((60 * ${E2E_SLOW:-1})) "$@" >"$log" 2>&1
}
run_groups() { # binary, groups...
  local group rc=0 pids=()
  export DUNLIN_BIN=$1
  shift
  for group in "$@"; do
    case $group in
      fuzz) fuzz_all & ;;
      *rocketmq-rules) pytest_group "$group" -m rocketmq -k test_rules_rocketmq & ;;
      *rocketmq-rest) pytest_group "$group" -m rocketmq -k "not test_rules_rocketmq" & ;;
      *) pytest_group "$group" -m "not rocketmq" ${E2E_OPTIONS:-} & ;;
    esac
    pids+=($!)
  done
  for group in "${pids[@]}"; do wait "$group" || rc=$?; done
  for group in "$@"; do echo "== $group"; cat "$STAGE_LOGS/$group.log"; done
  return "$rc"
}
end_to_end() { # name, binary, groups...
  local name=$1 group rc before
  shift
  stage "Python and Java packages" 600 await_fetch
  PYTHON=$(tests/e2e/venv.sh) || { fault "the Python environment (see $STAGE_LOGS/fetch.log)"; return; }
  STAGE_TAIL=200 stage "$name" "${E2E_TIMEOUT:-1500}" run_groups "$@"
  rc=$? before=$failed
  for group in "${@:2}"; do
    if [ "$group" = fuzz ]; then count_fuzz; else count --junit "$STAGE_LOGS/$group.xml"; fi
  done
  ((rc == 0 || failed > before)) || fault "$name (a group's exit code is $rc)"
}

# Programs that no test builds must build.
programs() {
  local targets
  targets=$(run_bazel query 'kind(cc_binary, //...) except attr(tags, manual, kind(cc_binary, //...))' 2>/dev/null) || return 1
  # shellcheck disable=SC2086
  run_bazel build $targets //tests/e2e:rocketmq_queue_e2e
}

build_fuzzers() { # sets FUZZERS, their names, and FUZZ_BIN, their folder
  # Another compiler means another toolchain: an output base of its own keeps the main one warm.
  local DUNLIN_BAZEL_STARTUP="--output_base=$DUNLIN_CACHE/out-fuzz --max_idle_secs=30" targets
  targets=$(run_bazel query 'attr(tags, manual, kind(cc_binary, //tests/fuzz/...))' 2>/dev/null) || targets=
  FUZZERS=${targets//'//tests/fuzz:'/}
  if [ -z "$FUZZERS" ]; then fault "no fuzz targets"; return 1; fi
  # shellcheck disable=SC2086
  if ! stage "fuzzers: build" 1500 run_bazel build --config=fuzz --symlink_prefix=/ $targets; then
    fault "the fuzzers do not build"
    return 1
  fi
  FUZZ_BIN=$(bazel_info --config=fuzz bazel-bin)/tests/fuzz
}
# Two at a time and at a low priority, beside the end-to-end tests, which wait most of their time.
fuzz_all() {
  local target rc=0 running=0
  : >"$STAGE_LOGS/fuzz.log"
  for target in $FUZZERS; do
    ((running++ < 2)) || wait -n
    fuzz_one "$target" &
  done
  wait
  for target in $FUZZERS; do
    grep -qx "passed $target" "$STAGE_LOGS/fuzz.log" && continue
    rc=1
    echo "failed $target" >>"$STAGE_LOGS/fuzz.log"
    tail -n 50 "$STAGE_LOGS/fuzz-$target.log" >>"$STAGE_LOGS/fuzz.log"
  done
  return "$rc"
}
fuzz_one() { # target
  timeout --foreground $((FUZZ_SECONDS + 240)) nice -n 10 tests/fuzz/fuzz.sh "$1" "$FUZZ_BIN/$1" "$FUZZ_SECONDS" "$DUNLIN_CACHE/fuzz" -timeout=60 \
    >"$STAGE_LOGS/fuzz-$1.log" 2>&1 && echo "passed $1" >>"$STAGE_LOGS/fuzz.log"
}
count_fuzz() {
  local target
  for target in $FUZZERS; do
    if grep -qx "passed $target" "$STAGE_LOGS/fuzz.log"; then add 1 0 0; else fault "fuzz $target"; fi
  done
}

# What the load tool and the benchmarks are made of is tested without sanitizers only; the tool loads the nodes that have them.
SANITIZED=(//tests/... -//tests/load/... -//tests/bench/...)
sanitized() { # asan or tsan, what it looks for
  local built
  unit "unit tests and simulation, $2" --config="$1" --test_env=MODEL_STEPS=2000 \
    --test_env=ASAN_OPTIONS --test_env=UBSAN_OPTIONS --test_env=TSAN_OPTIONS -- "${SANITIZED[@]}"
  if ! stage "the node, $2" 1800 run_bazel build --config="$1" //broker:dunlin; then
    fault "//broker:dunlin does not build with --config=$1"
    return
  fi
  built=$(bazel_info --config="$1" bazel-bin)
  if [ -x "$LOAD" ]; then
    if stage "every load scenario, $2" 300 tests/bench/smoke.sh "$built/broker/dunlin" "$LOAD"; then
      add 1 0 0
    else
      fault "every load scenario, $2"
    fi
  fi
  # Neither the clients of other languages nor what measures the machine.
  E2E_OPTIONS="--ignore=tests/e2e/test_real_clients.py --ignore=tests/e2e/test_slowloris.py" \
    E2E_SLOW=4 end_to_end "end to end, $2" "$built/broker/dunlin" "e2e-$1"
}
sanitize_all() {
  export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tests/tsan.supp
  start_fetch
  LOAD=
  if stage "the load tool" 900 run_bazel build //tests/load:dunlin-load; then
    LOAD=$(bazel_info bazel-bin)/tests/load/dunlin-load
  else
    fault "//tests/load:dunlin-load does not build"
  fi
  sanitized asan "addresses and undefined behaviour"
  sanitized tsan "threads"
}

say "Testing Dunlin on $(nproc) cores; logs in $STAGE_LOGS"
install
if ((sanitize)); then
  sanitize_all
  finish
fi
start_fetch
unit "unit tests and simulation" //tests/...
shell_tests
groups=(e2e-devices)
if ((!quick)); then
  groups=(e2e-rocketmq-rules e2e-rocketmq-rest e2e-devices)
  build_fuzzers && groups+=(fuzz)
fi
if stage "the node and every program" 1500 programs; then
  built=$(bazel_info bazel-bin)
  if stage "every load scenario" 180 tests/bench/smoke.sh "$built/broker/dunlin" "$built/tests/load/dunlin-load"; then
    add 1 0 0
  else
    fault "every load scenario"
  fi
  end_to_end "end to end${FUZZERS:+, fuzzers}" "$built/broker/dunlin" "${groups[@]}"
else
  fault "a program does not build"
fi
finish
