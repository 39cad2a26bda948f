"""MQTT packets by hand: a synchronous client that shows every packet and does nothing by itself.

Written from the specification and independent of every library, for what a library hides: DUP flags, packet identifiers,
missing acknowledgements, broken packets.

    c = Wire.open(port, "c1", version=5)          # CONNECT, CONNACK accepted
    c.subscribe("a/#", qos=1)
    p = c.expect("publish"); c.puback(p.pid)
"""
import socket
import struct
import time
from dataclasses import dataclass, field

from kit.slow import SLOW

NAMES = ["", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback",
         "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth"]
PROPERTIES = {
    "payload_format": (0x01, "byte"), "message_expiry": (0x02, "int"), "content_type": (0x03, "text"),
    "response_topic": (0x08, "text"), "correlation_data": (0x09, "binary"), "subscription_id": (0x0B, "var"),
    "session_expiry": (0x11, "int"), "assigned_client_id": (0x12, "text"), "server_keep_alive": (0x13, "short"),
    "auth_method": (0x15, "text"), "auth_data": (0x16, "binary"), "request_problem_info": (0x17, "byte"),
    "will_delay": (0x18, "int"), "request_response_info": (0x19, "byte"), "response_info": (0x1A, "text"),
    "server_reference": (0x1C, "text"), "reason_string": (0x1F, "text"), "receive_maximum": (0x21, "short"),
    "topic_alias_maximum": (0x22, "short"), "topic_alias": (0x23, "short"), "maximum_qos": (0x24, "byte"),
    "retain_available": (0x25, "byte"), "user": (0x26, "pair"), "maximum_packet_size": (0x27, "int"),
    "wildcard_available": (0x28, "byte"), "subscription_ids_available": (0x29, "byte"),
    "shared_available": (0x2A, "byte"),
}
BY_ID = {number: (name, kind) for name, (number, kind) in PROPERTIES.items()}
MANY = ("user", "subscription_id")  # properties that may come more than once: lists


class Closed(Exception):
    """The broker has closed the connection."""


class Nothing(Exception):
    """No packet came in time."""


@dataclass
class Packet:
    kind: str
    flags: int = 0
    pid: int = 0
    topic: str = ""
    payload: bytes = b""
    reason: int = 0
    session_present: bool = False
    codes: list = field(default_factory=list)
    props: dict = field(default_factory=dict)

    @property
    def dup(self):
        return bool(self.flags & 8)

    @property
    def qos(self):
        return self.flags >> 1 & 3

    @property
    def retain(self):
        return bool(self.flags & 1)


def varint(n):
    out = bytearray()
    while True:
        n, byte = n >> 7, n & 127
        out.append(byte | (128 if n else 0))
        if not n:
            return bytes(out)


def text(s):
    raw = s if isinstance(s, bytes) else s.encode()
    return struct.pack(">H", len(raw)) + raw


def encode_value(kind, v):
    if kind == "byte":
        return bytes([v])
    if kind == "short":
        return struct.pack(">H", v)
    if kind == "int":
        return struct.pack(">I", v)
    if kind == "var":
        return varint(v)
    if kind == "pair":
        return text(v[0]) + text(v[1])
    return text(v)


def encode_props(props):
    out = b""
    for name, value in (props or {}).items():
        number, kind = PROPERTIES[name]
        for v in value if name in MANY and isinstance(value, list) else [value]:
            out += bytes([number]) + encode_value(kind, v)
    return varint(len(out)) + out


def packet(kind, flags, body):
    return bytes([NAMES.index(kind) << 4 | flags]) + varint(len(body)) + body


def connect(client_id, version=4, clean=True, keep_alive=60, props=None, will=None, user=None, password=None):
    """will: dict(topic, payload, qos, retain, props)."""
    flags = 2 if clean else 0
    body = b""
    if will:
        flags |= 4 | will.get("qos", 0) << 3 | (32 if will.get("retain") else 0)
        if version == 5:
            body += encode_props(will.get("props"))
        body += text(will["topic"]) + text(will.get("payload", b""))
    if user is not None:
        flags |= 128
        body += text(user)
    if password is not None:
        flags |= 64
        body += text(password)
    head = text("MQIsdp" if version == 3 else "MQTT") + bytes([version, flags]) + struct.pack(">H", keep_alive)
    if version == 5:
        head += encode_props(props)
    return packet("connect", 0, head + text(client_id) + body)


def publish(topic, payload=b"", version=4, qos=0, pid=0, dup=False, retain=False, props=None):
    payload = payload.encode() if isinstance(payload, str) else payload
    body = text(topic) + (struct.pack(">H", pid) if qos else b"")
    if version == 5:
        body += encode_props(props)
    return packet("publish", 8 * dup | qos << 1 | retain, body + payload)


