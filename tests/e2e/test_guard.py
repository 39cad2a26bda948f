"""Bans, rates and overload protection, over real sockets."""
import json
import signal
import socket
import threading
import time
from urllib.parse import quote

import pytest

from kit.slow import SLOW
from kit.node import wait_until
from kit.wire import Closed, Wire, connect, publish

pytestmark = pytest.mark.dunlin

BANNED, QUOTA, CONNECT_RATE = 0x8A, 0x97, 0x9F
ADMINISTRATIVE = 0x98  # DISCONNECT has no "banned" [MQTT-3.14.2-1]


def total(node, name, **labels):
    return sum(v for (n, l), v in node.api.metrics().items() if n == name and set(labels.items()) <= set(l))


def ban(node, **what):
    status, text = node.api.call("POST", "/api/v1/bans", what)
    assert status == 201, (status, text)
    return json.loads(text)


def bans(node):
    status, text = node.api.get("/api/v1/bans")
    assert status == 200, (status, text)
    return json.loads(text).get("bans", [])


def wire_from(node, source, version=5):
    """A connection from that address of this machine."""
    class Bound(Wire):
        @staticmethod
        def dial(port, timeout):
            return socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))

    return Bound(node.port, version)


def answer(node, client_id, version=5, source="127.0.0.1", **more):
    """CONNACK's code, or "closed" when there was none."""
    c = wire_from(node, source, version)
    try:
        c.send(connect(client_id, version, **more))
        return c.expect("connack").reason
    except (Closed, ConnectionError):
        return "closed"
    finally:
        c.close()


def test_a_ban_refuses_disconnects_and_survives_a_restart(make_node):
    node = make_node()
    there = Wire.open(node.port, "bad", 5)
    old = Wire.open(node.port, "old", 4)
    user = Wire.open(node.port, "someone", 5, user="mallory", password="x")
    other = Wire.open(node.port, "good", 5)
    told = ban(node, clientId="bad", reason="noisy", by="ops")
    assert told["clientId"] == "bad" and told["source"] == "api" and told["sinceMs"] > 0
    ban(node, clientId="old", seconds=3600)
    ban(node, userName="mallory")
    gone = there.expect_closed()
    assert [p.reason for p in gone] == [ADMINISTRATIVE] and "noisy" in gone[0].props["reason_string"]
    assert old.expect_closed() == []
    assert [p.reason for p in user.expect_closed()] == [ADMINISTRATIVE]
    other.ping()
    for n in range(2):
        assert answer(node, "bad", 5) == BANNED
        assert answer(node, "bad", 4) == 5 and answer(node, "old", 3) == 5
        assert answer(node, "x", 5, user="mallory", password="y") == BANNED
        assert answer(node, "good", 5) == 0
        assert {b.get("clientId") or b.get("userName") for b in bans(node)} == {"bad", "old", "mallory"}
        assert total(node, "dunlin_connects_refused_total", reason="banned") == 4
        if n == 0:
            node.kill9()  # stored when it was answered
            node.start()
    assert node.api.call("DELETE", "/api/v1/bans/client_id/bad")[0] == 200
    assert node.api.call("DELETE", "/api/v1/bans/client_id/bad")[0] == 404
    assert answer(node, "bad", 5) == 0
    assert "connect_refused" in node.log() and "banned" in node.log()


def test_a_banned_address_is_closed_before_anything_is_read(make_node):
    node = make_node()
    there = wire_from(node, "127.0.0.77")
    there.send(connect("a", 5))
    there.expect("connack")
    told = ban(node, address="127.0.0.77/30", seconds=600)
    assert told["address"] == "127.0.0.76/30"
    assert [p.reason for p in there.expect_closed()] == [ADMINISTRATIVE]
    c = wire_from(node, "127.0.0.78")
    assert c.expect_closed() == []  # nothing was sent
    assert answer(node, "a", source="127.0.0.79") == "closed"
    assert answer(node, "a", source="127.0.0.80") == 0
    assert total(node, "dunlin_banned_connections_total") == 2
    assert node.api.call("DELETE", f"/api/v1/bans/address/{quote('127.0.0.76/30', safe='')}")[0] == 200
    assert answer(node, "a", source="127.0.0.78") == 0


def test_a_ban_ends_when_its_time_is_over(make_node):
    node = make_node()
    ban(node, clientId="c", seconds=1)
    assert answer(node, "c") == BANNED
    wait_until(lambda: answer(node, "c") == 0, 5, "the ban is over")
    assert bans(node) == []


