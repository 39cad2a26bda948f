#!/usr/bin/env bash
# Creates the RocketMQ topics and consumer groups that rules need; what is there already stays as it is.
#   topics.sh [--config] dunlin.yaml ...     those of the file's rules: FIFO topics and ordered groups for `order: device`
#   topics.sh --topic T[:NORMAL|FIFO|DELAY] --group G[:ordered] ...
# Exit code 2: a wrong file or a topic of another type. RMQ_USER and RMQ_PASSWORD: an administrator of a server with AUTH=1
# (default admin, admin-secret when AUTH=1 is set). Other variables: env.sh.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
[ $# -gt 0 ] || rmq_fail "usage: topics.sh dunlin.yaml | --topic T[:TYPE] | --group G[:ordered] ..."
rmq_fetch "$RMQ_HERE/pom.xml" "$RMQ_LIB" -Drocketmq.version="$RMQ_VERSION"
CLASSES=$RMQ_CACHE/tools-$RMQ_VERSION
rmq_javac "$RMQ_HERE/Topics.java" "$RMQ_LIB/*" "$CLASSES"
if [ "$AUTH" = 1 ]; then
  export RMQ_USER=${RMQ_USER:-admin} RMQ_PASSWORD=${RMQ_PASSWORD:-admin-secret}
fi
ARGUMENTS=()
while [ $# -gt 0 ]; do
  case $1 in
    --config) shift ;;
    --topic | --group) ARGUMENTS+=("$1" "${2:?"$1 needs a name"}") && shift 2 ;;
    -*) rmq_fail "unknown option $1" ;;
    *) [ -r "$1" ] || rmq_fail "$1 cannot be read"
      ARGUMENTS+=(--config "$1") && shift ;;
  esac
done
export NAMESRV_ADDR="127.0.0.1:$RMQ_NAMESRV_PORT"
rmq_java_small -cp "$CLASSES:$RMQ_LIB/*" Topics "${ARGUMENTS[@]}"
