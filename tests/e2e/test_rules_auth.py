"""Rules on a RocketMQ that asks for credentials (ACL 2.0)."""
import time

import pytest

from kit.node import wait_until
from kit.rocketmq import OFFSET, RocketMQ
from kit.wire import Wire

pytestmark = [pytest.mark.dunlin, pytest.mark.rocketmq, pytest.mark.timeout(240)]
RUN = f"{int(time.time()) % 1_000_000:x}"


@pytest.fixture(scope="module")
def guarded(java_tools):
    server = RocketMQ(offset=OFFSET - 2000, mode="local", auth=True)
    server.stop()
    try:
        yield server.start()
    finally:
        server.stop()


def test_a_refused_credential_is_told_and_made_good(guarded, make_node, uid):
    queue = f"e2e_auth_{RUN}"
    guarded.topics(queue, groups=["DUNLIN_back"])
    config = {"rocketmq": {"endpoint": guarded.endpoint, "access_key": "admin", "secret_key": "wrong"},
              "rules": [{"id": "report", "type": "outbound", "topic": "sensors", "queue": queue}]}
    node = make_node(config)
    p = Wire.open(node.port, f"{uid}p", 5)
    for n in range(5):
        p.publish_acked("sensors/x", f"{uid}:{n}")  # stored: the device does not feel it
    rule = wait_until(lambda: (r := node.api.rule("report"))["state"] == "misconfigured" and r, 30,
                      lambda: f"misconfigured; seen {node.api.rule('report')}")
    assert rule["lag"] == 5 and rule["sent"] == 0 and rule["lastError"], rule
    told = [line for line in node.log().splitlines() if "report" in line and line.split()[1] in ("warn", "error")]
    assert 1 <= len(told) <= 3, node.log_tail()  # one clear line, not one for every try
    assert "access_key" in told[0] or "credential" in told[0], told[0]
    node.stop()
    # The operator mends the configuration: what was stored arrives, and comes back through an inbound rule.
    node.config["rocketmq"]["secret_key"] = "admin-secret"
    node.config["rules"].append({"id": "back", "type": "inbound", "queue": queue, "topic": "back"})
    s = None
    node.start()
    try:
        s = Wire.open(node.port, f"{uid}s", 5)
        s.subscribe("back/#", 1)
        got = {s.take(60).payload for _ in range(5)}
        assert got == {f"{uid}:{n}".encode() for n in range(5)}
        wait_until(lambda: node.api.rule("report")["state"] == "running" and node.api.rule("report")["lag"] == 0, 20,
                   lambda: f"running again; seen {node.api.rule('report')}")
    finally:
        if s:
            s.close()
