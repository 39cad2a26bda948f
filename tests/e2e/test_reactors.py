"""More and fewer reactors are used while clients publish."""
import json

import pytest

from kit.node import wait_until
from kit.operator import Traffic, reload, rewrite

pytestmark = pytest.mark.dunlin


def metric(node, name):
    return node.api.metrics()[(name, ())]


def in_use(node):
    return json.loads(node.api.get("/api/v1/node")[1])["reactorsInUse"]


def test_clients_keep_their_connections_while_reactors_come_into_use_and_go(make_node, uid):
    # Three of them: two that have little to do are one too many, after ten seconds.
    node = make_node({"node": {"reactors": 3, "reactors_min": 1}})
    assert in_use(node) == 1
    traffic = [Traffic(node, f"{uid}{n}") for n in range(8)]
    for t in traffic:
        t.more(20)
    rewrite(node, node={**node.config["node"], "reactors_min": 3})
    assert reload(node)[0] == 200
    wait_until(lambda: in_use(node) == 3, 10, node.log_tail)
    for t in traffic:
        t.more(50)
    moved = metric(node, "dunlin_actors_moved_total")
    assert moved >= 8, f"of 16 sessions two in three should have moved: {moved}"
    assert "reactors_in_use now=3 before=1 most=3" in node.log()
    rewrite(node, node={**node.config["node"], "reactors_min": 1})
    assert reload(node)[0] == 200
    for t in traffic[1:]:
        t.stop()
    traffic[0].pause_s = 0.05
    wait_until(lambda: in_use(node) == 1, 60, node.log_tail)
    traffic[0].more(20)
    traffic[0].stop()
    assert metric(node, "dunlin_reactors_in_use") == 1
    assert metric(node, "dunlin_connections") == 16
