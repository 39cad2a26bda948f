"""Listeners without TLS: WebSocket, Unix socket, PROXY protocol; frames by hand and by real clients."""
import json
import os
import re
import socket
import stat
import struct
import subprocess
import time
import urllib.request

import pytest

from kit import wire
from kit.clients import Paho
from kit.frames import WebSocket, client_frame, upgrade_request
from kit.node import Dunlin, free_ports, wait_until
from kit.slow import SLOW
from kit.wire import Wire

pytestmark = [pytest.mark.dunlin, pytest.mark.timeout(120 * SLOW)]

WS, PROXY, PROXY_WS = free_ports(3)
LARGE = 900_000


@pytest.fixture(scope="module")
def node(dunlin_bin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("listeners")
    n = Dunlin(dunlin_bin, folder, {})
    n.unix = str(folder / "dunlin.sock")
    n.config["listeners"] += [
        {"name": "ws", "transport": "websocket", "address": f"127.0.0.1:{WS}"},
        {"name": "unix", "transport": "unix", "address": n.unix, "mode": "0600"},
        {"name": "proxy", "transport": "tcp", "address": f"127.0.0.1:{PROXY}", "proxy_protocol": "on"},
        {"name": "proxy-ws", "transport": "websocket", "address": f"127.0.0.1:{PROXY_WS}", "path": "/",
         "proxy_protocol": "on"},
    ]
    n.start()
    yield n
    n.stop()


def unix_socket(node):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10 * SLOW)
    s.connect(node.unix)
    return s


def line_of(node, client_id):
    """The client_connected line of the log."""
    return wait_until(lambda: next((x for x in node.log().splitlines()
                                    if "client_connected" in x and f"client_id={client_id} " in x), None),
                      10, lambda: node.log_tail())


def metric(node, name, **labels):
    return sum(v for n, found, v in samples(node) if n == name and labels.items() <= found.items())


def samples(node):
    text = urllib.request.urlopen(f"http://127.0.0.1:{node.http_port}/metrics", timeout=10 * SLOW).read().decode()
    for x in text.splitlines():
        if m := re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", x):
            yield m[1], dict(re.findall(r'(\w+)="([^"]*)"', m[2] or "")), float(m[3])


def exchange(a, b, uid, payload):
    """From a to b with every QoS, in order."""
    assert b.subscribe(f"{uid}/#", 2) == 2
    for qos in (0, 1, 2):
        if qos:
            assert a.publish_acked(f"{uid}/{qos}", payload, qos) == 0
        else:
            a.publish(f"{uid}/0", payload)
    got = {p.topic: (p.qos, p.payload) for p in (b.take(30 * SLOW) for _ in range(3))}
    b.ping()  # the rest of the QoS 2 exchange is over
    assert got == {f"{uid}/{q}": (q, payload) for q in (0, 1, 2)}


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("size", [10, LARGE])
def test_every_qos_both_ways_over_websocket(node, uid, version, size):
    a = Wire.open(None, f"{uid}a", version, sock=WebSocket.connect(WS))
    b = Wire.open(node.port, f"{uid}b", version)
    exchange(a, b, f"{uid}x", os.urandom(size))
    exchange(b, a, f"{uid}y", os.urandom(size))


@pytest.mark.parametrize("size", [10, LARGE])
def test_every_qos_both_ways_over_a_unix_socket(node, uid, size):
    a = Wire.open(None, f"{uid}a", 5, sock=unix_socket(node))
    b = Wire.open(node.port, f"{uid}b", 5)
    exchange(a, b, f"{uid}x", os.urandom(size))
    exchange(b, a, f"{uid}y", os.urandom(size))
    assert "address=unix:" + str(os.getpid()) in line_of(node, f"{uid}a")


def test_paho_over_websocket(node, uid):
    with Paho(WS, f"{uid}a", 5, transport="websockets") as a, Paho(WS, f"{uid}b", 4, transport="websockets") as b:
        b.subscribe(f"{uid}/#", 2)
        for qos in (0, 1, 2):
            a.publish(f"{uid}/{qos}", b"x" * 100_000, qos)
        assert sorted(m.topic for m in b.get_many(3)) == [f"{uid}/{q}" for q in (0, 1, 2)]
    assert "listener=ws" in line_of(node, f"{uid}a")


