#!/usr/bin/env bash
# Runs a program of the official RocketMQ Java clients; jars are fetched and the programs compiled once.
#   run.sh --fetch                                                     only that
#   run.sh GrpcConsume --endpoint H:P --topic T --group G [--count N] [--seconds S]
#   run.sh RemotingConsume --namesrv H:P --topic T --group G [--count N] [--seconds S]
#   run.sh GrpcSend --endpoint H:P --topic T [--tag X] [--key K]... [--property k=v]... [--message-group M] [BODY...]
#   run.sh RemotingSend --namesrv H:P --topic T ...                    likewise
# All take --access-key and --secret-key. A consumer prints one JSON line a message: {"body" (base64), "tag", "keys",
# "properties", "message_id", "message_group", "attempt", "born_ms"}, and "ready" on standard error once it consumes; its exit
# code is 1 when fewer than --count came within --seconds (default 20). Without BODY a sender reads JSON lines: {"body" or
# "body_base64", "tag", "keys", "properties", "message_group"}; it prints {"sent": id} for each.
# --endpoint and --namesrv default to those of tools/rocketmq/env.sh (RMQ_PORT_OFFSET, RMQ_GRPC_PORT, ...).
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../../../tools/rocketmq/env.sh"
[ $# -gt 0 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
LIB=$RMQ_CACHE/clients-$(cksum <"$HERE/pom.xml" | cut -d' ' -f1)
CLASSES=$LIB-classes-$(cat "$HERE"/*.java | cksum | cut -d' ' -f1)
rmq_fetch "$HERE/pom.xml" "$LIB"
if [ ! -e "$CLASSES/.complete" ]; then
  rm -rf "$CLASSES.$$" && mkdir -p "$CLASSES.$$"
  javac -nowarn -Xlint:none -proc:none -d "$CLASSES.$$" -cp "$LIB/*" "$HERE"/*.java >&2 || rmq_fail "$HERE does not compile"
  touch "$CLASSES.$$/.complete"
  # Another run may have been faster.
  mv -T "$CLASSES.$$" "$CLASSES" 2>/dev/null || rm -rf "$CLASSES.$$"
fi
[ "$1" != --fetch ] || exit 0
CLASS=$1
shift
[ -e "$HERE/$CLASS.java" ] || rmq_fail "no program $CLASS in $HERE"
case $CLASS in
  Grpc*) DEFAULT=(--endpoint "127.0.0.1:$RMQ_GRPC_PORT") ;;
  *) DEFAULT=(--namesrv "127.0.0.1:$RMQ_NAMESRV_PORT") ;;
esac
# Later options win. The clients write their logs below user.home.
exec java -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Djava.net.preferIPv4Stack=true \
  -Duser.home="$RMQ_CACHE/clients-home" -cp "$CLASSES:$LIB/*" "$CLASS" "${DEFAULT[@]}" "$@"
