#!/usr/bin/env bash
# Starts a small real RocketMQ 5 on 127.0.0.1 and returns when it is ready; what runs already is left alone.
#   tools/rocketmq/start.sh                      name server + one JVM holding broker and proxy
#   MODE=cluster tools/rocketmq/start.sh         name server, broker and proxy in three JVMs
#   AUTH=1 tools/rocketmq/start.sh               with users and permissions
#   RMQ_PORT_OFFSET=10000 tools/rocketmq/start.sh  a second one beside it
# All variables: env.sh. Stop it with stop.sh.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
case $MODE in local | cluster) ;; *) rmq_fail "MODE is local or cluster, not '$MODE'" ;; esac
command -v java >/dev/null || rmq_fail "java is missing: apt-get install openjdk-17-jdk-headless maven"
mkdir -p "$RMQ_RUN"/{conf,store,pid,log}
rmq_fetch "$RMQ_HERE/pom.xml" "$RMQ_LIB" -Drocketmq.version="$RMQ_VERSION"

# The proxy's ports and the broker's HA port would bind the wildcard address.
SHIM=$RMQ_CACHE/loopback_bind.so
if [ ! "$SHIM" -nt "$RMQ_HERE/loopback_bind.c" ]; then
  cc -O2 -shared -fPIC -o "$SHIM.$$" "$RMQ_HERE/loopback_bind.c" -ldl
  mv "$SHIM.$$" "$SHIM"
fi

write_namesrv_conf() {
  cat >"$RMQ_RUN/conf/namesrv.conf" <<C
listenPort=$RMQ_NAMESRV_PORT
bindAddress=127.0.0.1
C
}

write_broker_conf() {
  cat >"$RMQ_RUN/conf/broker.conf" <<C
brokerClusterName=DefaultCluster
brokerName=broker-a
brokerId=0
brokerRole=ASYNC_MASTER
flushDiskType=ASYNC_FLUSH
namesrvAddr=127.0.0.1:$RMQ_NAMESRV_PORT
brokerIP1=127.0.0.1
brokerIP2=127.0.0.1
bindAddress=127.0.0.1
listenPort=$RMQ_BROKER_PORT
haListenPort=$((RMQ_BROKER_PORT + 1))
autoCreateTopicEnable=false
autoCreateSubscriptionGroup=false
defaultTopicQueueNums=4
storePathRootDir=$RMQ_RUN/store
storePathCommitLog=$RMQ_RUN/store/commitlog
mappedFileSizeCommitLog=67108864
mappedFileSizeConsumeQueue=600000
maxHashSlotNum=100000
maxIndexNum=400000
enableCompaction=false
mappedFileSizeTimerLog=10485760
timerRollWindowSlot=7200
timerMaxDelaySec=7200
fileReservedTime=2
diskMaxUsedSpaceRatio=95
waitTimeMillsInSendQueue=3000
sendMessageThreadPoolNums=4
pullMessageThreadPoolNums=4
pullThreadPoolQueueCapacity=10000
C
  [ "$AUTH" = 1 ] || return 0
  local p=org.apache.rocketmq.auth
  cat >>"$RMQ_RUN/conf/broker.conf" <<C
authenticationEnabled=true
authenticationProvider=$p.authentication.provider.DefaultAuthenticationProvider
authenticationMetadataProvider=$p.authentication.provider.LocalAuthenticationMetadataProvider
initAuthenticationUser={"username":"admin","password":"admin-secret"}
innerClientAuthenticationCredentials={"accessKey":"admin","secretKey":"admin-secret"}
authorizationEnabled=true
authorizationProvider=$p.authorization.provider.DefaultAuthorizationProvider
authorizationMetadataProvider=$p.authorization.provider.LocalAuthorizationMetadataProvider
C
}