def subscribe(pid, filters, version=4, props=None):
    """filters: [(filter, options byte)]"""
    body = struct.pack(">H", pid) + (encode_props(props) if version == 5 else b"")
    return packet("subscribe", 2, body + b"".join(text(f) + bytes([o]) for f, o in filters))


def unsubscribe(pid, filters, version=4):
    body = struct.pack(">H", pid) + (encode_props(None) if version == 5 else b"")
    return packet("unsubscribe", 2, body + b"".join(text(f) for f in filters))


def ack(kind, pid, version=4, reason=0):
    body = struct.pack(">H", pid) + (bytes([reason]) if version == 5 and reason else b"")
    return packet(kind, 2 if kind == "pubrel" else 0, body)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise ValueError(f"the broker sent a packet that ends too early: {self.data!r}")
        self.at += n
        return self.data[self.at - n:self.at]

    def left(self):
        return len(self.data) - self.at

    def byte(self):
        return self.take(1)[0]

    def short(self):
        return struct.unpack(">H", self.take(2))[0]

    def int(self):
        return struct.unpack(">I", self.take(4))[0]

    def var(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value

    def binary(self):
        return self.take(self.short())

    def text(self):
        return self.binary().decode()

    def pair(self):
        return self.text(), self.text()

    def properties(self):
        out = {}
        inner = Reader(self.take(self.var()))
        while inner.left():
            name, kind = BY_ID[inner.var()]
            value = getattr(inner, kind)()
            if name in MANY:
                out.setdefault(name, []).append(value)
            else:
                assert name not in out, f"the broker sent {name} twice"
                out[name] = value
        return out


def decode(first, body, version):
    kind, r = NAMES[first >> 4], Reader(body)
    p = Packet(kind, first & 15)
    five = version == 5
    if kind == "connack":
        p.session_present, p.reason = bool(r.byte() & 1), r.byte()
        p.props = r.properties() if five and r.left() else {}
    elif kind == "publish":
        p.topic = r.text()
        p.pid = r.short() if p.qos else 0
        p.props = r.properties() if five else {}
        p.payload = r.take(r.left())
    elif kind in ("puback", "pubrec", "pubrel", "pubcomp"):
        p.pid = r.short()
        p.reason = r.byte() if r.left() else 0
        p.props = r.properties() if r.left() else {}
        assert five or p.reason == 0
    elif kind in ("suback", "unsuback"):
        p.pid = r.short()
        p.props = r.properties() if five else {}
        p.codes = list(r.take(r.left()))
    elif kind in ("disconnect", "auth"):
        p.reason = r.byte() if r.left() else 0
        p.props = r.properties() if r.left() else {}
    assert r.left() == 0, f"the broker sent bytes after the end of a {kind}: {body!r}"
    return p


class Wire:
    """One connection. Every wait is bounded: Nothing when no packet came, Closed when the broker has closed."""

    def __init__(self, port=None, version=4, timeout=10.0 * SLOW, sock=None):
        """sock: another way in than TCP to 127.0.0.1 (TLS, a WebSocket, a Unix socket)."""
        self.version, self.timeout, self.last_pid, self.buffer = version, timeout, 0, b""
        self.early = []        # messages that came before the answer to SUBSCRIBE
        self.received = set()  # QoS 2 messages that take() gave and that are not released
        self.socket = sock or self.dial(port, timeout)

    @staticmethod
    def dial(port, timeout):
        s = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    @classmethod
    def open(cls, port, client_id, version=4, timeout=10.0 * SLOW, sock=None, **connect_arguments):
        c = cls(port, version, timeout, sock)
        c.send(connect(client_id, version, **connect_arguments))
        c.connack = c.expect("connack")
        assert c.connack.reason == 0, f"CONNACK {c.connack.reason:#x} for {client_id}"
        return c

    def send(self, raw):
        self.socket.sendall(raw)

    def close(self):
        """Ends without DISCONNECT, as a lost network does."""
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def disconnect(self, reason=None, props=None):
        body = b"" if reason is None else bytes([reason]) + encode_props(props)
        self.send(packet("disconnect", 0, body))
        self.socket.close()

    def next_pid(self):
        self.last_pid = self.last_pid % 65535 + 1
        return self.last_pid

    def recv(self, timeout=None):
        """The next packet. Closed, Nothing."""
        if self.early:
            return self.early.pop(0)
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            whole = self._whole()
            if whole:
                return whole
            left = deadline - time.monotonic()
            if left <= 0:
                raise Nothing(f"no packet within {timeout or self.timeout} s")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(1 << 16)
            except socket.timeout:
                raise Nothing(f"no packet within {timeout or self.timeout} s") from None
            except OSError as e:
                raise Closed(str(e)) from None
            if not data:
                raise Closed("end of stream")
            self.buffer += data

    def _whole(self):
        length = shift = 0
        for at in range(1, min(5, len(self.buffer))):
            length |= (self.buffer[at] & 127) << shift
            shift += 7
            if not self.buffer[at] & 128:
                end = at + 1 + length
                if len(self.buffer) < end:
                    return None
                raw, self.buffer = self.buffer[:end], self.buffer[end:]
                return decode(raw[0], raw[at + 1:], self.version)
        return None

    def expect(self, kind, timeout=None):
        p = self.recv(timeout)
        assert p.kind == kind, f"expected {kind}, got {p}"
        return p

    def expect_closed(self, timeout=None):
        """Reads until the broker closes; returns the packets before it (a DISCONNECT, a CONNACK)."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        before = []
        while True:
            try:
                before.append(self.recv(max(0.01, deadline - time.monotonic())))
            except Closed:
                return before
            except Nothing:
                raise AssertionError(f"the broker keeps the connection open; it sent {before}") from None

    def expect_nothing(self, seconds=0.3):
        deadline = time.monotonic() + seconds
        while True:
            try:
                p = self.recv(max(0.01, deadline - time.monotonic()))
            except Nothing:
                return
            assert self._release(p), f"expected nothing, got {p}"

    def subscribe(self, topic_filter, qos=0, no_local=False, retain_as_published=False, retain_handling=0, props=None):
        """Returns the code granted."""
        options = qos | no_local << 2 | retain_as_published << 3 | retain_handling << 4
        pid = self.next_pid()
        self.send(subscribe(pid, [(topic_filter, options)], self.version, props))
        # What matches may come before the SUBACK (3.8.4).
        early = []
        while (p := self.recv()).kind == "publish":
            early.append(p)
        assert p.kind == "suback" and p.pid == pid and len(p.codes) == 1, p
        self.early += early
        return p.codes[0]

    def unsubscribe(self, topic_filter):
        pid = self.next_pid()
        self.send(unsubscribe(pid, [topic_filter], self.version))
        p = self.expect("unsuback")
        assert p.pid == pid, p
        return p.codes

    def publish(self, topic, payload=b"", qos=0, retain=False, props=None, dup=False, pid=None):
        """Sends only; returns the packet identifier."""
        pid = 0 if qos == 0 else pid or self.next_pid()
        self.send(publish(topic, payload, self.version, qos, pid, dup, retain, props))
        return pid

    def publish_acked(self, topic, payload=b"", qos=1, **more):
        """QoS 1 and 2 to the end; returns the reason code of PUBACK or PUBREC."""
        pid = self.publish(topic, payload, qos, **more)
        if qos == 1:
            p = self.expect("puback")
            assert p.pid == pid, p
            return p.reason
        p = self.expect("pubrec")
        assert p.pid == pid, p
        if p.reason >= 0x80:
            return p.reason
        self.send(ack("pubrel", pid, self.version))
        done = self.expect("pubcomp")
        assert done.pid == pid and done.reason == 0, done
        return p.reason

    def ack(self, kind, pid, reason=0):
        self.send(ack(kind, pid, self.version, reason))

    def take(self, timeout=None):
        """The next message, acknowledged; the rest of a QoS 2 exchange is answered when it comes."""
        while True:
            p = self.recv(timeout)
            if not self._release(p):
                break
        assert p.kind == "publish", f"expected publish, got {p}"
        if p.qos == 1:
            self.ack("puback", p.pid)
        elif p.qos == 2:
            self.ack("pubrec", p.pid)
            self.received.add(p.pid)
        return p

    def rest(self):
        """The messages that had come when the broker was killed; nothing is acknowledged any more."""
        got = []
        try:
            while True:
                p = self.recv(1)
                got += [p] if p.kind == "publish" else []
        except (Closed, Nothing):
            return got

    def _release(self, p):
        """Answers the PUBREL of a message that take() gave."""
        if p.kind != "pubrel" or p.pid not in self.received:
            return False
        assert p.flags == 2, p  # [MQTT-3.6.1-1]
        self.received.remove(p.pid)
        self.ack("pubcomp", p.pid)
        return True

    def ping(self):
        self.send(packet("pingreq", 0, b""))
        while self._release(p := self.recv()):
            pass
        assert p.kind == "pingresp", f"expected pingresp, got {p}"