# [MQTT-6.0.0-2]
def test_frames_split_and_join_packets(node, uid):
    whole = wire.connect(f"{uid}a", 4) + wire.subscribe(1, [(f"{uid}/t", 1)]) + \
        wire.publish(f"{uid}/t", b"hello", qos=1, pid=7)
    for cut in (1, 5, len(whole) - 3):
        ws = WebSocket.connect(WS)
        ws.send_raw(client_frame(0x02, whole[:cut]) + client_frame(0x89, b"now?") + client_frame(0x80, whole[cut:]))
        c = Wire(version=4, sock=ws)
        kinds = sorted(c.recv().kind for _ in range(4))
        assert kinds == ["connack", "puback", "publish", "suback"]
        ws.close()
    ws = WebSocket.connect(WS)
    for byte in whole:  # a frame for each byte, and each frame in pieces
        for piece in client_frame(0x82, bytes([byte])):
            ws.send_raw(bytes([piece]))
    c = Wire(version=4, sock=ws)
    assert sorted(c.recv().kind for _ in range(4)) == ["connack", "puback", "publish", "suback"]


def test_ping_is_answered_and_close_too(node, uid):
    ws = WebSocket.connect(WS)
    ws.send_frame(0x89, b"are you there")
    assert ws.frame() == (0x8A, b"are you there")
    ws.send_frame(0x88, struct.pack(">H", 1000))
    assert ws.frame() == (0x88, struct.pack(">H", 1000))
    with pytest.raises(EOFError):
        ws.frame()


# [MQTT-6.0.0-1]
@pytest.mark.parametrize("raw,code", [
    (client_frame(0x81, b"text"), 1003),
    (client_frame(0x82, b"abc", masked=False), 1002),
    (client_frame(0x83, b"abc"), 1002),
    (client_frame(0xC2, b"abc"), 1002),
    (client_frame(0x80, b"abc"), 1002),
    (client_frame(0x09, b"abc"), 1002),
], ids=["text", "unmasked", "opcode", "reserved-bits", "continuation", "ping-in-pieces"])
def test_frames_that_mqtt_does_not_know_close(node, uid, raw, code):
    ws = WebSocket.connect(WS)
    c = Wire.open(None, f"{uid}a", 4, sock=ws)
    ws.send_raw(raw)
    c.expect_closed()
    assert ws.closed_with == code


def test_the_server_says_goodbye_with_a_close_frame(node, uid):
    ws = WebSocket.connect(WS)
    c = Wire.open(None, f"{uid}a", 5, sock=ws)
    c.send(b"\xf0\x00")  # AUTH out of place
    assert c.expect_closed()[0].kind == "disconnect"
    assert ws.closed_with == 1000


@pytest.mark.parametrize("request_bytes,status,text", [
    (upgrade_request(path="/nowhere"), "404", "ws://"),
    (upgrade_request(protocol=None), "400", "Sec-WebSocket-Protocol: mqtt"),
    (upgrade_request(protocol="chat"), "400", "Sec-WebSocket-Protocol: mqtt"),
    (b"GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n", "426", "MQTT listener over WebSocket"),
    (wire.connect("plain-mqtt") + b"\r\n\r\n", "400", "not HTTP"),
    (upgrade_request(more="X: " + "x" * 9000 + "\r\n"), "431", "8192"),
], ids=["path", "no-subprotocol", "subprotocol", "plain-http", "plain-mqtt", "too-large"])
def test_upgrades_that_are_refused_say_why(node, request_bytes, status, text):
    before = metric(node, "dunlin_websocket_refused_total", listener="ws")
    s = socket.create_connection(("127.0.0.1", WS), timeout=10 * SLOW)
    s.sendall(request_bytes)
    answer = b""
    try:
        while got := s.recv(1 << 16):
            answer += got
    except ConnectionResetError:
        pass
    assert answer.startswith(b"HTTP/1.1 " + status.encode()) and text.encode() in answer, answer
    assert metric(node, "dunlin_websocket_refused_total", listener="ws") == before + 1


def test_older_subprotocol(node):
    assert b"mqttv3.1" in WebSocket.connect(WS, protocol="mqttv3.1").head


