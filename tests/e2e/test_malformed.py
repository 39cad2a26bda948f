"""Every row of tests/mqtt/malformed_cases.txt and tests/mqtt/forbidden_cases.txt against a running node, over TCP and WebSocket:
the answer that the row requires comes, the connection ends (or goes on) as it says, and a bystander notices nothing."""
import contextlib

import pytest

from kit import cases, wire
from kit.frames import WebSocketWire
from kit.node import Dunlin
from kit.wire import Wire

pytestmark = pytest.mark.dunlin
NODES = {
    "-": {"limits": {"receive_max": 4, "topic_alias_max": 8}},
    "less": {"limits": {"qos_max": 1, "retain_available": False, "wildcard_available": False, "shared_available": False,
                        "subscriptions_per_client_max": 2, "payload_bytes_max": 16, "topic_levels_max": 4,
                        "topic_bytes_max": 40, "client_id_bytes_max": 23}},
    "shut": {"access": {"anonymous": False}},
}
TRANSPORTS = {"tcp": Wire, "websocket": WebSocketWire}
ALL = cases.malformed() + cases.forbidden()
NAMES = [c.name for c in ALL]


class Site:
    """A node with a TCP and a WebSocket listener, and a client that does nothing wrong."""

    def __init__(self, binary, folder, name):
        self.node = Dunlin(binary, folder, NODES[name]).add_websocket().start()
        self.ports = {"tcp": self.node.port, "websocket": self.node.web_port}
        self.bystander = None if name == "shut" else Wire.open(self.node.port, "bystander")

    def is_well(self):
        assert self.node.running(), self.node.log_tail()
        if self.bystander:
            self.bystander.ping()


@pytest.fixture(scope="module")
def site(dunlin_bin, tmp_path_factory):
    sites = {}

    def of(name):
        if name not in sites:
            sites[name] = Site(dunlin_bin, tmp_path_factory.mktemp("site"), name)
        return sites[name]

    yield of
    for s in sites.values():
        s.node.stop()


ANSWERED_BY = {"connect": "connack", "subscribe": "suback", "unsubscribe": "unsuback", "pubrel": "pubcomp"}


def answer_to(raw):
    kind = wire.NAMES[raw[0] >> 4]
    return ("", "puback", "pubrec")[raw[0] >> 1 & 3] if kind == "publish" else ANSWERED_BY.get(kind, "")


def code_of(packet):
    code = packet.codes[0] if packet.codes else packet.reason
    return 0 if (packet.kind, code) in (("puback", 0x10), ("pubrec", 0x10)) else code  # taken, and nobody subscribes


def until_end(client):
    try:
        return [(p.kind, p.reason) for p in client.expect_closed()]
    except ValueError as e:
        raise AssertionError(str(e)) from None


def answer(client, kind):
    """The next packet; where none is due, what comes before the PINGRESP."""
    if kind != "none":
        p = client.recv()
        return [(p.kind, code_of(p))]
    client.ping()
    return []


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("case", ALL, ids=NAMES)
def test_the_answer_that_the_table_requires(site, case, transport):
    here = site(case.node)
    client = TRANSPORTS[transport](here.ports[transport], case.version)
    with contextlib.closing(client):
        for packet in cases.opening(case, "forbidden"):
            client.send(packet)
            if answer_to(packet):
                before = client.expect(answer_to(packet))
                assert code_of(before) < 0x80, before
        with contextlib.suppress(OSError):  # the end may come before the rest has left
            client.send(case.bytes)
        got = answer(client, case.answers[0][0][0] if case.answers[0] else "none") if case.stays else until_end(client)
        assert got in case.answers, f"{got}, not {case.answers}"
    here.is_well()


def test_the_tables_are_whole():
    assert len(cases.malformed()) >= 300 and len(cases.forbidden()) >= 100
    assert len(set(NAMES)) == len(NAMES), "rows with one name"
