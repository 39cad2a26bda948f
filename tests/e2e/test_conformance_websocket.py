"""Conformance statements about WebSocket (6.0.0 of both versions); docs/conformance.md lists them."""
import pytest

from kit import wire
from kit.frames import Refused, WebSocket, WebSocketWire
from kit.node import Dunlin
from kit.wire import Wire

pytestmark = pytest.mark.dunlin
both = pytest.mark.parametrize("version", [4, 5])


@pytest.fixture(scope="module")
def site(dunlin_bin, tmp_path_factory):
    node = Dunlin(dunlin_bin, tmp_path_factory.mktemp("ws"))
    yield node.add_websocket().start()
    node.stop()


@both
def test_mqtt_6_0_0_1_a_text_frame_closes(site, uid, version):
    c = WebSocketWire.open(site.web_port, uid, version)
    c.ping()
    c.socket.send_frame(0x81, wire.packet("pingreq", 0, b""))
    said = c.expect_closed()
    assert "pingresp" not in [p.kind for p in said]


@both
def test_mqtt_6_0_0_1_a_text_frame_first_closes(site, version):
    c = WebSocketWire(site.web_port, version)
    c.socket.send_frame(0x81, wire.connect("x", version))
    assert c.expect_closed() == []


@both
def test_mqtt_6_0_0_2_packets_split_and_joined(site, uid, version):
    """One byte a frame; two packets and a half in one; a fragmented message with a ping between its parts; an empty frame."""
    c = WebSocketWire(site.web_port, version)
    for byte in wire.connect(uid, version):
        c.send(bytes([byte]))
    assert c.expect("connack").reason == 0
    a, b, half = (wire.publish(f"{uid}/t", text, version, 1, pid) for pid, text in ((1, "a"), (2, "b"), (3, "half")))
    c.subscribe(f"{uid}/t", 1)
    c.send(a + b + half[:5])
    c.send(b"")
    c.send(half[5:])
    got = [c.recv() for _ in range(6)]
    assert sorted(p.pid for p in got if p.kind == "puback") == [1, 2, 3]
    assert [p.payload for p in got if p.kind == "publish"] == [b"a", b"b", b"half"]
    long = wire.publish(f"{uid}/t", bytes(70000), version, 1, 9)
    c.socket.send_frame(0x02, long[:100])
    c.socket.send_frame(0x89, b"still there?")
    c.socket.send_frame(0x00, long[100:60000])
    c.socket.send_frame(0x80, long[60000:])
    kinds = {p.kind: p for p in (c.recv(), c.recv())}
    assert kinds["puback"].pid == 9 and kinds["publish"].payload == bytes(70000)
    assert c.socket.pongs == [b"still there?"]


@pytest.mark.parametrize("protocol", ["chat", "mqtt5"])
def test_mqtt_6_0_0_3_who_does_not_offer_mqtt_is_refused(site, protocol):
    with pytest.raises(Refused):
        WebSocket.connect(site.web_port, protocol=protocol)


@pytest.mark.parametrize("protocol", ["mqtt", "chat, mqtt"])
def test_mqtt_6_0_0_4_mqtt_is_chosen(site, protocol):
    assert WebSocket.connect(site.web_port, protocol=protocol).chosen == ["mqtt"]


def test_another_path_is_refused(site):
    with pytest.raises(Refused):
        WebSocket.connect(site.web_port, path="/other")


def test_frames_without_a_mask_close(site):
    c = WebSocketWire(site.web_port)
    c.socket.send_frame(0x82, wire.connect("x"), masked=False)
    assert c.expect_closed() == []


def test_reserved_bits_close(site):
    c = WebSocketWire(site.web_port)
    c.socket.send_frame(0xC2, wire.connect("x"))
    assert c.expect_closed() == []


def test_tcp_and_websocket_clients_meet(site, uid):
    s, p = WebSocketWire.open(site.web_port, f"{uid}s", 5), Wire.open(site.port, f"{uid}p", 4)
    s.subscribe(f"{uid}/#", 2)
    p.publish_acked(f"{uid}/t", bytes(100_000), 2)
    assert s.take().payload == bytes(100_000)
