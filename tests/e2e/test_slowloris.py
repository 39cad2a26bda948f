"""Slow and deaf connections cost nobody else anything: the short form of slowloris.py (docs/long-tests.md has the long one)."""
import pytest

import slowloris
from kit.slow import SLOW
from kit.wire import Wire

pytestmark = [pytest.mark.dunlin, pytest.mark.timeout(120)]


def test_trickling_and_deaf_connections(make_node, uid):
    node = make_node({"limits": {"connect_timeout_ms": 2000}})
    seen = slowloris.run(node.port, trickle=1000, deaf=500, seconds=5, pid=node.process.pid, busy_rate=5)
    print(seen)
    # A shared machine: generous to its noise. The long form holds twice.
    assert seen["p99_with_ms"] <= max(5 * seen["p99_before_ms"], 200 * SLOW), seen
    assert seen["p50_with_ms"] <= max(3 * seen["p50_before_ms"], 100 * SLOW), seen
    assert "'closed by the server': 0," not in seen["attack"], "half a CONNECT is never cut off"
    # What waits for a deaf one is one message for all of them and at most an output buffer for each.
    if SLOW == 1:  # a sanitizer's memory is its own
        assert seen["rss_with_mb"] - seen["rss_before_mb"] <= 20 + 500 * 0.25, seen
    Wire.open(node.port, uid, 5).ping()