write_proxy_conf() {
  local auth='' p=org.apache.rocketmq
  # The proxy asks the broker for users and permissions, in both modes.
  [ "$AUTH" != 1 ] || auth=",
  \"authenticationEnabled\": true,
  \"authenticationProvider\": \"$p.auth.authentication.provider.DefaultAuthenticationProvider\",
  \"authenticationMetadataProvider\": \"$p.proxy.auth.ProxyAuthenticationMetadataProvider\",
  \"innerClientAuthenticationCredentials\": \"{\\\"accessKey\\\":\\\"admin\\\",\\\"secretKey\\\":\\\"admin-secret\\\"}\",
  \"authorizationEnabled\": true,
  \"authorizationProvider\": \"$p.auth.authorization.provider.DefaultAuthorizationProvider\",
  \"authorizationMetadataProvider\": \"$p.proxy.auth.ProxyAuthorizationMetadataProvider\""
  cat >"$RMQ_RUN/conf/rmq-proxy.json" <<C
{
  "rocketMQClusterName": "DefaultCluster",
  "proxyClusterName": "DefaultCluster",
  "proxyName": "proxy-a",
  "namesrvAddr": "127.0.0.1:$RMQ_NAMESRV_PORT",
  "localServeAddr": "127.0.0.1",
  "grpcServerPort": $RMQ_GRPC_PORT,
  "remotingListenPort": $RMQ_REMOTING_PORT,
  "remotingAccessAddr": "127.0.0.1",
  "brokerConfigPath": "$RMQ_RUN/conf/broker.conf",
  "grpcShutdownTimeSeconds": 2,
  "enablePrintJstack": false$auth
}
C
  printf 'accessKey: admin\nsecretKey: admin-secret\n' >"$RMQ_RUN/conf/tools.yml"
}

JAVA_OPTIONS=(-XX:+UseSerialGC -XX:ReservedCodeCacheSize=96m -XX:MaxMetaspaceSize=160m -XX:-UsePerfData
  -Djava.net.preferIPv4Stack=true -Duser.home="$RMQ_RUN" -Drocketmq.home.dir="$RMQ_RUN"
  -Dio.netty.allocator.numHeapArenas=1 -Dio.netty.allocator.numDirectArenas=1
  --add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED)

# A start that fails leaves nothing behind that it has started itself.
LAUNCHED=()
trap '[ $? -eq 0 ] || [ ${#LAUNCHED[@]} -eq 0 ] || SIGNAL=KILL "$RMQ_HERE/stop.sh" "${LAUNCHED[@]}" >&2' EXIT
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
booted() { grep -q "$2" "$RMQ_RUN/log/$1.out" 2>/dev/null; }

launch() {  # name port heap direct-memory class arguments...
  local name=$1 port=$2 heap=$3 direct=$4
  shift 4
  if rmq_up "$name"; then
    echo "rocketmq: $name already running (pid $(cat "$RMQ_RUN/pid/$name"))"
    return
  fi
  ! port_open "$port" || rmq_fail "port $port ($name) is taken; set RMQ_PORT_OFFSET or the port's variable (env.sh)"
  (
    cd "$RMQ_RUN"
    exec 8>&- 9>&-
    ROCKETMQ_HOME=$RMQ_RUN RMQ_PROXY_HOME=$RMQ_RUN NAMESRV_ADDR=127.0.0.1:$RMQ_NAMESRV_PORT LD_PRELOAD=$SHIM \
      setsid nohup java -Xms"$heap" -Xmx"$heap" -XX:MaxDirectMemorySize="$direct" "${JAVA_OPTIONS[@]}" \
      -cp "$RMQ_RUN/conf:$RMQ_LIB/*" "$@" >"$RMQ_RUN/log/$name.out" 2>&1 </dev/null &
    echo $! >"$RMQ_RUN/pid/$name"
  )
  LAUNCHED+=("$name")
}

