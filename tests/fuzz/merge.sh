#!/usr/bin/env bash
# Takes into tests/fuzz/corpus what long.sh has found and the corpus does not reach: a small input for each new edge.
#   tests/fuzz/merge.sh [TARGET...]       (default: every target that long.sh has built)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/lib.sh
found="$DUNLIN_CACHE/fuzz"
mkdir -p "$STAGE_LOGS"
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(ls "$found/bin")
for target in "$@"; do
  corpus="tests/fuzz/corpus/${target%_fuzz}" log="$STAGE_LOGS/merge-$target.log"
  mkdir -p "$corpus"
  # Without counters: how often an edge was taken is no reason to keep an input.
  nice -n 19 "$found/bin/$target" -merge=1 -use_counters=0 -timeout=120 "$corpus" "$found/$target" >"$log" 2>&1 ||
    fail "$target: see $log"
  for input in "$corpus"/*; do  # libFuzzer's names are whole hashes
    name=$(basename "$input")
    if [[ $name =~ ^[0-9a-f]{40}$ ]]; then mv "$input" "$corpus/found-${name:0:12}"; fi
  done
  say "$target: $(find "$corpus" -type f | wc -l) inputs, $(cat "$corpus"/* | wc -c) bytes"
done
