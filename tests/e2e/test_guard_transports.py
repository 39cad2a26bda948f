"""Rates over TLS and WebSocket, as they are kept over TCP; a node whose reactor is late."""
import json
import socket
import threading
import time

import pytest

from kit.certificates import Authority
from kit.frames import WebSocket, client_frame
from kit.node import wait_until
from kit.wire import Wire, connect, publish
from test_guard import Flood, answer, listener, rate_of, states_in_log, total

pytestmark = pytest.mark.dunlin

UNAVAILABLE = 0x88
PAYLOAD = b"x" * (110 - 2 - 6 - 1)  # a packet of 110 bytes to a topic of four letters


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("pki"))
    authority.pair = authority.server()
    return authority


class Carrier:
    """How a client comes to the node's one listener."""

    def __init__(self, transport, ca):
        self.transport, self.ca = transport, ca
        self.options = {"transport": transport}
        if transport != "websocket":
            self.options["tls"] = {"certificate": str(ca.pair.certificate), "key": str(ca.pair.key)}

    def dial(self, node):
        """-> what Wire reads and writes, and the socket below its frames"""
        below = socket.create_connection(("127.0.0.1", node.port), timeout=10)
        if self.transport != "websocket":
            below = self.ca.client_context().wrap_socket(below, server_hostname="localhost")
        return (below if self.transport == "tls" else WebSocket(below)), below

    def open(self, node, client_id):
        return Wire.open(None, client_id, 5, sock=self.dial(node)[0])

    def flood(self, node, client_id):
        above, below = self.dial(node)
        frame = bytes if self.transport == "tls" else lambda raw: client_frame(0x82, raw)
        return Flood(node, client_id, "abcd", PAYLOAD, sock=above, below=below, frame=frame)


@pytest.mark.parametrize("transport, limits, clients", [
    ("tls", {"client_messages_per_s": 1000}, 1),
    ("tls", {"client_bytes_per_s": 55_000}, 2),
    ("websocket", {"client_messages_per_s": 500}, 2),
    ("websocket", {"bytes_per_s": 110_000}, 2),
    ("websocket_tls", {"messages_per_s": 1000}, 2),
    ("websocket_tls", {"client_bytes_per_s": 110_000}, 1),
])
def test_a_rate_is_kept_over(make_node, ca, transport, limits, clients):
    carrier = Carrier(transport, ca)
    node = listener(make_node({"limits": {"rate_answer": "slow"}}, start=False), burst_ms=200, **limits, **carrier.options)
    floods = [carrier.flood(node, f"f{n}") for n in range(clients)]
    time.sleep(0.5)
    assert rate_of(node, 2) == pytest.approx(1000, rel=0.15)
    calm = carrier.open(node, "calm")
    began = time.monotonic()
    calm.ping()
    assert time.monotonic() - began < 1
    assert all(f.ended is None for f in floods)
    assert total(node, "dunlin_rate_holds_total") > 5
    for f in floods:
        f.stop()


class Crowd(threading.Thread):
    """Publishers that keep their connections full of small messages: each turn of the reactor has all of theirs to read."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.wires, self.over = node, [], False
        self.raw = publish("abcd/t", b"x" * 10, 5) * 5000
        self.start()

    def grow(self, count):
        for _ in range(count):
            w = Wire(self.node.port, 5)
            w.send(connect(f"f{len(self.wires)}", 5, keep_alive=0))
            if w.expect("connack").reason != 0:  # late enough
                return w.socket.close()
            w.socket.setblocking(False)
            self.wires.append(w)

    def run(self):
        rest = {}
        while not self.over:
            for w in list(self.wires):
                try:
                    data = rest.get(w) or self.raw
                    rest[w] = data[w.socket.send(data):]
                except BlockingIOError:
                    pass
            time.sleep(0.001)

    def stop(self):
        self.over = True
        self.join(20)
        for w in self.wires:
            w.socket.close()


def test_a_late_reactor_refuses_and_recovers(make_node):
    node = make_node({"node": {"reactors": 1}, "overload": {"reactor_lag_ms": 40}})
    state = lambda: json.loads(node.api.get("/api/v1/node")[1])["overload"]["state"]
    there, crowd = Wire.open(node.port, "there", 5, keep_alive=0), Crowd(node)
    while state() == "normal" and len(crowd.wires) < 1000:
        crowd.grow(100)
        time.sleep(1)
    wait_until(lambda: answer(node, "new", 5) == UNAVAILABLE, 20, lambda: f"refused: {node.api.get('/api/v1/node')}")
    assert answer(node, "old", 4) == 3
    status, text = node.api.get("/readyz")
    assert status == 503 and "reactor" in text, (status, text)
    there.ping()
    assert there.publish_acked("t", "x") in (0, 0x10)
    crowd.stop()
    wait_until(lambda: state() == "normal", 30, lambda: f"well again: {node.api.get('/api/v1/node')}")
    assert answer(node, "new", 5) == 0 and node.api.get("/readyz")[0] == 200
    assert total(node, "dunlin_overload_refused_total") >= 2
    assert states_in_log(node) >= {"refusing", "normal"}
