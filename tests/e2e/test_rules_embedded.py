"""Rules on the embedded queue, over HTTP: mapping both ways, status, what holds when the node is killed."""
import threading
import time

import pytest

from kit import scenarios
from kit.load import Load, check_nothing_lost
from kit.node import wait_until
from kit.wire import Wire

pytestmark = pytest.mark.dunlin
CONFIG = {"rules": [
    {"id": "report", "type": "outbound", "topic": "sensors", "queue": "sensors_up"},
    {"id": "packed", "type": "outbound", "topic": "packed", "queue": "packed_up", "format": "envelope"},
    {"id": "command", "type": "inbound", "queue": "sensors_down", "topic": "commands"},
    {"id": "presence", "type": "status", "group": "GID_watched", "queue": "presence"},
    {"id": "confirmed", "type": "outbound", "topic": "confirmed", "queue": "confirmed_up", "acknowledge": "delivered"},
]}


class Embedded:
    def __init__(self, node, group="e2e"):
        self.api, self.group = node.api, group

    def send(self, topic, body, properties, tag="", keys=()):
        self.api.queue_put(topic, body, properties, tag, keys)

    def receive(self, topic, enough, seconds):
        return self.api.queue_drain(topic, self.group, enough, seconds)


def test_outbound_message(broker, uid):
    scenarios.outbound_message(broker, Embedded(broker), uid, "sensors", "sensors_up")


def test_outbound_envelope(broker, uid):
    scenarios.outbound_envelope(broker, Embedded(broker), uid, "packed", "packed_up")


def test_outbound_delivered(broker, uid):
    p = Wire.open(broker.port, f"{uid}p", 5)
    assert p.publish_acked("confirmed/a", "x", 1) == 0
    got = broker.api.queue_get("confirmed_up", "e2e", wait=0)  # at once: it was there before the PUBACK
    assert [m.body for m in got] == [b"x"]
    broker.api.queue_ack("confirmed_up", "e2e", got)


def test_inbound(broker, uid):
    scenarios.inbound(broker, Embedded(broker), uid, "commands", "sensors_down")


def test_inbound_p2p(broker, uid):
    scenarios.inbound_p2p(broker, Embedded(broker), uid, "commands", "sensors_down")


def test_status(broker, uid):
    scenarios.status(broker, Embedded(broker), uid, "GID_watched", "presence")


def test_rules_are_shown(broker, uid):
    rules = broker.api.rules()
    assert set(rules) == {"report", "packed", "command", "presence", "confirmed"}
    assert all(r["state"] == "running" for r in rules.values()), rules
    before = int(rules["report"]["sent"])
    p = Wire.open(broker.port, f"{uid}p")
    for n in range(20):
        p.publish_acked("sensors/a", "x")
    wait_until(lambda: int(broker.api.rule("report")["sent"]) == before + 20, 10, lambda: str(broker.api.rule("report")))
    rule = broker.api.rule("report")
    assert (rule["type"], rule["topic"], rule["queue"]) == ("outbound", "sensors", "sensors_up")
    assert int(rule["lag"]) == 0 and rule["lastError"] == ""
    Embedded(broker).receive("sensors_up", lambda ms: len(ms) >= 20, 10)


def test_a_rule_takes_messages_beside_subscribers(broker, uid):
    s, p = Wire.open(broker.port, f"{uid}s"), Wire.open(broker.port, f"{uid}p")
    s.subscribe("sensors/+", 1)
    p.publish_acked(f"sensors/{uid}", "both")
    assert s.take().payload == b"both"
    got = Embedded(broker).receive("sensors_up", lambda ms: any(m.body == b"both" for m in ms), 10)
    assert [m.body for m in got].count(b"both") == 1


def test_two_groups_consume_the_same_queue(broker, uid):
    p = Wire.open(broker.port, f"{uid}p")
    p.publish_acked(f"sensors/{uid}", uid)
    for group in ("one", "two"):
        got = Embedded(broker, group).receive("sensors_up", lambda ms: any(m.body == uid.encode() for m in ms), 10)
        assert [m.body for m in got].count(uid.encode()) == 1


