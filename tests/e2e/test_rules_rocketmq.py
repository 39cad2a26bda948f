"""Rules on a real RocketMQ, with its official Java clients (gRPC and remoting) as the backend."""
import threading
import time

import pytest

from kit import scenarios
from kit.load import Load, Pair, check_device_order, check_nothing_lost
from kit.node import Dunlin, wait_until
from kit.rocketmq import Backend
from kit.wire import Wire

pytestmark = [pytest.mark.dunlin, pytest.mark.timeout(240)]
# Topics of this run alone: a server that is kept between runs still has the messages of the last one.
RUN = f"{int(time.time()) % 1_000_000:x}"
CLIENTS = pytest.mark.parametrize("client", ["Grpc", "Remoting"])
# Each client has topics of its own, so that what one sends is not taken by the other's test.
RULES = [rule for c in ("Grpc", "Remoting") for rule in (
    {"id": f"report{c}", "type": "outbound", "topic": f"sensors{c}", "queue": f"e2e_up_{c}_{RUN}"},
    {"id": f"packed{c}", "type": "outbound", "topic": f"packed{c}", "queue": f"e2e_packed_{c}_{RUN}", "format": "envelope"},
    {"id": f"command{c}", "type": "inbound", "queue": f"e2e_down_{c}_{RUN}", "topic": f"commands{c}"},
    {"id": f"presence{c}", "type": "status", "group": f"GID_{c}", "queue": f"e2e_presence_{c}_{RUN}"},
)] + [{"id": "ordered", "type": "outbound", "topic": "ordered", "queue": f"e2e_ordered_{RUN}", "order": "device"}]


def config(rocketmq, rules):
    return {"rocketmq": {"endpoint": rocketmq.endpoint}, "rules": rules}


@pytest.fixture(scope="module")
def node(rocketmq, dunlin_bin, tmp_path_factory):
    topics = [r["queue"] + (":FIFO" if r.get("order") else "") for r in RULES]
    groups = [f"E2E_{c}_{r['queue']}" + (":ordered" if r.get("order") else "") for r in RULES for c in ("Grpc", "Remoting")]
    groups += [f"DUNLIN_{r['id']}" for r in RULES if r["type"] == "inbound"]
    rocketmq.topics(*topics, groups=groups)
    node = Dunlin(dunlin_bin, tmp_path_factory.mktemp("rocketmq"), config(rocketmq, RULES)).start()
    yield node
    node.stop()


@pytest.fixture
def bulk(rocketmq, uid):
    """For tens of thousands of messages: the remoting client pulls them in batches."""
    b = Backend(rocketmq, uid, "Remoting")
    yield b
    b.close()


@pytest.fixture
def backend(rocketmq, uid, request):
    b = Backend(rocketmq, uid, request.getfixturevalue("client") if "client" in request.fixturenames else "Grpc")
    yield b
    b.close()


@CLIENTS
def test_outbound_message(node, backend, uid, client):
    scenarios.outbound_message(node, backend, uid, f"sensors{client}", f"e2e_up_{client}_{RUN}")


@CLIENTS
def test_outbound_envelope(node, backend, uid, client):
    scenarios.outbound_envelope(node, backend, uid, f"packed{client}", f"e2e_packed_{client}_{RUN}")


@CLIENTS
def test_inbound(node, backend, uid, client):
    scenarios.inbound(node, backend, uid, f"commands{client}", f"e2e_down_{client}_{RUN}")


@CLIENTS
def test_inbound_p2p(node, backend, uid, client):
    scenarios.inbound_p2p(node, backend, uid, f"commands{client}", f"e2e_down_{client}_{RUN}")


@CLIENTS
def test_status(node, backend, uid, client):
    scenarios.status(node, backend, uid, f"GID_{client}", f"e2e_presence_{client}_{RUN}")


def test_order_of_each_device(node, backend, uid):
    """order: device: a FIFO topic, the device as its message group; each device's messages keep their order."""
    with Load(node.port, uid, "ordered", rate=300, devices=5) as load:
        wait_until(lambda: load.acked_count() >= 600, 30, lambda: f"only {load.acked_count()} acknowledged")
        load.stop(settle=10)
    got = backend.receive(f"e2e_ordered_{RUN}", lambda ms: {m.body for m in ms} >= {f"{d}:{n}".encode() for d, n in load.acked()}, 60)
    bodies = [m.body for m in got]
    check_nothing_lost(load, bodies)
    check_device_order(bodies)
    assert {m.group for m in got} == {d.name for d in load.devices}