def test_slow_reader_over_websocket_loses_nothing(node, uid):
    """4 MB for a reader that sleeps: its acknowledged messages all come, in order."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sock.settimeout(30 * SLOW)
    sock.connect(("127.0.0.1", WS))
    slow = Wire.open(None, f"{uid}s", 4, sock=WebSocket(sock))
    slow.subscribe(f"{uid}/t", 1)
    fast = Wire.open(node.port, f"{uid}f", 4, timeout=30 * SLOW)
    for i in range(40):
        fast.publish(f"{uid}/t", struct.pack(">I", i) + os.urandom(100_000), 1)
    time.sleep(1)
    for i in range(40):
        assert struct.unpack(">I", slow.take(30 * SLOW).payload[:4]) == (i,)


def test_unix_socket_has_its_mode_and_takes_the_place_of_a_dead_one(make_node):
    node = make_node(start=False)
    path = str(node.folder / "d.sock")
    node.config["listeners"].append({"name": "u", "transport": "unix", "address": path, "mode": "0620"})
    node.start()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o620
    node.kill9()
    assert os.path.exists(path)
    node.start()
    other = make_node(start=False)  # a living one is not taken
    other.config["listeners"].append({"name": "u", "transport": "unix", "address": path})
    other.config_path.write_text(json.dumps(other.config))
    done = subprocess.run([other.binary, "serve", "--config", str(other.config_path)], capture_output=True, text=True,
                          timeout=30, cwd=other.folder)
    assert done.returncode == 2 and "another process listens there" in done.stderr, done
    node.stop()
    assert not os.path.exists(path)


V2 = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.mark.parametrize("header,address", [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 1883\r\n", "192.0.2.7:4711"),
    (b"PROXY TCP6 2001:db8::7 ::1 4711 1883\r\n", "[2001:db8::7]:4711"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1:"),
    (V2 + b"\x21\x11\x00\x0c" + bytes([192, 0, 2, 8, 127, 0, 0, 1, 18, 103, 7, 91]), "192.0.2.8:4711"),
    (V2 + b"\x21\x11\x00\x10" + bytes([192, 0, 2, 9, 127, 0, 0, 1, 18, 103, 7, 91, 4, 0, 1, 7]), "192.0.2.9:4711"),
    (V2 + b"\x20\x00\x00\x00", "127.0.0.1:"),
], ids=["tcp4", "tcp6", "unknown", "v2", "v2-tlv", "v2-local"])
@pytest.mark.parametrize("split", [False, True], ids=["whole", "bytes"])
def test_proxy_header_gives_the_address(node, uid, header, address, split):
    s = socket.create_connection(("127.0.0.1", PROXY), timeout=10 * SLOW)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = header + wire.connect(uid)
    for part in ([bytes([b]) for b in whole] if split else [whole]):
        s.sendall(part)
    c = Wire(version=4, sock=s)
    assert c.expect("connack").reason == 0
    assert f"address={address}" in line_of(node, uid).replace('"', "")


def test_proxy_header_in_front_of_a_websocket(node, uid):
    s = socket.create_connection(("127.0.0.1", PROXY_WS), timeout=10 * SLOW)
    s.sendall(b"PROXY TCP4 192.0.2.10 198.51.100.1 4711 1883\r\n")
    Wire.open(None, uid, 5, sock=WebSocket(s, path="/"))
    assert "address=192.0.2.10:4711" in line_of(node, uid)


@pytest.mark.parametrize("raw", [wire.connect("x"), b"PROXY TCP4 nonsense\r\n", V2 + b"\x21\x11\xff\xff",
                                 b"PROXY TCP4 1.2.3"], ids=["none", "text", "binary", "cut"])
def test_without_a_proxy_header_the_connection_is_closed(node, raw):
    before = metric(node, "dunlin_proxy_headers_refused_total", listener="proxy")
    s = socket.create_connection(("127.0.0.1", PROXY), timeout=10 * SLOW)
    s.sendall(raw)
    if raw.endswith(b"1.2.3"):
        s.shutdown(socket.SHUT_WR)
    try:
        assert s.recv(100) == b""
    except ConnectionResetError:
        pass
    wait_until(lambda: metric(node, "dunlin_proxy_headers_refused_total", listener="proxy") == before + 1, 5, "counted")


def test_connections_are_counted_for_each_listener(node, uid):
    before = metric(node, "dunlin_listener_connections", listener="ws", transport="websocket")
    total = metric(node, "dunlin_listener_connections_total", listener="ws")
    c = Wire.open(None, f"{uid}a", 4, sock=WebSocket.connect(WS))
    assert metric(node, "dunlin_listener_connections", listener="ws") == before + 1
    assert metric(node, "dunlin_listener_connections_total", listener="ws") == total + 1
    c.disconnect()
    wait_until(lambda: metric(node, "dunlin_listener_connections", listener="ws") == before, 5, "closed")
