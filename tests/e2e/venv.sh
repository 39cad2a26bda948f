#!/usr/bin/env bash
# Makes the Python environment of the end-to-end tests and prints its interpreter: tests/e2e/venv.sh
# One environment for each state of requirements.txt, in ~/.cache/dunlin/venv; made whole or not at all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
python=/usr/bin/python3
[ -x $python ] || python=python3
key=$( (cat requirements.txt; $python --version) | sha256sum | cut -c1-16)
venv=${DUNLIN_CACHE:-$HOME/.cache/dunlin}/venv/$key
if [ ! -e "$venv/.complete" ]; then
  mkdir -p "$(dirname "$venv")"
  exec 9>"$venv.lock"
  flock 9
  if [ ! -e "$venv/.complete" ]; then
    rm -rf "$venv"
    $python -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 5 -r requirements.txt >&2
    touch "$venv/.complete"
  fi
fi
echo "$venv/bin/python"
