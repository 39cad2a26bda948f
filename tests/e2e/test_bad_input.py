"""Clients that break the rules: each gets its answer, and nobody else notices."""
import random
import threading
import time

import pytest

from kit import wire
from kit.load import Pair
from kit.wire import Closed, Nothing, Wire

pytestmark = pytest.mark.dunlin
CONFIG = {"limits": {"connect_timeout_ms": 1500, "packet_bytes_max": 1_048_576}}
BEFORE_CONNECT = {
    "zeros": bytes(64),
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": bytes.fromhex("1603010200010001fc0303") + bytes(200),
    "publish first": wire.publish("a", "x"),
    "ping first": wire.packet("pingreq", 0, b""),
    "length of five bytes": bytes.fromhex("10ffffffffff01"),
    "connect flags": wire.packet("connect", 3, b""),
    "wrong protocol": wire.packet("connect", 0, wire.text("MQTX") + bytes([4, 2, 0, 60]) + wire.text("c")),
    "reserved flag": wire.packet("connect", 0, wire.text("MQTT") + bytes([4, 3, 0, 60]) + wire.text("c")),
    "cut off": wire.packet("connect", 0, wire.text("MQTT") + bytes([4, 2, 0, 60, 0, 9]) + b"c"),
    "will qos 3": wire.packet("connect", 0, wire.text("MQTT") + bytes([4, 2 | 4 | 24, 0, 60]) + wire.text("c")
                              + wire.text("w") + wire.text("")),
}
AFTER_CONNECT = {  # bytes, reason code in MQTT 5
    "qos 3": (wire.packet("publish", 6, wire.text("a") + b"\0\1\0x"), 0x81),
    "packet identifier 0": (wire.publish("a", "x", 5, 1, 0), 0x82),
    "wildcard in a topic name": (wire.publish("a/#", "x", 5), 0x90),
    "nul in a topic": (wire.publish("a\0b", "x", 5), 0x81),
    "topic that is not utf-8": (wire.packet("publish", 0, wire.text(b"\xff\xfe") + b"\0x"), 0x81),
    "surrogate": (wire.packet("publish", 0, wire.text(b"\xed\xa0\x80") + b"\0x"), 0x81),
    "topic longer than the packet": (wire.packet("publish", 0, b"\xff\xffabc"), 0x81),
    "subscribe without a filter": (wire.packet("subscribe", 2, b"\0\1\0"), 0x82),
    "subscribe flags": (wire.packet("subscribe", 0, b"\0\1\0" + wire.text("a") + b"\0"), 0x81),
    "reserved subscription bits": (wire.subscribe(1, [("a", 0xC0)], 5), 0x81),
    "second connect": (wire.connect("again", 5), 0x82),
    "packet type 0": (b"\x00\x00", 0x81),
    "property twice": (wire.packet("publish", 0, wire.text("a") + b"\x0a" + bytes.fromhex("02000000050200000005")), 0x82),
    "unknown property": (wire.packet("publish", 0, wire.text("a") + b"\x02\x7f\x01"), 0x81),
    "length of five bytes": (bytes.fromhex("30ffffffffff01"), 0x81),
    "bytes after the end": (wire.packet("pingreq", 0, b"x"), 0x81),
}


@pytest.mark.parametrize("name", BEFORE_CONNECT)
def test_what_is_no_connect_is_closed(broker, uid, name):
    c = Wire(broker.port)
    try:
        c.send(BEFORE_CONNECT[name])
    except OSError:
        return  # closed already
    assert all(p.kind in ("connack", "disconnect") and p.reason for p in c.expect_closed(5))
    Wire.open(broker.port, uid).ping()


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("name", AFTER_CONNECT)
def test_a_broken_packet_ends_its_connection_alone(broker, uid, name, version):
    raw, reason = AFTER_CONNECT[name]
    if version == 4 and ("propert" in name or "reserved" in name):
        pytest.skip("a packet of MQTT 5")
    c, other = Wire.open(broker.port, f"{uid}c", version), Wire.open(broker.port, f"{uid}o", version)
    c.send(raw)
    said = [p.reason for p in c.expect_closed(5) if p.kind == "disconnect"]
    assert said == ([reason] if version == 5 else []), [hex(r) for r in said]
    other.ping()


def test_an_unknown_protocol_level_is_told(broker, uid):
    c = Wire(broker.port, 5)
    c.send(wire.packet("connect", 0, wire.text("MQTT") + bytes([6, 2, 0, 60, 0]) + wire.text(uid)))
    assert all(p.kind == "connack" and p.reason in (1, 0x84) for p in c.expect_closed(5))


def test_a_packet_over_the_limit_is_refused_before_it_has_come(broker, uid):
    c = Wire.open(broker.port, uid, 5)
    assert c.connack.props["maximum_packet_size"] == 1_048_576
    c.send(bytes([0x30]) + wire.varint(1_048_577) + wire.text("a"))  # the head alone
    assert [p.reason for p in c.expect_closed(5) if p.kind == "disconnect"] == [0x95]


