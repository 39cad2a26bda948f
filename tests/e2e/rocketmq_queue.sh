#!/usr/bin/env bash
# The RocketMQ queue against a real RocketMQ, on ports of its own: rocketmq_queue.sh [basic] [restart] [cluster] [auth]
#   basic    sends, receives, acks, refusals; batches of different properties as the server's version can
#   restart  broker and proxy in one process: killed (kill -9) and started again under traffic
#   cluster  in two processes: the proxy killed, then the broker
#   auth     users and permissions on: the right credential works, a wrong one is told
# Without arguments all of them. Starts what it needs and stops it again. Variables: tools/rocketmq/env.sh (RMQ_VERSION=5.3.3,
# RMQ_PORT_OFFSET, here 10000), DUNLIN_BAZEL_STARTUP, TEST_BIN (the test program; built when not given).
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$ROOT"
export RMQ_PORT_OFFSET=${RMQ_PORT_OFFSET:-10000}
export RMQ_RUN=${RMQ_RUN:-${XDG_CACHE_HOME:-$HOME/.cache}/dunlin/rocketmq/run-queue-$RMQ_PORT_OFFSET}
. tools/rocketmq/env.sh
export RMQ_VERSION RMQ_ENDPOINT=127.0.0.1:$RMQ_GRPC_PORT
[ $# -gt 0 ] || set -- basic restart cluster auth
if [ -z "${TEST_BIN:-}" ]; then
  # shellcheck disable=SC2086
  bazel ${DUNLIN_BAZEL_STARTUP:-} build //tests/e2e:rocketmq_queue_e2e
  # shellcheck disable=SC2086
  TEST_BIN=$(bazel ${DUNLIN_BAZEL_STARTUP:-} info bazel-bin 2>/dev/null)/tests/e2e/rocketmq_queue_e2e
fi
trap 'SIGNAL=KILL tools/rocketmq/stop.sh' EXIT
trap 'exit 143' INT TERM

FAILED=()
check() {  # name, gtest filter [NAME=value...]
  local name=$1 filter=$2
  shift 2
  echo "== $name ($RMQ_VERSION)"
  env "$@" timeout 300 "$TEST_BIN" --gtest_filter="$filter" --gtest_brief=1 || FAILED+=("$name")
}

RUNNING=
fresh() {  # an empty server with the tests' topics, or the one of the part before; MODE and AUTH from the caller
  local wanted="${MODE:-local} ${AUTH:-0}"
  [ "$RUNNING" != "$wanted" ] || return 0
  WIPE=1 SIGNAL=KILL tools/rocketmq/stop.sh
  tools/rocketmq/start.sh
  local topics=(--topic dq_fifo:FIFO --group dq_fifo_group:ordered) name
  for name in single batch mixed big again idle restart remoting; do
    topics+=(--topic "dq_$name" --group "dq_${name}_group")
  done
  tools/rocketmq/topics.sh "${topics[@]}" >/dev/null
  RUNNING=$wanted
}

# Whether a batch's messages keep their own properties (5.4.0 and later).
keeps_properties() { [ "$(printf '%s\n' 5.4.0 "$RMQ_VERSION" | sort -V | head -1)" = 5.4.0 ]; }

basic() {
  MODE=local fresh
  check "send and receive" 'RocketmqQueue.*:Nowhere.*'
  if keeps_properties; then
    check "batch of different properties" '*BatchOfDifferent*' RMQ_BATCH=full
  else
    check "batch fault of this version" '*BatchOfDifferent*' RMQ_BATCH=full RMQ_BATCH_FAULT=1
  fi
  python3 -c 'print("{\"body\": \"" + 20000 * "z" + "\"}")' | tests/e2e/java/run.sh RemotingSend \
    --topic dq_remoting --tag big --key k1 --key k2 --property n=2
  check "from the remoting client" 'Remoting.*'
}

killed() {  # name process: kill -9 after 6 s of traffic, started again 5 s later
  local name=$1 process=$2
  (
    sleep 6
    SIGNAL=KILL tools/rocketmq/stop.sh "$process"
    sleep 5
    tools/rocketmq/start.sh
  ) >"$RMQ_RUN/killed.out" 2>&1 &
  local killer=$!
  check "$name" 'Restart.*'
  wait "$killer" || { cat "$RMQ_RUN/killed.out"; FAILED+=("$name: the server did not come back"); }
}

restart() {
  MODE=local fresh
  killed "broker and proxy killed" broker
}

cluster() {
  export MODE=cluster
  fresh
  killed "proxy killed" proxy
  killed "broker killed" broker
  unset MODE
}

auth() {
  export AUTH=1
  fresh
  check "no credential" 'Auth.*'
  check "wrong secret" 'Auth.*' RMQ_ACCESS_KEY=admin RMQ_SECRET_KEY=wrong
  check "unknown user" 'Auth.*' RMQ_ACCESS_KEY=nobody RMQ_SECRET_KEY=wrong
  check "right credential" '*SingleMessage*' RMQ_ACCESS_KEY=admin RMQ_SECRET_KEY=admin-secret
  tools/rocketmq/mqadmin.sh createUser -c DefaultCluster -u u1 -p u1-secret -t Normal
  check "user without permissions" 'Auth.*' RMQ_ACCESS_KEY=u1 RMQ_SECRET_KEY=u1-secret
  tools/rocketmq/mqadmin.sh createAcl -c DefaultCluster -s User:u1 -r Topic:dq_single -a Pub,Sub -d Allow
  tools/rocketmq/mqadmin.sh createAcl -c DefaultCluster -s User:u1 -r Group:dq_single_group -a Sub -d Allow
  check "user with permissions" '*SingleMessage*' RMQ_ACCESS_KEY=u1 RMQ_SECRET_KEY=u1-secret
  unset AUTH
}

for part in "$@"; do
  case $part in
    basic | restart | cluster | auth) "$part" ;;
    *) rmq_fail "unknown part $part (basic, restart, cluster, auth)" ;;
  esac
done
if [ ${#FAILED[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${FAILED[@]}"
  exit 1
fi
echo "all passed"
