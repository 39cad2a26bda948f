#!/usr/bin/env bash
# Installs what is missing, builds Dunlin and runs a node here: ./run.sh [--rocketmq] [--no-build] [-- dunlin's options]
#   --rocketmq  also starts a real local RocketMQ, makes the topics of the configured rules and binds the rules to it
#   --no-build  runs what was built last
#   for example: ./run.sh -- --set listeners.0.address=127.0.0.1:1884
# The configuration is ./dunlin.yaml; a commented one is written if there is none. Ctrl-C stops all that was started.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. tools/lib.sh

rocketmq=0 build=1 options=()
while [ $# -gt 0 ]; do
  case $1 in
    --rocketmq) rocketmq=1 ;;
    --no-build) build=0 ;;
    -h | --help) sed -n '2,6s/^# //p' "$0"; exit 0 ;;
    --) shift; options=("$@"); break ;;
    *) fail "unknown argument '$1' (--rocketmq, --no-build, -- dunlin's options)" ;;
  esac
  shift
done

STATE=.run
CONFIG=dunlin.yaml
NODE=$STATE/dunlin
# The proxy's remoting port would be 8080, which is the node's HTTP port.
export RMQ_REMOTING_PORT=${RMQ_REMOTING_PORT:-8082}
node_pid= rocketmq_started=0 result=0

stop_all() { # in order: the node drains into RocketMQ, then RocketMQ goes
  trap '' INT TERM
  end_stage
  if [ -n "$node_pid" ] && kill -0 "$node_pid" 2>/dev/null; then
    say "Stopping the node ..."
    kill -TERM "$node_pid"
    for _ in $(seq 300); do
      kill -0 "$node_pid" 2>/dev/null || break
      sleep 0.1
    done
    if kill -0 "$node_pid" 2>/dev/null; then
      say "The node has not stopped within 30 s: killed."
      kill -KILL "$node_pid"
    fi
    wait "$node_pid" 2>/dev/null
  fi
  node_pid=
  if ((rocketmq_started)); then
    say "Stopping RocketMQ ..."
    tools/rocketmq/stop.sh
  fi
}
interrupted() {
  stop_all
  say "Stopped."
  exit 0
}

one_at_a_time() {
  mkdir -p $STATE
  exec 9>>"$STATE/lock"
  # Closed (9>&-) for everything that may outlive this script, as Bazel's server does.
  flock -n 9 || fail "another ./run.sh runs in this folder (pid $(cat $STATE/pid 2>/dev/null)); stop it with Ctrl-C there"
  echo $$ >$STATE/pid
}

install_and_build() {
  local groups=(build run)
  ((rocketmq)) && groups+=(rocketmq)
  ((build || rocketmq)) && { tools/setup.sh "${groups[@]}" </dev/null 9>&- || exit 1; }
  if ((build)); then
    stage "build (the first one takes some minutes)" 3600 run_bazel build //broker:dunlin 9>&- || exit 1
    ln -sfn "$(bazel_info bazel-bin)/broker/dunlin" $NODE
  fi
  [ -x $NODE ] || fail "nothing is built yet: run ./run.sh without --no-build"
}

configure() {
  if [ ! -e $CONFIG ]; then
    cp tools/dunlin.sample.yaml $CONFIG
    say "Wrote $CONFIG: every key is explained there."
  fi
  # A fault in the configuration ends here, before anything is started.
  $NODE check --config $CONFIG "${options[@]}" >$STATE/check.txt 2>&1 || { cat $STATE/check.txt >&2; exit 2; }
}

setting() { # key default: the effective value, as the node will see it
  local value
  value=$($NODE show-config --config $CONFIG "${options[@]}" 2>/dev/null | sed -n "s/^$1[:=] *\"\{0,1\}\([^\"# ]*\).*/\1/p" | head -n 1)
  printf '%s' "${value:-$2}"
}