def test_a_packet_at_the_limit_passes(broker, uid):
    s, p = Wire.open(broker.port, f"{uid}s"), Wire.open(broker.port, f"{uid}p")
    s.subscribe(uid, 1)
    payload = bytes(1_048_576 - 4 - len(wire.text(uid)) - 2)  # head of 4, topic, packet identifier
    raw = wire.publish(uid, payload, 4, 1, 1)
    assert len(raw) == 1_048_576
    p.send(raw)
    p.expect("puback")
    assert s.take().payload == payload


def test_who_says_nothing_is_closed(broker, uid):
    silent, half = Wire(broker.port), Wire(broker.port)
    half.send(wire.connect(uid)[:7])
    begin = time.monotonic()
    assert silent.expect_closed(5) == [] and half.expect_closed(5) == []
    assert 1.0 <= time.monotonic() - begin <= 4


def test_a_packet_in_single_bytes_is_whole(broker, uid):
    s, p = Wire.open(broker.port, f"{uid}s"), Wire.open(broker.port, f"{uid}p")
    s.subscribe(f"{uid}/t", 1)
    for byte in wire.publish(f"{uid}/t", "slowly", 4, 1, 9):
        p.send(bytes([byte]))
        time.sleep(0.002)
    p.expect("puback")
    assert s.take().payload == b"slowly"


def test_a_half_packet_costs_its_sender_alone(broker, uid):
    pair = Pair(broker.port, uid)
    halves = [Wire.open(broker.port, f"{uid}h{n}") for n in range(50)]
    for h in halves:
        h.send(wire.publish(f"{uid}/t", bytes(500_000), 4, 1, 1)[:250_000])
    median, _ = pair.measure()
    assert median < 50, f"{median} ms"


def test_random_bytes_hurt_nobody(broker, uid):
    seed = int(time.time())
    print(f"seed {seed}")  # shown when the test fails
    rng, pair = random.Random(seed), Pair(broker.port, uid)
    for n in range(300):
        connected = n % 2
        c = Wire.open(broker.port, f"{uid}r{n}", rng.choice((3, 4, 5))) if connected else Wire(broker.port)
        raw = rng.randbytes(rng.randrange(1, 400))
        try:
            c.send(raw)
            c.recv(0.01)
        except (Closed, Nothing, OSError, AssertionError, ValueError):
            pass
        c.close()
    median, _ = pair.measure()
    assert median < 50, f"{median} ms"
    assert broker.running()


def test_mutated_packets_hurt_nobody(broker, uid):
    seed = int(time.time())
    print(f"seed {seed}")
    rng = random.Random(seed)
    props = {"message_expiry": 5, "user": [("a", "b")], "content_type": "c"}
    good = [wire.publish(f"{uid}/t", "payload", 5, 1, 3, props=props), wire.subscribe(1, [(f"{uid}/#", 1)], 5),
            wire.unsubscribe(2, [f"{uid}/#"], 5), wire.ack("pubrel", 5, 5, 0x92), wire.packet("auth", 0, b"\x18\x00")]
    for n in range(400):
        raw = bytearray(rng.choice(good))
        for _ in range(rng.randrange(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        c = Wire.open(broker.port, f"{uid}m{n % 20}", 5)
        try:
            c.send(bytes(raw))
            c.recv(0.005)
        except (Closed, Nothing, OSError):
            pass
        c.close()
    Wire.open(broker.port, uid, 5).ping()


def test_a_client_that_stops_reading_holds_nobody_up(broker, uid):
    pair, p = Pair(broker.port, uid), Wire.open(broker.port, f"{uid}flood")
    stuck = Wire.open(broker.port, f"{uid}stuck")
    stuck.subscribe(f"{uid}flood/#", 0)
    before, before_95 = pair.measure()
    stop = threading.Event()

    def flood():
        payload = bytes(10_000)
        while not stop.is_set():
            p.publish(f"{uid}flood/t", payload, 1)  # far more than the stuck client's socket holds
            p.expect("puback")

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        time.sleep(1.5)
        during, during_95 = pair.measure(300)
    finally:
        stop.set()
        flooding.join(20)
    assert not flooding.is_alive(), "the publisher is held up for good"
    assert during < before * 5 + 20, f"median {before:.2f} ms before, {during:.2f} ms with a client that does not read"
    assert during_95 < before_95 * 5 + 100, f"p95 {before_95:.2f} ms before, {during_95:.2f} ms with it"


def test_thousands_of_connections_that_come_and_go(broker, uid):
    pair = Pair(broker.port, uid)
    for n in range(2000):
        c = Wire(broker.port)
        if n % 3:
            c.send(wire.connect(f"{uid}c{n % 50}"))
        c.reset() if n % 2 else c.close()
    median, _ = pair.measure()
    assert median < 50, f"{median} ms"