def test_bans_of_the_configuration_and_a_damaged_file(make_node):
    node = make_node({"guard": {"bans": [{"client_id": "fixed", "reason": "by config"},
                                         {"address": "127.0.0.88"},
                                         {"client_id": "past", "until": "2020-01-01"}]}})
    assert answer(node, "fixed") == BANNED and answer(node, "x", source="127.0.0.88") == "closed"
    assert answer(node, "past") == 0
    status, text = node.api.call("DELETE", "/api/v1/bans/client_id/fixed")
    assert status == 409 and "guard.bans" in text
    ban(node, clientId="one")
    ban(node, clientId="two")
    node.stop()
    stored = node.data_dir / "bans"
    lines = stored.read_bytes().split(b"\n")
    lines[1] = b"\xff\x00" + lines[1][2:]
    stored.write_bytes(b"\n".join(lines) + b"torn")
    node.start()
    assert answer(node, "two") == BANNED and answer(node, "fixed") == BANNED
    assert answer(node, "one") == 0
    assert "bans_damaged" in node.log() and (node.data_dir / "bans.damaged").exists()


@pytest.mark.parametrize("body, part", [
    ({}, "one of"), ({"clientId": "a", "userName": "b"}, "one of"), ({"clientId": ""}, "empty"),
    ({"address": "10.0.0.0/40"}, "not an address"), ({"clientId": "a", "seconds": -1}, "negative"),
    ({"clientId": "a", "untilMs": 5}, "over already"), ({"clientId": "a", "typo": 1}, "typo"),
    ({"clientId": "a", "seconds": 1e300}, "10000"),
])
def test_a_wrong_ban_is_told(broker, body, part):
    status, text = broker.api.call("POST", "/api/v1/bans", body)
    assert status == 400 and part in text, (status, text)


def test_a_flapping_client_is_banned(make_node):
    node = make_node({"guard": {"flapping_connects_max": 5, "flapping_window_s": 30, "flapping_ban_s": 2}})
    answers = [answer(node, "f") for _ in range(8)]
    assert answers == [0] * 5 + [BANNED] * 3
    assert answer(node, "g") == 0
    assert [b["source"] for b in bans(node)] == ["flapping"]
    assert total(node, "dunlin_flapping_banned_total") == 1
    wait_until(lambda: answer(node, "f") == 0, 10, "the ban is over")


def listener(node, **limits):
    node.config["listeners"][0].update(limits)
    return node.start()


def test_a_listener_bounds_its_connects_per_second(make_node):
    node = listener(make_node(start=False), connects_per_s=20)
    began, answers = time.monotonic(), []
    while time.monotonic() - began < 3:
        answers.append(answer(node, f"c{len(answers)}"))
    took = time.monotonic() - began
    assert set(answers) == {0, CONNECT_RATE}
    assert answers.count(0) == pytest.approx(20 + 20 * took, rel=0.15)
    time.sleep(0.1)
    assert 3 in {answer(node, "old", 4) for _ in range(50)}


def test_a_listener_bounds_its_connections(make_node):
    node = listener(make_node(start=False), connections_max=3)
    held = [Wire.open(node.port, f"c{n}", 5) for n in range(3)]
    assert answer(node, "d", 5) == QUOTA and answer(node, "d", 4) == 3
    held[0].disconnect()
    wait_until(lambda: answer(node, "d") == 0, 5, "room for one")


def reload(node):
    node.config_path.write_text(json.dumps(node.config))
    node.process.send_signal(signal.SIGHUP)


class Flood(threading.Thread):
    """Publishes as fast as the broker reads, until it is closed."""

    def __init__(self, node, client_id, topic, payload=b"x" * 100, version=5, sock=None, below=None, frame=bytes):
        super().__init__(daemon=True)
        self.wire = Wire.open(node.port, client_id, version, sock=sock, keep_alive=2)
        self.socket = below or self.wire.socket  # below the frames of a WebSocket
        self.raw, self.ended, self.over = frame(publish(topic, payload, version) * 100), None, False
        self.start()

    def run(self):
        try:
            while not self.over:
                self.socket.settimeout(0.2)
                try:
                    rest = self.raw
                    while rest and not self.over:
                        try:
                            rest = rest[self.socket.send(rest):]
                        except TimeoutError:
                            pass
                except OSError as e:
                    self.ended = e
                    return
        finally:
            self.over = True

    def stop(self):
        self.over = True
        self.join(5)
        self.socket.close()


def received(node):
    return total(node, "dunlin_messages_received_total")


def rate_of(node, seconds):
    before, began = received(node), time.monotonic()
    time.sleep(seconds)
    after, took = received(node), time.monotonic() - began
    return (after - before) / took


