#!/usr/bin/env bash
# Fuzzes for long and says what it reached, as rows for docs/long-tests.md:
#   tests/fuzz/long.sh SECONDS [TARGET...]        (default: every target, two at a time)
# What is found is kept in ~/.cache/dunlin/fuzz and used again. Lines: of the files that a target is about, by clang's source
# coverage of a second build (COVERAGE=0 leaves it out).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tools/lib.sh

SECONDS_EACH=${1:?seconds}
shift
tools/setup.sh build fuzz </dev/null || exit 1
export DUNLIN_BAZEL_STARTUP="--output_base=$DUNLIN_CACHE/out-fuzz --max_idle_secs=30"
found="$DUNLIN_CACHE/fuzz" logs="$STAGE_LOGS/fuzz-long"
mkdir -p "$found" "$logs"
if [ $# = 0 ]; then
  # shellcheck disable=SC2046
  set -- $(run_bazel query 'attr(tags, manual, kind(cc_binary, //tests/fuzz/...))' 2>/dev/null)
fi
targets=("${@#//tests/fuzz:}")

# The files that a target is about, as a pattern for llvm-cov.
files_of() { # target
  case $1 in
    decode_*) ls broker/mqtt/decode*.cpp broker/mqtt/wire.hpp ;;
    topic_*) ls broker/mqtt/topic.cpp broker/mqtt/ascii.hpp ;;
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
  LLVM_PROFILE_FILE="$profile" timeout 600 "$bin" -runs=0 "$found/$1" "tests/fuzz/corpus/${1%_fuzz}" >"$logs/$1.coverage.log" 2>&1
  llvm-profdata-14 merge -sparse "$profile" -o "$logs/$1.profdata" || return 1
  # shellcheck disable=SC2046
  llvm-cov-14 report "$bin" -instr-profile="$logs/$1.profdata" $(files_of "$1") >"$logs/$1.lines" 2>/dev/null
  awk '$1 == "TOTAL" { print $10 }' "$logs/$1.lines"
}
row() { # target
  local log="$logs/$1.log" result="no finding" lines="-"
  grep -q "ERROR\|violated" "$log" && result="**a finding: see $log**"
  [ -n "$coverage_bin" ] && lines=$(covered "$1")
  printf '| %s | %s s | %s | %s | %s | %s |\n' "$1" "$SECONDS_EACH" \
    "$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")" \
    "$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -c6-)" "${lines:--}" "$result"
}

stage "fuzzers: build" 3600 build --config=fuzz || exit 1
bin=$(bazel_info --config=fuzz bazel-bin)
for ((i = 0; i < ${#targets[@]}; i += 2)); do
  pids=()
  for target in "${targets[@]:i:2}"; do
    say "-- $target: $(elapsed "$SECONDS_EACH")"
    tests/fuzz/fuzz.sh "$target" "$bin/tests/fuzz/$target" "$SECONDS_EACH" "$found" >"$logs/$target.log" 2>&1 &
    pids+=($!)
  done
  wait "${pids[@]}"
done
coverage_bin=
if [ "${COVERAGE:-1}" = 1 ] && stage "fuzzers: build for coverage" 3600 build --config=fuzz --config=coverage-of-fuzz; then
  coverage_bin=$(bazel_info --config=fuzz --config=coverage-of-fuzz bazel-bin)
fi
say "| target | time | executions | edges | lines of its files | result |"
say "|---|---|---|---|---|---|"
for target in "${targets[@]}"; do row "$target"; done
