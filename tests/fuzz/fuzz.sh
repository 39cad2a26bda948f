#!/usr/bin/env bash
# Runs one fuzz target: tests/fuzz/fuzz.sh TARGET BINARY SECONDS FOLDER [libFuzzer's options...]
# Begins with the tree's corpus; what is found goes into FOLDER, and is used again; so do inputs that failed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$1 binary=$2 seconds=$3 folder=$4
shift 4
name=${target%_fuzz}
mkdir -p "$folder/$target"
seeds=()
[ -d "$here/corpus/$name" ] && seeds=("$here/corpus/$name")
if [ -e "$here/dictionaries/$name.dict" ]; then
  set -- -dict="$here/dictionaries/$name.dict" "$@"
elif [ "$name" = config ]; then  # every key and value word that the configuration knows
  grep -ohE '[A-Za-z_0-9]+ = [0-9]+;' "$here/../../proto/config.proto" | sed 's/ = .*//' | tr A-Z a-z | sort -u |
    sed 's/.*/"&"/' >"$folder/config.dict"
  set -- -dict="$folder/config.dict" "$@"
fi
if [ "$name" = connection ]; then  # an input has thousands of features: counting them would take longer than running it
  set -- -entropic=0 "$@"
fi
exec "$binary" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 -close_fd_mask=1 \
  -artifact_prefix="$folder/$target-" "$@" "$folder/$target" "${seeds[@]}"
