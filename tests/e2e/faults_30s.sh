#!/usr/bin/env bash
# The fault tests of the rules with outages of 30 s instead of the 10 s of ./test.sh: RocketMQ's broker and proxy killed under
# 1,000 QoS 1 messages a second, the node killed under the same load. Arguments go to pytest. Results: docs/long-tests.md.
cd "$(dirname "$0")" || exit 1
exec env E2E_STRICT=1 E2E_FAULT_SECONDS="${E2E_FAULT_SECONDS:-30}" "$(./venv.sh | tail -1)" -m pytest test_rules_rocketmq.py \
  -q -p no:cacheprovider --durations=0 -k "killed" "$@"
