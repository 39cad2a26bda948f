#!/usr/bin/env bash
# Installs what is missing on Debian 12: tools/setup.sh [build] [run] [rocketmq] [test] [fuzz]   (default: build)
#   build     the compiler, Bazel and the libraries      run   MQTT clients and curl, for trying things out
#   rocketmq  a JDK and Maven, for a local RocketMQ      test  everything that ./test.sh needs
#   fuzz      clang with its fuzzing runtime
# Safe to run again: when nothing is missing it asks dpkg and is done. SETUP_TIMEOUT bounds it (default 1200 s).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/lib.sh

BUILD=(git ca-certificates g++ pkg-config bazel-bootstrap bazel-rules-java bazel-rules-proto bazel-platforms
  bazel-skylib libcaf-dev libboost1.81-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libgrpc++-dev
  libabsl-dev librocksdb-dev libssl-dev libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev prometheus-cpp-dev
  libmimalloc-dev libre2-dev libxxhash-dev libgtest-dev libgmock-dev libbenchmark-dev)
RUN=(mosquitto-clients curl iproute2)
ROCKETMQ=(default-jdk-headless maven gcc libc6-dev curl iproute2 procps)
TEST=(mosquitto openssl python3 python3-venv)
# What builds and runs the real clients of the end-to-end tests: command, the oldest version that does, Debian's package.
# Another one on the PATH is as good. (rustc and cargo of Debian 12 are too old for the crates; these are its newer ones.)
TEST_TOOLS=("node 18 nodejs" "npm 8 npm" "go 1.19 golang-go" "cargo 1.85 cargo-web" "rustc 1.85 rustc-web" "chromium 100 chromium")
FUZZ=(clang-14 libclang-rt-14-dev llvm-14)

POLICY=/usr/sbin/policy-rc.d
POLICY_MARK='# made by tools/setup.sh of dunlin for the time of one installation'

version_of() { # command -> 1.19.8
  case $1 in
    go) GOTOOLCHAIN=local go version ;;
    *) "$1" --version ;;
  esac 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -1
}
tools_wanted() { # the packages of TEST_TOOLS that the machine has no other way to
  local tool
  for tool in "${TEST_TOOLS[@]}"; do
    # shellcheck disable=SC2086
    set -- $tool
    command -v "$1" >/dev/null && [ "$(printf '%s\n' "$2" "$(version_of "$1")" | sort -V | head -1)" = "$2" ] && continue
    echo "$3"
  done
}

packages_of() {
  local group
  for group in "$@"; do
    case $group in
      build) printf '%s\n' "${BUILD[@]}" ;;
      run) printf '%s\n' "${RUN[@]}" ;;
      rocketmq) printf '%s\n' "${ROCKETMQ[@]}" ;;
      test)
        printf '%s\n' "${RUN[@]}" "${ROCKETMQ[@]}" "${TEST[@]}"
        tools_wanted
        ;;
      fuzz) printf '%s\n' "${FUZZ[@]}" ;;
      *) fail "unknown group '$group' (build, run, rocketmq, test, fuzz)" ;;
    esac
  done
}

missing_of() { # packages... -> those not installed
  local have
  have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p') || true
  printf '%s\n' "$@" | sort -u | grep -vxF -f <(printf '%s\n' "$have") || true
}

# Debian starts a service when its package is installed: a mosquitto on port 1883 would stand in the node's way. A policy
# that is there already is the machine owner's and stays; ours is gone when we are.
remove_policy() {
  if [ -e $POLICY ] && grep -qxF "$POLICY_MARK" $POLICY; then $ROOT rm -f $POLICY; fi
}
forbid_services() {
  remove_policy
  [ -e $POLICY ] && return
  printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" | $ROOT tee $POLICY >/dev/null
  $ROOT chmod 755 $POLICY
}

apt_update() {
  local try
  for try in 1 2 3; do
    $ROOT apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update && return
    echo "apt-get update failed (try $try)"
    sleep $((try * 3))
  done
  return 1
}
apt_install() { # packages...
  # The JDK's scripts want this folder; small images leave it out.
  $ROOT mkdir -p /usr/share/man/man1
  $ROOT env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$@"
}

[ $# -gt 0 ] || set -- build
wanted=$(packages_of "$@")
command -v dpkg-query >/dev/null || fail "this script knows Debian 12 only; install by hand: $(echo $wanted)"
# shellcheck disable=SC2086
missing=$(missing_of $wanted)
[ -n "$missing" ] || exit 0

ROOT=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || fail "root (or sudo) is needed to install: $(echo $missing)"
  ROOT=sudo
fi
say "Installing $(wc -w <<<"$missing") packages: $(echo $missing | cut -c1-200)"
trap 'end_stage; remove_policy' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
limit=${SETUP_TIMEOUT:-1200}
stage "package lists" 300 apt_update || fail "the package lists cannot be fetched (see above)"
forbid_services
# shellcheck disable=SC2086
STAGE_TAIL=30 stage "packages" "$limit" apt_install $missing || fail "the packages cannot be installed (see above)"
if grep -qx mosquitto <<<"$missing" && [ -d /run/systemd/system ]; then
  $ROOT systemctl disable mosquitto >/dev/null 2>&1 || true # nor at the next start of the machine
fi
# shellcheck disable=SC2086
missing=$(missing_of $wanted)
[ -z "$missing" ] || fail "still missing after the installation: $(echo $missing)"
