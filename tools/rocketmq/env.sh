# Sourced by the scripts beside it: a small real RocketMQ 5 on 127.0.0.1, for development and tests.
#
# Everything has a default; to run a second server beside the first, set RMQ_PORT_OFFSET for all scripts alike.
#   RMQ_VERSION       5.4.0 (5.3.3 works too)
#   RMQ_CACHE         jars and compiled helpers; default ${XDG_CACHE_HOME:-~/.cache}/dunlin/rocketmq
#   RMQ_PORT_OFFSET   0; added to each of the default ports below
#   RMQ_NAMESRV_PORT  9876
#   RMQ_BROKER_PORT   10911 (and this - 2: VIP channel, this + 1: HA)
#   RMQ_GRPC_PORT     8081, the proxy's gRPC port: what `rocketmq: endpoint` names
#   RMQ_REMOTING_PORT 8080, the proxy's remoting port
#   RMQ_RUN           configuration, store, logs, pid files; default $RMQ_CACHE/run-$RMQ_GRPC_PORT
#   RMQ_NAMESRV_HEAP  128m     RMQ_BROKER_HEAP  512m     RMQ_PROXY_HEAP  256m (MODE=cluster only)
#   RMQ_WAIT_S        120: longest wait for one process to be ready, seconds
#   RMQ_FETCH_S       900: longest wait for the jars, seconds
#   MODE              local: broker and proxy in one JVM; cluster: in two, so that one can be killed alone
#   AUTH              1: ACL 2.0 on, super user admin / admin-secret (takes effect on an empty store only)
RMQ_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RMQ_VERSION=${RMQ_VERSION:-5.4.0}
RMQ_CACHE=${RMQ_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dunlin/rocketmq}
RMQ_PORT_OFFSET=${RMQ_PORT_OFFSET:-0}
RMQ_NAMESRV_PORT=${RMQ_NAMESRV_PORT:-$((9876 + RMQ_PORT_OFFSET))}
RMQ_BROKER_PORT=${RMQ_BROKER_PORT:-$((10911 + RMQ_PORT_OFFSET))}
RMQ_GRPC_PORT=${RMQ_GRPC_PORT:-$((8081 + RMQ_PORT_OFFSET))}
RMQ_REMOTING_PORT=${RMQ_REMOTING_PORT:-$((8080 + RMQ_PORT_OFFSET))}
RMQ_RUN=${RMQ_RUN:-$RMQ_CACHE/run-$RMQ_GRPC_PORT}
RMQ_NAMESRV_HEAP=${RMQ_NAMESRV_HEAP:-128m}
RMQ_BROKER_HEAP=${RMQ_BROKER_HEAP:-512m}
RMQ_PROXY_HEAP=${RMQ_PROXY_HEAP:-256m}
RMQ_WAIT_S=${RMQ_WAIT_S:-120}
RMQ_FETCH_S=${RMQ_FETCH_S:-900}
MODE=${MODE:-local}
AUTH=${AUTH:-0}
RMQ_LIB=$RMQ_CACHE/lib-$RMQ_VERSION

rmq_fail() {
  echo "rocketmq: $*" >&2
  exit 1
}

# Whether the process that start.sh recorded under a name runs; its pid may belong to something else by now.
rmq_up() {
  local pid
  pid=$(cat "$RMQ_RUN/pid/$1" 2>/dev/null) && [ -n "$pid" ] &&
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q -- "-Drocketmq.home.dir=$RMQ_RUN "
}

# Copies the runtime jars that a pom names into a directory, once: rmq_fetch POM DIRECTORY [maven options]
rmq_fetch() {
  local pom=$1 to=$2
  shift 2
  [ -e "$to/.complete" ] && return 0
  command -v mvn >/dev/null || rmq_fail "mvn is missing: apt-get install maven"
  mkdir -p "$(dirname "$to")"
  # Two starts at once must not write one directory.
  exec 8>"$to.lock"
  flock -w "$RMQ_FETCH_S" 8 || rmq_fail "another fetch holds $to.lock"
  if [ ! -e "$to/.complete" ]; then
    echo "rocketmq: fetching jars into $to (once, about 100 MB)" >&2
    rm -rf "$to.tmp" && mkdir -p "$to.tmp"
    if ! timeout "$RMQ_FETCH_S" mvn -B -f "$pom" "$@" -DincludeScope=runtime \
      -DoutputDirectory="$to.tmp" dependency:copy-dependencies 2>&1 | tee "$to.log" |
      awk '/Downloaded/ && /\.jar/ { if (++n % 20 == 0) { print "rocketmq: " n " jars" > "/dev/stderr"; fflush() } }
           END { if (n) print "rocketmq: " n " jars fetched" > "/dev/stderr" }'; then
      tail -20 "$to.log" >&2
      rmq_fail "the jars could not be fetched within $RMQ_FETCH_S s; all of maven's output: $to.log"
    fi
    touch "$to.tmp/.complete"
    rm -rf "$to" && mv "$to.tmp" "$to"
  fi
  exec 8>&-
}

# Compiles one Java file once into a directory: rmq_javac FILE CLASSPATH DIRECTORY
rmq_javac() {
  local class
  class=$3/$(basename "$1" .java).class
  [ "$class" -nt "$1" ] && return 0
  command -v javac >/dev/null || rmq_fail "javac is missing: apt-get install openjdk-17-jdk-headless"
  mkdir -p "$3"
  javac -nowarn -Xlint:none -proc:none -d "$3" -cp "$2" "$1" || rmq_fail "$1 does not compile"
}

rmq_java_small() {  # java with the flags of a short-lived command
  java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xshare:auto \
    -Djava.net.preferIPv4Stack=true -Duser.home="$RMQ_RUN" -Drocketmq.home.dir="$RMQ_RUN" "$@"
}
