#!/usr/bin/env bash
# RocketMQ's own administration command against the server of start.sh (about 2 s each; topics.sh makes many at once).
#   mqadmin.sh updateTopic -c DefaultCluster -t T -r 4 -w 4 -a +message.type=NORMAL   (or FIFO, DELAY, MIXED)
#   mqadmin.sh updateSubGroup -c DefaultCluster -g G                                  (ordered group: -o true)
#   mqadmin.sh createUser -c DefaultCluster -u u1 -p u1-secret -t Normal
#   mqadmin.sh createAcl -c DefaultCluster -s User:u1 -r Topic:T -a Pub -d Allow
# It exits with 0 even when it failed: read what it prints. Variables: env.sh.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
rmq_fetch "$RMQ_HERE/pom.xml" "$RMQ_LIB" -Drocketmq.version="$RMQ_VERSION"
export NAMESRV_ADDR="127.0.0.1:$RMQ_NAMESRV_PORT" ROCKETMQ_HOME="$RMQ_RUN"
rmq_java_small -cp "$RMQ_RUN/conf:$RMQ_LIB/*" org.apache.rocketmq.tools.command.MQAdminStartup "$@"
