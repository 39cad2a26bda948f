"""What is seen from outside: /metrics and its identity, /healthz, /readyz, one log line for each connection event."""
import re

import pytest

from kit.node import wait_until
from kit.wire import Wire

pytestmark = pytest.mark.dunlin


def total(metrics, name, **labels):
    values = [v for (n, l), v in metrics.items() if n == name and set(labels.items()) <= set(l)]
    assert values, f"no metric {name}{labels or ''} in {sorted({n for n, _ in metrics})}"
    return sum(values)


def identity(metrics):
    """-> (published, what became of them)"""
    parts = [total(metrics, f"dunlin_messages_{name}") for name in
             ("delivered_total", "queued", "expired_total", "refused_total", "dropped_total")]
    return total(metrics, "dunlin_messages_published_total"), sum(parts)


def test_metrics_have_help_type_and_units(broker, uid):
    c = Wire.open(broker.port, uid)
    status, text = broker.api.get("/metrics")
    assert status == 200
    helped = set(re.findall(r"^# HELP (\S+) \S", text, re.M))
    typed = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    samples = {name for name, _ in broker.api.metrics()}
    families = {re.sub(r"_(bucket|sum|count)$", "", n) if re.sub(r"_(bucket|sum|count)$", "", n) in typed else n
                for n in samples}
    assert families and families <= helped and families <= set(typed), families - helped
    for name in families:
        assert name.startswith(("dunlin_", "process_")), name
        if typed[name] == "counter":
            assert name.endswith("_total"), name
        assert not re.search(r"_(ms|us|milliseconds|kb|mb|kilobytes)(_|$)", name), f"{name}: not a base unit"
    assert total(broker.api.metrics(), "dunlin_connections") >= 1
    c.disconnect()


def test_every_message_is_accounted_for(broker, uid):
    """published = delivered + queued + expired + refused + dropped after a mixed run."""
    p = Wire.open(broker.port, f"{uid}p", 5)
    readers = [Wire.open(broker.port, f"{uid}r{n}", 5) for n in range(3)]
    for qos, r in enumerate(readers):
        r.subscribe(f"{uid}/#", qos)
    offline = Wire.open(broker.port, f"{uid}off", 5, clean=False, props={"session_expiry": 600})
    offline.subscribe(f"{uid}/#", 1)
    offline.disconnect()
    small = Wire.open(broker.port, f"{uid}small", 5, props={"maximum_packet_size": 100})
    small.subscribe(f"{uid}/#", 1)
    lazy = Wire.open(broker.port, f"{uid}lazy", 5, props={"receive_maximum": 2})
    lazy.subscribe(f"{uid}/#", 1)
    before = identity(broker.api.metrics())
    for n in range(60):
        qos = n % 3
        payload = "x" * (200 if n % 5 == 0 else 1)
        (p.publish_acked if qos else p.publish)(f"{uid}/{n % 4}", payload, qos=qos)
        p.publish_acked(f"nobody/{uid}", "x")
    for r in readers:
        for _ in range(60):
            r.take()
        r.ping()
    readers[0].close()  # a session with nothing queued
    lazy.close()        # one with queued and unacknowledged messages: it ends and drops them
    Wire.open(broker.port, f"{uid}p2p", 5).ping()
    p.publish_acked(f"{uid}/p2p/{uid}off", "for the one offline")
    after = wait_until(lambda: (m := identity(broker.api.metrics())) and m[0] == m[1] and m, 10,
                       lambda: f"published = sum of all, seen {identity(broker.api.metrics())}")
    # 60 + 60 nobody's + 1; six subscriptions match each of the 60 (and the p2p one is its own)
    assert after[0] - before[0] >= 60 * 6 + 60 + 1


def test_health_and_readiness(broker):
    assert broker.api.get("/healthz")[0] == 200
    assert broker.api.get("/readyz")[0] == 200
    assert broker.api.get("/nothing-here")[0] == 404
    assert broker.api.call("DELETE", "/metrics")[0] == 405


def log_lines(broker, uid):
    return [line for line in broker.log().splitlines() if re.search(rf"client_id={uid}\b", line)]


def events(broker, uid):
    return [line.split()[2] for line in log_lines(broker, uid)]


def test_one_log_line_for_each_connection_event(broker, uid):
    c = Wire.open(broker.port, uid, 5)
    wait_until(lambda: len(events(broker, uid)) == 1, 5, lambda: str(log_lines(broker, uid)))
    c.disconnect()
    wait_until(lambda: len(events(broker, uid)) == 2, 5, lambda: str(log_lines(broker, uid)))
    c = Wire.open(broker.port, uid, 5)
    c.reset()
    wait_until(lambda: len(events(broker, uid)) == 4, 5, lambda: str(log_lines(broker, uid)))
    seen = events(broker, uid)
    assert seen[0] == seen[2] and "connect" in seen[0] and "disconnect" in seen[1], log_lines(broker, uid)
    pattern = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) [a-z0-9_]+( [a-z0-9_]+=.*)*$")
    assert all(pattern.match(line) for line in log_lines(broker, uid)), log_lines(broker, uid)


def test_a_client_id_cannot_forge_a_log_line(broker, uid):
    name = f"{uid} level=error\nforged_event client_id={uid}x"
    Wire.open(broker.port, name, 5).disconnect()
    Wire.open(broker.port, f"{uid}end", 5).disconnect()
    wait_until(lambda: len(events(broker, f"{uid}end")) == 2, 5, "the last line")
    assert not any(line.startswith("forged_event") for line in broker.log().splitlines())


def test_messages_of_every_qos_are_counted(broker, uid):
    s, p = Wire.open(broker.port, f"{uid}s", 5), Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/t", 2)
    before = broker.api.metrics()
    for qos in (0, 1, 2):
        for _ in range(10):
            (p.publish_acked if qos else p.publish)(f"{uid}/t", "x", qos=qos)
    for _ in range(30):
        s.take()
    s.ping()
    for way in ("received", "sent"):
        for qos in "012":
            name = f"dunlin_messages_{way}_total"
            wait_until(lambda: total(broker.api.metrics(), name, qos=qos) - total(before, name, qos=qos) == 10, 5,
                       lambda: f"{name}{{qos={qos}}} + 10")