def test_the_long_poll_waits_and_wakes(broker, uid):
    begin = time.monotonic()
    assert broker.api.queue_get("nothing_here", "e2e", wait=1) == []
    assert 0.8 <= time.monotonic() - begin <= 5
    broker.api.queue_put("wakes", "x")
    begin = time.monotonic()
    got = broker.api.queue_get("wakes", "e2e", wait=20)
    assert [m.body for m in got] == [b"x"] and time.monotonic() - begin < 5


def test_wrong_requests_are_told(broker):
    for method, path, body in [
        ("GET", "/api/v1/queues/q/messages?group=g&max=many", None), ("GET", "/api/v1/queues/q/messages", None),
        ("POST", "/api/v1/queues/q/messages", {"nothing": 1}), ("POST", "/api/v1/queues/q/ack", {"group": "g"})]:
        code, text = broker.api.call(method, path, body)
        assert code == 400 and text.strip(), (path, code, text)
    assert broker.api.get("/api/v1/none")[0] == 404


@pytest.mark.parametrize("rule, queue", [("report", "sensors_up"), ("packed", "packed_up")])
def test_kill_9_under_load_loses_nothing_acknowledged(make_node, uid, rule, queue):
    """Section 3: PUBACK means that the message is in the rule's durable spool."""
    node = make_node(CONFIG)
    topic = {"report": "sensors", "packed": "packed"}[rule]
    with Load(node.port, uid, topic, rate=1000) as load:
        wait_until(lambda: load.error or load.acked_count() > 2000, 15, lambda: f"only {load.acked_count()} acknowledged")
        assert load.error is None, f"{load.error!r} after {load.acked_count()}\n{node.log_tail()}"
        node.kill9()
        load.thread.join(10)
        load.stop()
    node.start()
    acked = load.acked()

    def bodies(ms):
        if rule == "report":
            return [m.body for m in ms]
        return [d["payload"] for m in ms for d in scenarios.read_envelope(m.body)[1]]

    got = Embedded(node).receive(
        queue, lambda ms: len(set(bodies(ms))) >= len(acked) and int(node.api.rule(rule)["lag"]) == 0, 40)
    check_nothing_lost(load, bodies(got))


def test_messages_that_were_not_acked_to_the_queue_come_again(make_node, uid):
    node = make_node(CONFIG)
    node.api.queue_put("plain", "kept")
    assert [m.body for m in node.api.queue_get("plain", "e2e")] == [b"kept"]
    node.kill9()
    node.start()
    got = node.api.queue_get("plain", "e2e", wait=10)
    assert [m.body for m in got] == [b"kept"]
    node.api.queue_ack("plain", "e2e", got)


@pytest.mark.timeout(150)
def test_inbound_comes_again_when_the_node_dies_in_between(make_node, uid):
    """The queue is told of a message only when the sessions hold it: what the kill cut off is still in the queue."""
    node = make_node(CONFIG)
    s = Wire.open(node.port, f"{uid}s", 4)
    s.subscribe("commands/#", 1)
    stored = []

    def backend():  # puts messages until the node is gone; `stored` are those that the queue has confirmed
        try:
            while True:
                bodies = [str(len(stored) + n) for n in range(100)]
                node.api.queue_put_many("sensors_down", bodies, {"mqttSecondTopic": "/x"})
                stored.extend(bodies)
        except OSError:
            pass

    putting = threading.Thread(target=backend)
    putting.start()
    before = {s.take(20).payload for _ in range(2000)}
    node.kill9()
    putting.join(40)
    before |= {m.payload for m in s.rest()}
    node.config["rules"] = []  # the sessions are gone with the node, so the test looks at the queue itself
    node.start()
    every = {b.encode() for b in stored}
    after = {m.body for m in Embedded(node, "DUNLIN_command").receive(
        "sensors_down", lambda ms: before | {m.body for m in ms} >= every, 60)}
    after |= {m.body for m in node.api.queue_get("sensors_down", "DUNLIN_command", wait=0)}
    assert before | after >= every
    assert len(every) > 1000