def test_a_missing_topic_is_told_and_made_good(rocketmq, make_node, bulk, uid):
    late = f"e2e_late_{RUN}"
    rules = [{"id": "late", "type": "outbound", "topic": "late", "queue": late},
             {"id": "fine", "type": "outbound", "topic": "fine", "queue": f"e2e_fine_{RUN}"}]
    rocketmq.topics(f"e2e_fine_{RUN}", groups=[f"E2E_Remoting_e2e_fine_{RUN}", f"E2E_Remoting_{late}"])
    node = make_node(config(rocketmq, rules))
    p = Wire.open(node.port, f"{uid}p")
    for n in range(5):
        p.publish_acked("late/x", str(n))
    rule = wait_until(lambda: (r := node.api.rule("late"))["state"] == "misconfigured" and r, 30,
                      lambda: f"misconfigured; seen {node.api.rule('late')}")
    assert late in rule["lastError"] and rule["lag"] == 5, rule
    told = [line for line in node.log().splitlines() if late in line and line.split()[1] in ("warn", "error")]
    assert 1 <= len(told) <= 3, node.log_tail()  # one clear line, not one for every try
    p.publish_acked("fine/x", uid)  # the others flow
    bulk.receive(f"e2e_fine_{RUN}", lambda ms: uid.encode() in [m.body for m in ms], 30)
    rocketmq.topics(late)
    got = bulk.receive(late, lambda ms: len(ms) >= 5, 60)
    assert sorted(m.body for m in got) == [b"0", b"1", b"2", b"3", b"4"]
    wait_until(lambda: node.api.rule("late")["state"] == "running" and node.api.rule("late")["lag"] == 0, 20,
               lambda: f"running again; seen {node.api.rule('late')}")


def test_what_rocketmq_never_takes_is_a_dead_letter(node, backend, uid):
    before = node.api.rule("reportGrpc")["deadLetters"]
    p = Wire.open(node.port, f"{uid}p", 5)
    p.publish_acked("sensorsGrpc/bad", "x", props={"content_type": "a\tb"})  # a control character in a property
    p.publish_acked("sensorsGrpc/empty", "")                               # no empty bodies
    p.publish_acked("sensorsGrpc/good", uid)
    backend.receive(f"e2e_up_Grpc_{RUN}", lambda ms: uid.encode() in [m.body for m in ms], 30)
    rule = wait_until(lambda: (r := node.api.rule("reportGrpc"))["deadLetters"] == before + 2 and r, 10,
                      lambda: f"{before} + 2 dead letters; seen {node.api.rule('reportGrpc')}")
    assert rule["lastError"] and rule["lag"] == 0 and rule["state"] == "running", rule
    letters = node.api.dead_letters("reportGrpc")[-2:]  # what it was, and why
    assert [(m["topic"], m["clientId"], m["body"]) for m in letters] == [
        ("sensorsGrpc/bad", f"{uid}p", "x"), ("sensorsGrpc/empty", f"{uid}p", "")], letters
    assert all(m["reason"] for m in letters) and "empty" in letters[1]["reason"], letters


@pytest.mark.parametrize("process", ["broker", "proxy"])
def test_rocketmq_killed_under_load_loses_nothing(rocketmq, make_node, bulk, uid, fault_seconds, process):
    queue = f"e2e_kill_{process}_{RUN}"
    rocketmq.topics(queue, groups=[f"E2E_Remoting_{queue}"])
    node = make_node(config(rocketmq, [{"id": "report", "type": "outbound", "topic": "sensors", "queue": queue}]))
    pair = Pair(node.port, uid)
    try:
        with Load(node.port, uid, "sensors", rate=1000) as load:
            wait_until(lambda: node.api.rule("report")["sent"] > 1000, 30, lambda: str(node.api.rule("report")))
            before, before_95 = pair.measure()
            rocketmq.kill(process)
            end = time.monotonic() + fault_seconds
            rule = wait_until(lambda: (r := node.api.rule("report"))["state"] == "retrying" and r["lag"] > 1000 and r,
                              fault_seconds, lambda: f"retrying, with a lag; seen {node.api.rule('report')}")
            assert rule["lastError"] and rule["spoolBytes"] > 0 and rule["oldestMs"] > 0, rule
            acked = load.acked_count()
            during, during_95 = pair.measure()
            time.sleep(max(0, end - time.monotonic()))
            assert load.acked_count() - acked > 300, "devices get no acknowledgements while RocketMQ is away"
            rocketmq.start()
            wait_until(lambda: node.api.rule("report")["lag"] < 500, 60, lambda: f"flows; seen {node.api.rule('report')}")
            load.stop(settle=10)
    finally:
        rocketmq.start()
    assert load.error is None, load.error
    acked = {f"{d}:{n}".encode() for d, n in load.acked()}
    got = bulk.receive(queue, lambda ms: {m.body for m in ms} >= acked, 90)
    check_nothing_lost(load, [m.body for m in got])
    assert during < before * 3 + 5 and during_95 < before_95 * 3 + 30, (before, during, before_95, during_95)
    wait_until(lambda: node.api.rule("report")["state"] == "running", 20, lambda: str(node.api.rule("report")))