@pytest.mark.parametrize("limits, clients, expected", [
    ({"client_messages_per_s": 1000}, 1, 1000),
    ({"client_messages_per_s": 500}, 3, 1500),
    ({"messages_per_s": 1000}, 3, 1000),
    ({"client_bytes_per_s": 110_000}, 1, 1000),  # a packet of 110 bytes
    ({"bytes_per_s": 110_000}, 2, 1000),
])
def test_a_rate_is_kept(make_node, limits, clients, expected):
    node = make_node({"limits": {"rate_answer": "slow"}}, start=False)
    node = listener(node, burst_ms=200, **limits)
    floods = [Flood(node, f"f{n}", "abcd", b"x" * (110 - 2 - 6 - 1)) for n in range(clients)]
    time.sleep(0.5)
    assert rate_of(node, 2) == pytest.approx(expected, rel=0.15)
    # Those that are slowed hold up nobody else, and their keep-alive of 2 s does not end them.
    calm = Wire.open(node.port, "calm", 5)
    began = time.monotonic()
    calm.ping()
    assert time.monotonic() - began < 1
    time.sleep(2)
    assert all(f.ended is None for f in floods)
    assert total(node, "dunlin_rate_holds_total") > 10
    for f in floods:
        f.stop()


def test_a_reload_bans_and_limits_those_connected(make_node):
    node = make_node({"limits": {"rate_answer": "slow"}})
    bad, flood = Wire.open(node.port, "bad", 5), Flood(node, "f", "abcd")
    wait_until(lambda: received(node) > 1000, 10, "no rate yet")
    node.config["guard"] = {"bans": [{"client_id": "bad"}]}
    node.config["listeners"][0].update(client_messages_per_s=1000, burst_ms=200)
    reload(node)
    assert [p.reason for p in bad.expect_closed()] == [ADMINISTRATIVE]
    assert answer(node, "bad") == BANNED
    time.sleep(1)
    assert rate_of(node, 2) == pytest.approx(1000, rel=0.15)
    del node.config["guard"], node.config["listeners"][0]["client_messages_per_s"]
    reload(node)
    wait_until(lambda: answer(node, "bad") == 0, 10, "the ban is gone")
    wait_until(lambda: rate_of(node, 0.5) > 3000, 10, "the rate is gone")
    flood.stop()


def test_a_client_that_stays_over_is_told_and_cut(make_node):
    node = make_node({"limits": {"client_messages_per_s": 200, "rate_patience_ms": 1500, "rate_burst_ms": 200}})
    flood, calm = Flood(node, "f", "t"), Wire.open(node.port, "calm", 5)
    began = time.monotonic()
    wait_until(lambda: total(node, "dunlin_disconnects_total", reason="message_rate_too_high") == 1, 10, "cut")
    assert time.monotonic() - began > 1
    flood.join(5)
    assert flood.ended is not None
    calm.ping()
    for _ in range(100):
        calm.publish("t", "x")
    calm.ping()


@pytest.mark.skipif(SLOW > 1, reason="a sanitizer keeps the memory that is freed")
def test_short_of_memory_it_refuses_holds_and_recovers(make_node):
    node = make_node()
    used = total(node, "process_resident_memory_bytes")
    node.stop()
    node.config["overload"] = {"memory_high_bytes": int(used + (60 << 20)), "memory_critical_bytes": 8 << 30}
    node.start()
    there = Wire.open(node.port, "there", 5, keep_alive=0)
    filler = Wire.open(node.port, "filler", 5, keep_alive=0)
    big = b"x" * 1_000_000
    for n in range(150):
        filler.publish_acked(f"big/{n}", big, retain=True)
    state = lambda: json.loads(node.api.get("/api/v1/node")[1])["overload"]["state"]
    wait_until(lambda: state() != "normal", 10, lambda: f"overloaded: {node.api.get('/api/v1/node')}")
    assert answer(node, "new", 5) == QUOTA and answer(node, "new", 4) == 3
    status, text = node.api.get("/readyz")
    assert status == 503 and "memory" in text, (status, text)
    there.ping()
    assert there.publish_acked("t", "x") in (0, 0x10)
    wait_until(lambda: state() == "holding", 10, "holding")
    # A publisher that sends much is read only now and then; one that sends little is served.
    stop = time.monotonic() + 3
    while time.monotonic() < stop:
        filler.publish("t/busy", b"y" * 100_000)
        time.sleep(0.01)
        if total(node, "dunlin_overload_holds_total") > 1:
            break
    assert total(node, "dunlin_overload_holds_total") > 0
    began = time.monotonic()
    there.ping()
    assert time.monotonic() - began < 0.9
    assert total(node, "dunlin_overload_refused_total") >= 2
    for n in range(150):
        filler.publish(f"big/{n}", b"", retain=True)
    wait_until(lambda: state() == "normal", 30, lambda: f"well again: {node.api.get('/api/v1/node')}")
    assert answer(node, "new", 5) == 0 and node.api.get("/readyz")[0] == 200
    assert states_in_log(node) >= {"refusing", "holding", "normal"}


def states_in_log(node):
    return {line.split("state=")[1].split()[0] for line in node.log().splitlines() if " overload state=" in line}
