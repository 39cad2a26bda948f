# Shell functions shared by run.sh, test.sh and tools/*.sh. Sourced, never run.
#
#   . tools/lib.sh; stage "compile" 1800 bazel build //broker:dunlin
#
# Every stage is bounded, shows that it lives, keeps its whole output in a log, and shows the end of it when it fails.

export HOME=${HOME:-/root} LC_ALL=C.UTF-8
DUNLIN_CACHE=${DUNLIN_CACHE:-$HOME/.cache/dunlin}
STAGE_LOGS=${STAGE_LOGS:-$PWD/.run/logs}  # of this checkout alone
STAGE_PID=
SECONDS_BETWEEN_PROGRESS=${SECONDS_BETWEEN_PROGRESS:-10}

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

elapsed() { # seconds -> 1m05s
  if (($1 < 60)); then printf '%ds' "$1"; else printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); fi
}

# Bazel as every script here calls it: no colours, no cursor tricks, a line of progress now and then.
# DUNLIN_BAZEL_STARTUP holds startup options, for example --output_base=DIR.
run_bazel() { # command arguments...
  local command=$1
  shift
  # shellcheck disable=SC2086
  bazel ${DUNLIN_BAZEL_STARTUP:-} "$command" --curses=no --color=no --show_progress_rate_limit=5 "$@"
}
bazel_info() { # shellcheck disable=SC2086
  bazel ${DUNLIN_BAZEL_STARTUP:-} info "$@" 2>/dev/null
}

last_line() { # of a log, short enough for one terminal line
  tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-90
}

# Runs a command or function: name, seconds it may take, command. Its exit code is the command's; 124: too long.
stage() {
  local name=$1 limit=$2 begin=$SECONDS rc=0 shown=0 now
  shift 2
  mkdir -p "$STAGE_LOGS"
  local log="$STAGE_LOGS/${name//[^a-zA-Z0-9_.-]/_}.log"
  say "-- $name ..."
  # A process group of its own, so that a timeout or Ctrl-C ends the children too.
  set -m
  ("$@") >"$log" 2>&1 </dev/null &
  STAGE_PID=$!
  set +m
  while kill -0 "$STAGE_PID" 2>/dev/null; do
    sleep 0.2
    now=$((SECONDS - begin))
    if ((now >= limit)); then
      end_stage
      rc=124
      break
    fi
    if ((now - shown >= SECONDS_BETWEEN_PROGRESS)); then
      shown=$now
      say "   $name: $(elapsed "$now")  $(last_line "$log")"
    fi
  done
  if ((rc == 0)); then wait "$STAGE_PID" || rc=$?; else wait "$STAGE_PID" 2>/dev/null || true; fi
  STAGE_PID=
  now=$(elapsed $((SECONDS - begin)))
  if ((rc == 0)); then
    say "-- $name: done in $now"
  else
    ((rc == 124)) && say "-- $name: no end within $(elapsed "$limit")"
    say "-- $name: FAILED after $now (exit $rc); the end of $log:"
    tail -n "${STAGE_TAIL:-60}" "$log" | sed 's/^/   | /'
  fi
  return "$rc"
}

# Ends the stage that runs now, with all its children; for traps.
end_stage() {
  [ -n "$STAGE_PID" ] || return 0
  kill -TERM -- "-$STAGE_PID" 2>/dev/null
  for _ in $(seq 50); do
    kill -0 -- "-$STAGE_PID" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$STAGE_PID" 2>/dev/null || true
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; } # port

port_owner() { # port -> "java (pid 12)" where it can be told
  ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (pid \2)/p' | head -n 1
}