def test_device_order_survives_a_killed_proxy(rocketmq, make_node, backend, uid):
    queue = f"e2e_order_kill_{RUN}"
    rocketmq.topics(f"{queue}:FIFO", groups=[f"E2E_Grpc_{queue}:ordered"])
    node = make_node(config(rocketmq, [
        {"id": "report", "type": "outbound", "topic": "sensors", "queue": queue, "order": "device"}]))
    try:
        with Load(node.port, uid, "sensors", rate=200, devices=4) as load:
            wait_until(lambda: node.api.rule("report")["sent"] > 200, 30, lambda: str(node.api.rule("report")))
            rocketmq.kill("proxy")
            time.sleep(3)
            rocketmq.start()
            load.stop(settle=10)
    finally:
        rocketmq.start()
    acked = {f"{d}:{n}".encode() for d, n in load.acked()}
    got = backend.receive(queue, lambda ms: {m.body for m in ms} >= acked, 120)
    bodies = [m.body for m in got]
    check_nothing_lost(load, bodies)
    check_device_order(bodies)


def test_node_killed_under_load_loses_nothing(rocketmq, make_node, bulk, uid):
    queue = f"e2e_node_kill_{RUN}"
    rocketmq.topics(queue, groups=[f"E2E_Remoting_{queue}"])
    node = make_node(config(rocketmq, [{"id": "report", "type": "outbound", "topic": "sensors", "queue": queue}]))
    with Load(node.port, uid, "sensors", rate=1000) as load:
        wait_until(lambda: load.acked_count() > 3000, 20, lambda: f"only {load.acked_count()} acknowledged")
        node.kill9()
        load.thread.join(10)
        load.stop()
    node.start()
    acked = {f"{d}:{n}".encode() for d, n in load.acked()}
    got = bulk.receive(queue, lambda ms: {m.body for m in ms} >= acked, 60)
    check_nothing_lost(load, [m.body for m in got])


def test_inbound_comes_again_when_the_node_dies_in_between(rocketmq, make_node, backend, uid):
    """RocketMQ is told of a message only when the sessions hold it: what the kill cut off is still in the topic."""
    queue, count = f"e2e_down_kill_{RUN}", 1000
    rocketmq.topics(queue, groups=["DUNLIN_command"])
    node = make_node(config(rocketmq, [{"id": "command", "type": "inbound", "queue": queue, "topic": "commands"}]))
    s = Wire.open(node.port, f"{uid}s", 4)
    s.subscribe("commands/#", 1)
    bodies = [f"{uid}:{n}".encode() for n in range(count)]
    sending = threading.Thread(target=rocketmq.send, args=(
        queue, [{"body": b.decode(), "properties": {"mqttSecondTopic": "/x"}} for b in bodies]))
    sending.start()
    before = {s.take(60).payload}
    while len(before) < 50:
        before.add(s.take(20).payload)
    node.kill9()
    before |= {m.payload for m in s.rest()}
    sending.join(60)
    # The sessions are gone with the node, so an official client takes over in the rule's consumer group.
    with rocketmq.consume(queue, "DUNLIN_command") as consumer:
        after = consumer.wait(lambda ms: before | {m.body for m in ms} >= set(bodies), 120)
    assert before | {m.body for m in after} == set(bodies)
    assert after, "all had been delivered before the kill: the test has shown nothing"
