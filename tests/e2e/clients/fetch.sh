#!/usr/bin/env bash
# Fetches and builds the real clients of the end-to-end tests, once for each state of their folders:
#   fetch.sh [CLIENT...]       all of them, or these (mqttjs autopaho hivemq rumqttc)
#   fetch.sh --path CLIENT     prints where it is (and builds it when it is not there)
# They live in ~/.cache/dunlin/clients/CLIENT-KEY; made whole or not at all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
CACHE=${DUNLIN_CACHE:-$HOME/.cache/dunlin}/clients
ALL=(mqttjs autopaho hivemq rumqttc)

fail() {
  echo "fetch.sh: $*" >&2
  exit 1
}
need() { # command package
  command -v "$1" >/dev/null || fail "$1 is missing: tools/setup.sh test (Debian's package $2)"
}

build_mqttjs() { # folder to build in
  need npm npm
  cp mqttjs/package.json mqttjs/package-lock.json "$1"
  (cd "$1" && npm ci --ignore-scripts --omit=dev --no-audit --no-fund --fetch-retries=5)
}
build_autopaho() {
  need go golang-go
  (cd autopaho && GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go build -trimpath -o "$1/driver" .)
}
build_hivemq() {
  need mvn maven
  need javac default-jdk-headless
  mvn -B -q -f hivemq/pom.xml -DincludeScope=runtime -DoutputDirectory="$1/lib" dependency:copy-dependencies
  javac -nowarn -Xlint:none -proc:none -d "$1" -cp "$1/lib/*" hivemq/Driver.java
}
build_rumqttc() {
  need cargo cargo-web
  CARGO_TARGET_DIR="$1/target" CARGO_NET_RETRY=5 cargo build --quiet --locked --manifest-path rumqttc/Cargo.toml
  mv "$1/target/debug/rumqttc-driver" "$1/driver"
  rm -rf "$1/target"
}

path_of() {
  local key
  key=$(find "$1" -type f | sort | xargs cat | cat - fetch.sh | cksum | cut -d' ' -f1)
  echo "$CACHE/$1-$key"
}
make_once() { # client
  local to
  to=$(path_of "$1")
  [ -e "$to/.complete" ] && return
  mkdir -p "$CACHE"
  # Two starts at once must not write one folder.
  exec 9>"$CACHE/$1.lock"
  flock -w 900 9 || fail "another build holds $CACHE/$1.lock"
  if [ ! -e "$to/.complete" ]; then
    echo "building the client $1 (once)" >&2
    rm -rf "$to" "$to.tmp" && mkdir -p "$to.tmp"
    "build_$1" "$to.tmp" >&2
    touch "$to.tmp/.complete"
    mv "$to.tmp" "$to"
  fi
  exec 9>&-
}

if [ "${1:-}" = --path ]; then
  make_once "$2"
  path_of "$2"
  exit 0
fi
[ $# -gt 0 ] || set -- "${ALL[@]}"
for client in "$@"; do
  make_once "$client"
done