await() {  # name test...: until the test holds, at most RMQ_WAIT_S
  local name=$1 end=$((SECONDS + RMQ_WAIT_S))
  shift
  while ! "$@"; do
    # Not rmq_up: until the process has become java, its command line is another.
    if ! kill -0 "$(cat "$RMQ_RUN/pid/$name")" 2>/dev/null; then
      tail -20 "$RMQ_RUN/log/$name.out" >&2
      rmq_fail "$name ended while starting; its output: $RMQ_RUN/log/$name.out, its logs: $RMQ_RUN/logs"
    fi
    if [ $SECONDS -ge $end ]; then
      tail -20 "$RMQ_RUN/log/$name.out" >&2
      rmq_fail "$name is not ready after $RMQ_WAIT_S s (RMQ_WAIT_S); its output: $RMQ_RUN/log/$name.out"
    fi
    sleep 0.2
  done
}

# Whether the name server lists the broker, which comes some seconds after the broker says that it started: the remoting
# request 106, GET_BROKER_CLUSTER_INFO.
registered() {
  local h='{"code":106,"flag":0,"language":"JAVA","opaque":1,"serializeTypeCurrentRPC":"JSON","version":0}' n
  n=${#h}
  (
    exec 3<>"/dev/tcp/127.0.0.1/$RMQ_NAMESRV_PORT" || exit 1
    printf "\\0\\0\\0\\x$(printf %02x $((n + 4)))\\0\\0\\0\\x$(printf %02x "$n")%s" "$h" >&3
    grep -aq "127.0.0.1:$RMQ_BROKER_PORT" < <(timeout 0.5 cat <&3)
  ) 2>/dev/null
}

# Two starts of one server at once: the second waits, then finds it running.
exec 9>"$RMQ_RUN/start.lock"
flock -w $((3 * RMQ_WAIT_S)) 9 || rmq_fail "another start of $RMQ_RUN does not end"
write_namesrv_conf
write_broker_conf
write_proxy_conf
PROXY=org.apache.rocketmq.proxy.ProxyStartup
NAMESRV=127.0.0.1:$RMQ_NAMESRV_PORT
echo "rocketmq: starting $RMQ_VERSION (MODE=$MODE AUTH=$AUTH) in $RMQ_RUN, about 15 s"
launch namesrv "$RMQ_NAMESRV_PORT" "$RMQ_NAMESRV_HEAP" 64m org.apache.rocketmq.namesrv.NamesrvStartup \
  -c "$RMQ_RUN/conf/namesrv.conf"
await namesrv port_open "$RMQ_NAMESRV_PORT"
if [ "$MODE" = local ]; then
  SERVES_GRPC=broker
  launch broker "$RMQ_GRPC_PORT" "$RMQ_BROKER_HEAP" 256m $PROXY -pm local -bc "$RMQ_RUN/conf/broker.conf" \
    -pc "$RMQ_RUN/conf/rmq-proxy.json" -n "$NAMESRV"
else
  SERVES_GRPC=proxy
  launch broker "$RMQ_BROKER_PORT" "$RMQ_BROKER_HEAP" 256m org.apache.rocketmq.broker.BrokerStartup \
    -c "$RMQ_RUN/conf/broker.conf" -n "$NAMESRV"
  await broker booted broker 'boot success'
  await broker registered  # a proxy that finds no broker gives up
  launch proxy "$RMQ_GRPC_PORT" "$RMQ_PROXY_HEAP" 128m $PROXY -pm cluster -pc "$RMQ_RUN/conf/rmq-proxy.json" \
    -n "$NAMESRV"
fi
await $SERVES_GRPC booted $SERVES_GRPC 'rocketmq-proxy startup successfully'
await broker port_open "$RMQ_BROKER_PORT"
await $SERVES_GRPC port_open "$RMQ_GRPC_PORT"
await broker registered
for name in namesrv broker proxy; do
  ! rmq_up $name || echo "rocketmq: $name pid=$(cat "$RMQ_RUN/pid/$name")" \
    "rss_mib=$(awk '/VmRSS/{print int($2 / 1024)}' "/proc/$(cat "$RMQ_RUN/pid/$name")/status")"
done
echo "rocketmq: ready after $SECONDS s: grpc=127.0.0.1:$RMQ_GRPC_PORT namesrv=$NAMESRV" \
  "remoting=127.0.0.1:$RMQ_REMOTING_PORT"
