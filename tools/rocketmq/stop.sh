#!/usr/bin/env bash
# Stops only the processes that start.sh recorded.   stop.sh [proxy] [broker] [namesrv]   (default: all)
# SIGNAL=KILL crashes them; WIPE=1 also empties the store (topics, groups and users too). Other variables: env.sh.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
SIGNAL=${SIGNAL:-TERM}
[ $# -gt 0 ] || set -- proxy broker namesrv
for name in "$@"; do
  file=$RMQ_RUN/pid/$name
  if rmq_up "$name"; then
    pid=$(cat "$file")
    kill -"$SIGNAL" "$pid"
    for _ in $(seq 150); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.2
    done
    kill -0 "$pid" 2>/dev/null && kill -KILL "$pid"
    echo "rocketmq: $name stopped (pid $pid)"
  fi
  rm -f "$file"
done
[ "${WIPE:-0}" = 1 ] && rm -rf "${RMQ_RUN:?}/store" "$RMQ_RUN/logs"
exit 0
