# Starting and stopping the brokers that the scripts here measure. Sourced, never run.
#
#   . tests/bench/brokers.sh; start_broker mosquitto 21883 0 /tmp/x && echo "$BROKER_PID"; stop_broker
#
# Every broker listens on 127.0.0.1 only, keeps nothing on disk, has no limits that a saturating load would meet, and runs
# on the cores that are named. Programs: DUNLIN_BIN, LIMIT_BIN (both are built when not given), MOSQUITTO, FLASHMQ_BIN.

BENCH_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BROKER_PID=''
DUNLIN_SETTINGS=() # more --set KEY=VALUE for Dunlin; the later one counts
MOSQUITTO=${MOSQUITTO:-$(PATH=$PATH:/usr/sbin command -v mosquitto)}

built() { # LABEL -> the path of its program, built now
  (
    cd "$BENCH_ROOT" || exit 1
    # shellcheck disable=SC2086
    bazel ${DUNLIN_BAZEL_STARTUP:-} build --curses=no --color=no --noshow_progress "$1" >&2 &&
      echo "$(bazel ${DUNLIN_BAZEL_STARTUP:-} info bazel-bin 2>/dev/null)/$(echo "${1#//}" | tr : /)"
  )
}
port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
wait_port() { # PORT PID: until it listens, at most START_MAX_S (10), or the process is gone
  local i
  for i in $(seq $((20 * ${START_MAX_S:-10}))); do
    port_is_open "$1" && return 0
    kill -0 "$2" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}
stop_process() { # PID
  [ -n "$1" ] || return 0
  kill -CONT "$1" 2>/dev/null
  kill "$1" 2>/dev/null
  local i
  for i in $(seq $((10 * ${STOP_MAX_S:-5}))); do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$1" 2>/dev/null
  wait "$1" 2>/dev/null
  return 0
}

mosquitto_conf() { # PORT
  cat <<EOF
listener $1 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
set_tcp_nodelay true
sys_interval 0
log_dest stderr
log_type error
connection_messages false
$([ "$(id -u)" = 0 ] && echo user root)
EOF
}
flashmq_conf() { # PORT DIR
  cat <<EOF
thread_count 1
allow_anonymous true
rlimit_nofile $(ulimit -Hn)
log_file $2/flashmq.log
log_level warning
max_qos_msg_pending_per_client 65535
max_qos_bytes_pending_per_client 1073741824
client_max_write_buffer_size 67108864
listen {
  protocol mqtt
  inet_protocol ip4
  inet4_bind_address 127.0.0.1
  port $1
  tcp_nodelay true
}
EOF
}
make_certificate() { # DIR: cert.pem and key.pem for localhost and 127.0.0.1, which vouch for themselves
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/key.pem" -out "$1/cert.pem" -days 2 \
    -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" 2>"$1/openssl.log" || { cat "$1/openssl.log" >&2; return 1; }
}
add_listener() { # INDEX TRANSPORT ADDRESS [DIR of its certificate]: to DUNLIN_SETTINGS
  DUNLIN_SETTINGS+=(--set "listeners.$1.name=$2" --set "listeners.$1.transport=$2" --set "listeners.$1.address=$3")
  [ $# -lt 4 ] || DUNLIN_SETTINGS+=(--set "listeners.$1.tls.certificate=$4/cert.pem" --set "listeners.$1.tls.key=$4/key.pem")
}
dunlin_command() { # PORT DIR REACTORS: one word a line
  printf '%s\n' "$DUNLIN_BIN" serve --set "node.reactors=$3" --set "node.data_dir=$2/data" \
    --set listeners.0.name=tcp --set listeners.0.transport=tcp --set "listeners.0.address=127.0.0.1:$1" \
    --set http.enabled=false --set log.level=warn "${DUNLIN_SETTINGS[@]}"
}

broker_title() { # NAME
  case $1 in
    dunlin) echo "Dunlin" ;;
    dunlin_free) echo "Dunlin, 1 reactor, both cores" ;;
    dunlin_again) echo "Dunlin, 1 reactor, both cores, again" ;;
    dunlin2) echo "Dunlin, 2 reactors" ;;
    dunlin2_all) echo "Dunlin, 2 reactors always in use" ;;
    limit) echo "limit" ;;
    mosquitto) echo "Mosquitto $("$MOSQUITTO" -h 2>/dev/null | sed -n 's/^mosquitto version //p')" ;;
    flashmq) echo "FlashMQ $("$FLASHMQ_BIN" --version | sed -n 's/^FlashMQ Version \([0-9.]*\).*/\1/p')" ;;
  esac
}
start_broker() { # NAME PORT CORES DIR: sets BROKER_PID
  local name=$1 port=$2 cores=$3 dir=$4 command=()
  mkdir -p "$dir"
  port_is_open "$port" && { echo "port $port is taken" >&2; return 1; }
  case $name in
    dunlin*)
      rm -rf "$dir/data"
      local reactors=1
      case $name in dunlin2*) reactors=2 ;; esac
      mapfile -t command < <(dunlin_command "$port" "$dir" "$reactors")
      case $name in *_all) command+=(--set "node.reactors_min=$reactors") ;; esac
      ;;
    limit) command=("$LIMIT_BIN" "$port") ;;
    mosquitto) mosquitto_conf "$port" >"$dir/mosquitto.conf"; command=("$MOSQUITTO" -c "$dir/mosquitto.conf") ;;
    flashmq) flashmq_conf "$port" "$dir" >"$dir/flashmq.conf"; command=("$FLASHMQ_BIN" --config-file "$dir/flashmq.conf") ;;
    *) echo "unknown broker $name" >&2; return 1 ;;
  esac
  taskset -c "$cores" "${command[@]}" >"$dir/$name.log" 2>&1 </dev/null &
  BROKER_PID=$!
  wait_port "$port" "$BROKER_PID" && return 0
  echo "$name did not start:" >&2
  tail -n 20 "$dir/$name.log" >&2
  stop_broker
  return 1
}
stop_broker() { stop_process "$BROKER_PID"; BROKER_PID=''; }
