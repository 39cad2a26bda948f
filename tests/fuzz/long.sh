#!/usr/bin/env bash
# Fuzzes for long and says what it reached, as rows for docs/long-tests.md:
#   tests/fuzz/long.sh SECONDS [TARGET...]        (default: every target)
#   JOBS=2        how many at a time; with more than there are cores the time tells little and the CPU time more
#   COVERAGE=1    lines of the files that a target is about, by clang's source coverage of a second build
#   SEED=0        libFuzzer's; 0: a new one (it is in the row)
#   UNIT_TIMEOUT=20  seconds that one input may take: more when the fuzzers are stopped now and then (SIGSTOP)
# What is found is kept in ~/.cache/dunlin/fuzz and used again; the programs that run in ~/.cache/dunlin/fuzz/bin, so that a
# build meanwhile does not touch them; the process identifiers in ~/.cache/dunlin/fuzz/pids.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tools/lib.sh

# The files that a target is about, as arguments of llvm-cov.
files_of() { # target
  case $1 in
    decode_*) ls broker/mqtt/decode*.cpp broker/mqtt/wire.hpp ;;
    topic_*) ls broker/mqtt/topic.cpp broker/mqtt/ascii.hpp ;;
    scram_*) ls broker/access/scram*.cpp broker/access/crypto*.cpp ;;
    config_*) ls broker/config.cpp broker/config/*.cpp ;;
    proxy_*) ls broker/net/proxy_protocol*.cpp ;;
    websocket_*) ls broker/net/websocket*.cpp ;;
    connection_*) ls broker/session*.cpp broker/shard*.cpp broker/registry.cpp broker/handshake.cpp broker/core/*.cpp ;;
  esac 2>/dev/null
}

build() { # configuration options...
  run_bazel build --symlink_prefix=/ "$@" "${targets[@]/#///tests/fuzz:}"
}
covered() { # target -> lines of its files that the whole corpus reaches, in percent
  local profile="$logs/$1.profraw" bin="$coverage_bin/tests/fuzz/$1"
  LLVM_PROFILE_FILE="$profile" timeout 600 "$bin" -runs=0 -entropic=0 "$found/$1" "tests/fuzz/corpus/${1%_fuzz}" >"$logs/$1.coverage.log" 2>&1
  llvm-profdata-14 merge -sparse "$profile" -o "$logs/$1.profdata" || return 1
  # shellcheck disable=SC2046
  llvm-cov-14 report "$bin" -instr-profile="$logs/$1.profdata" $(files_of "$1" | sed 's|^|/proc/self/cwd/|') >"$logs/$1.lines" 2>/dev/null
  awk '$1 == "TOTAL" { print $10 }' "$logs/$1.lines"
}
# Runs one in the place of this shell's child, at the lowest priority; its log ends with "cpu USER SYSTEM", in seconds.
fuzz_one() { # target
  local TIMEFORMAT='cpu %U %S'
  time nice -n 19 tests/fuzz/fuzz.sh "$1" "$found/bin/$1" "$SECONDS_EACH" "$found" -seed="${SEED:-0}" \
    -timeout="${UNIT_TIMEOUT:-20}"
}
row() { # target
  local log="$logs/$1.log" result="no finding" lines="-"
  grep -q "ERROR\|violated" "$log" && result="**a finding: see $log**"
  [ -n "$coverage_bin" ] && lines=$(covered "$1")
  printf '| %s | %s | %s s | %s s | %s | %s | %s | %s |\n' "$1" "$(sed -n 's/^INFO: Seed: //p' "$log" | head -n 1)" \
    "$(sed -n 's/^Done .* in \([0-9]*\) second.*/\1/p' "$log")" "$(awk '/^cpu / { printf "%d", $2 + $3 }' "$log")" \
    "$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")" \
    "$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -c6-)" "${lines:--}" "$result"
}

main() {
  SECONDS_EACH=${1:?seconds}
  shift
  tools/setup.sh build fuzz </dev/null || exit 1
  export DUNLIN_BAZEL_STARTUP="--output_base=$DUNLIN_CACHE/out-fuzz --max_idle_secs=30"
  found="$DUNLIN_CACHE/fuzz" logs="$STAGE_LOGS/fuzz-long"
  mkdir -p "$found/bin" "$logs"
  if [ $# = 0 ]; then
    # shellcheck disable=SC2046
    set -- $(run_bazel query 'attr(tags, manual, kind(cc_binary, //tests/fuzz/...))' 2>/dev/null)
  fi
  targets=("${@#//tests/fuzz:}")

  stage "fuzzers: build" 3600 build --config=fuzz || exit 1
  local bin target
  bin=$(bazel_info --config=fuzz bazel-bin)
  for target in "${targets[@]}"; do cp -f "$bin/tests/fuzz/$target" "$found/bin/" || exit 1; done
  say "-- $(git log -1 --format='commit %h'), $(clang-14 --version | head -n 1), $(date '+%F %T'): ${#targets[@]} targets," \
    "${JOBS:-2} at a time, $(elapsed "$SECONDS_EACH") each"
  for target in "${targets[@]}"; do
    while (($(jobs -rp | wc -l) >= ${JOBS:-2})); do wait -n; done
    say "-- $target"
    fuzz_one "$target" >"$logs/$target.log" 2>&1 &
    sleep 0.2
    pgrep -f "$found/bin/$target -" >>"$found/pids"
  done
  wait
  rm -f "$found/pids"
  coverage_bin=
  if [ "${COVERAGE:-1}" = 1 ] && stage "fuzzers: build for coverage" 3600 build --config=fuzz --config=coverage-of-fuzz; then
    coverage_bin=$(bazel_info --config=fuzz --config=coverage-of-fuzz bazel-bin)
  fi
  say "| target | seed | time | CPU time | executions | edges | lines of its files | result |"
  say "|---|---|---|---|---|---|---|---|"
  for target in "${targets[@]}"; do row "$target"; done
}
main "$@"; exit  # one line: this file may change while it runs