ours() { # name of a RocketMQ process: whether tools/rocketmq/start.sh has it running
  local file
  file=$(. tools/rocketmq/env.sh && echo "$RMQ_RUN/pid/$1")
  [ -s "$file" ] && kill -0 "$(cat "$file")" 2>/dev/null
}
start_rocketmq() {
  local port process ports
  ports=$(. tools/rocketmq/env.sh && echo "$RMQ_NAMESRV_PORT:namesrv $RMQ_BROKER_PORT:broker $RMQ_GRPC_PORT:broker $RMQ_REMOTING_PORT:broker")
  for process in $ports; do
    port=${process%:*} process=${process#*:}
    if port_open "$port" && ! ours "$process"; then
      fail "port $port, which RocketMQ needs, is taken by $(port_owner "$port"): stop that, or RMQ_PORT_OFFSET=10000 ./run.sh --rocketmq"
    fi
  done
  ours broker || rocketmq_started=1
  stage "RocketMQ (the first time fetches 100 MB)" 1200 tools/rocketmq/start.sh 9>&- || { stop_all; exit 1; }
  stage "topics of the rules" 120 tools/rocketmq/topics.sh $CONFIG --group try || { stop_all; exit 1; }
  options+=(--set "rocketmq.endpoint=127.0.0.1:$(. tools/rocketmq/env.sh && echo "$RMQ_GRPC_PORT")")
}

start_node() {
  # An own session: Ctrl-C reaches this script alone, which then stops everything in order.
  env -u DUNLIN_CACHE -u DUNLIN_BAZEL_STARTUP setsid $NODE serve --config $CONFIG "${options[@]}" 9>&- &
  node_pid=$!
  local deadline=$((SECONDS + 60))
  until curl -fsS -o /dev/null --max-time 2 "http://$http/readyz" 2>/dev/null; do
    if ! kill -0 "$node_pid" 2>/dev/null; then
      wait "$node_pid"
      result=$?
      node_pid=
      stop_all
      exit "$result"
    fi
    if ((SECONDS >= deadline)); then
      say "The node is not ready after 60 s (http://$http/readyz); its log is above."
      stop_all
      exit 1
    fi
    sleep 0.1
  done
}

hints() {
  local host=${mqtt%:*} port=${mqtt##*:}
  local at="-h $host -p $port" java=${RMQ_PORT_OFFSET:+RMQ_PORT_OFFSET=$RMQ_PORT_OFFSET }
  cat <<H

Dunlin runs: MQTT at $mqtt, HTTP at http://$http (metrics, health, rules). Try in another terminal:

  device to device
    mosquitto_sub $at -t 'chat/#' -v
    mosquitto_pub $at -t chat/room1 -q 1 -m hello
  straight to one client, which subscribes to nothing
    mosquitto_sub $at -i GID_demo@@@phone -t unused -v
    mosquitto_pub $at -t chat/p2p/GID_demo@@@phone -q 1 -m 'for you alone'
H
  if ((rocketmq)); then
    cat <<H
  device to backend: the rule "report" takes sensors/# to RocketMQ's topic sensors_up
    mosquitto_pub $at -t sensors/room1/temperature -q 1 -m 21.5
    ${java}tests/e2e/java/run.sh GrpcConsume --topic sensors_up --group try --count 1
  backend to device: the rule "command" takes RocketMQ's topic sensors_down to sensors/...
    mosquitto_sub $at -t 'sensors/#' -v
    ${java}tests/e2e/java/run.sh GrpcSend --topic sensors_down --property mqttSecondTopic=/room1/set on
H
  else
    cat <<H
  device to backend: the rule "report" takes sensors/# to the embedded queue sensors_up
    mosquitto_pub $at -t sensors/room1/temperature -q 1 -m 21.5
    curl -s 'http://$http/api/v1/queues/sensors_up/messages?group=try&max=10&wait=5s'
  backend to device: the rule "command" takes the queue sensors_down to sensors/...
    mosquitto_sub $at -t 'sensors/#' -v
    curl -s -X POST 'http://$http/api/v1/queues/sensors_down/messages' -d '{"messages": [{"body": "on", "properties": {"mqttSecondTopic": "/room1/set"}}]}'
H
  fi
  cat <<H
  what the rules do
    curl -s http://$http/api/v1/rules

Ctrl-C stops everything.

H
}

trap interrupted INT TERM
one_at_a_time
install_and_build
configure
mqtt=$(setting 'listeners\.0\.address' 127.0.0.1:1883)
http=$(setting 'http\.address' 127.0.0.1:8080)
((rocketmq)) && start_rocketmq
start_node
hints
wait "$node_pid"
result=$?
node_pid=
say "The node has ended by itself (exit code $result)."
stop_all
exit "$result"
