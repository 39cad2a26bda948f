"""Real clients of every language on the device side: the same checks for each, over every transport that it has.

A failure's name says which client, which version, which transport and which check. tests/e2e/clients/README.md tells how they are driven.
"""
import contextlib
import functools
import http.server
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from conftest import missing
from kit.driven import Driver
from kit.native import GmqttClient, MosquittoClient, Native, PahoClient
from kit.node import Dunlin, wait_until
from kit.wire import Nothing, Wire

pytestmark = [pytest.mark.dunlin, pytest.mark.timeout(300)]
CLIENTS = Path(__file__).resolve().parent / "clients"
SITES = [("paho", 3, "tcp"), ("paho", 4, "tcp"), ("paho", 5, "tcp"), ("gmqtt", 5, "tcp"), ("mosquitto", 4, "tcp"),
         ("mosquitto", 5, "tcp"), ("mqttjs", 4, "tcp"), ("mqttjs", 5, "tcp"), ("autopaho", 5, "tcp"), ("hivemq", 4, "tcp"),
         ("hivemq", 5, "tcp"), ("rumqttc", 4, "tcp"), ("rumqttc", 5, "tcp"), ("paho", 4, "ws"), ("paho", 5, "ws"),
         ("mqttjs", 4, "ws"), ("mqttjs", 5, "ws"), ("chromium", 4, "ws"), ("chromium", 5, "ws"), ("autopaho", 5, "ws"),
         ("hivemq", 4, "ws"), ("hivemq", 5, "ws")]
PROPS = {"user": [("k", "one"), ("k", "two"), ("z", "3")], "content_type": "text/plain", "response_topic": "answer/here",
         "correlation": "c-7", "expiry": 600}


@functools.lru_cache
def built(client):
    """Where fetch.sh put it."""
    done = subprocess.run([CLIENTS / "fetch.sh", "--path", client], capture_output=True, text=True, timeout=600)
    if done.returncode:
        missing(f"{client} cannot be built: {done.stderr[-500:]}")
    return done.stdout.strip()


@pytest.fixture(scope="module")
def broker(dunlin_bin, tmp_path_factory):
    node = Dunlin(dunlin_bin, tmp_path_factory.mktemp("broker"))
    yield node.add_websocket().start()
    node.stop()


class Pages(http.server.BaseHTTPRequestHandler):
    """The page that Chromium opens, with MQTT.js from npm and the driver."""

    def do_GET(self):
        name = self.path.strip("/")
        path = {"page.html": CLIENTS / "mqttjs/page.html", "driver.js": CLIENTS / "mqttjs/driver.js",
                "mqtt.min.js": Path(built("mqttjs")) / "node_modules/mqtt/dist/mqtt.min.js"}.get(name)
        self.send_response(200 if path else 404)
        self.send_header("Content-Type", "text/html" if name.endswith("html") else "text/javascript")
        self.end_headers()
        if path:
            self.wfile.write(path.read_bytes())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def chromium(profile):
    if shutil.which("chromium") is None:
        missing("chromium is not installed: tools/setup.sh test")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Driver(["node", CLIENTS / "mqttjs/chromium.js", built("mqttjs"), shutil.which("chromium"),
                     f"http://127.0.0.1:{server.server_port}/page.html", profile]) as driver:
            yield driver
    finally:
        server.shutdown()


@pytest.fixture(scope="module")
def drivers(tmp_path_factory):
    """drivers(name): one process for all checks of a client; ended with the file."""
    with contextlib.ExitStack() as stack:
        running = {}

        def start(name):
            if name == "mqttjs":
                return Driver(["node", CLIENTS / "mqttjs/node.js", built("mqttjs")])
            if name == "chromium":
                return chromium(tmp_path_factory.mktemp("chromium"))
            if name == "hivemq":
                classes = built("hivemq")
                return Driver(["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                               "-Djava.net.preferIPv4Stack=true", "-cp", f"{classes}:{classes}/lib/*", "Driver"])
            return Driver([f"{built(name)}/driver"])

        def of(name):
            if name not in running:
                native = {"paho": PahoClient, "gmqtt": GmqttClient, "mosquitto": MosquittoClient}
                running[name] = stack.enter_context(Native(native[name]) if name in native else start(name))
            return running[name]

        yield of


class Under:
    """A client library under test: connects as one version over one transport."""

    def __init__(self, driver, url, version, uid):
        self.driver, self.url, self.version, self.uid, self.open = driver, url, version, uid, []

    def connect(self, name="c", **more):
        client = self.driver.connect(self.url, f"{self.uid}{name}", self.version, **more)
        self.open.append(client)
        return client

    def keep(self, name="c", **more):
        """A session that outlives its connection."""
        return self.connect(name, clean=False, session_expiry=300 if self.version == 5 else None, **more)

    def close(self, client):
        self.open.remove(client)
        client.disconnect()

    def lose(self, client):
        self.open.remove(client)
        client.lose()


def site_name(site):
    client, version, transport = site
    return f"{client}-{ {3: '3.1', 4: '3.1.1', 5: '5'}[version] }-{transport}"


def only(holds):
    """The sites for which it holds."""
    return pytest.mark.parametrize("client", [s for s in SITES if holds(s)], ids=site_name, indirect=True)


@pytest.fixture(params=SITES, ids=site_name)
def client(request, broker, drivers, uid):
    name, version, transport = request.param
    url = f"mqtt://127.0.0.1:{broker.port}" if transport == "tcp" else f"ws://127.0.0.1:{broker.web_port}/mqtt"
    under = Under(drivers(name), url, version, uid)
    under.name = name
    yield under
    for c in under.open:
        with contextlib.suppress(AssertionError, OSError):
            c.disconnect()


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_publishes(client, broker, uid, qos):
    s = Wire.open(broker.port, f"{uid}s", 5)
    s.subscribe(f"{uid}/#", 2)
    c = client.connect()
    for n in range(5):
        c.publish(f"{uid}/t", f"{n}", qos)
    got = [s.take() for _ in range(5)]
    assert [(m.topic, m.payload, m.qos) for m in got] == [(f"{uid}/t", str(n).encode(), qos) for n in range(5)]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_receives(client, broker, uid, qos):
    c, p = client.connect(), Wire.open(broker.port, f"{uid}p", 5)
    assert c.subscribe(f"{uid}/+", 2) == 2
    for n in range(5):
        p.publish(f"{uid}/t", f"{n}", 0) if qos == 0 else p.publish_acked(f"{uid}/t", f"{n}", qos)
    got = [c.get() for _ in range(5)]
    assert [(m.topic, m.payload, m.qos, m.retain) for m in got] == [(f"{uid}/t", str(n), qos, False) for n in range(5)]


def test_resumes_its_session(client, broker, uid):
    c, p = client.keep(), Wire.open(broker.port, f"{uid}p", 5)
    c.subscribe(f"{uid}/t", 2)
    p.publish_acked(f"{uid}/t", "before", 1)
    assert c.get().payload == "before"
    client.lose(c)
    for n in range(6):
        p.publish_acked(f"{uid}/t", f"while away {n}", 1 + n % 2)
    c = client.keep()
    assert c.present in (True, None) or client.version == 3  # 3.1's CONNACK does not tell
    p.publish_acked(f"{uid}/t", "after", 2)
    got = []
    while (m := c.get()).payload != "after":
        got += [m] if m.payload != "before" else []  # lost before its PUBACK had gone out: it comes again
    # A library may give a QoS 2 message when it is released: the order holds for each QoS.
    for qos in (1, 2):
        assert [m.payload for m in got if m.qos == qos] == [f"while away {n}" for n in range(qos - 1, 6, 2)]


@only(lambda s: s[0] != "mosquitto")  # mosquitto_sub does not connect without subscribing
def test_a_clean_start_forgets(client, broker, uid):
    c, p = client.keep(), Wire.open(broker.port, f"{uid}p", 5)
    c.subscribe(f"{uid}/t", 1)
    client.lose(c)
    p.publish_acked(f"{uid}/t", "lost")
    c = client.connect()
    assert not c.present
    c.subscribe(f"{uid}/u", 1)
    p.publish_acked(f"{uid}/u", "first")
    assert c.get().payload == "first"


def test_its_will_is_published_when_it_is_lost(client, broker, uid):
    s = Wire.open(broker.port, f"{uid}s", 5)
    s.subscribe(f"{uid}/will", 2)
    c = client.connect(will=(f"{uid}/will", "gone", 1))
    c.subscribe(f"{uid}/t")
    client.lose(c)
    m = s.take()
    assert (m.topic, m.payload, m.qos) == (f"{uid}/will", b"gone", 1)


def test_its_will_is_not_published_when_it_leaves(client, broker, uid):
    s = Wire.open(broker.port, f"{uid}s", 5)
    s.subscribe(f"{uid}/will", 2)
    c = client.connect(will=(f"{uid}/will", "gone", 1))
    c.subscribe(f"{uid}/t")
    client.close(c)
    if client.name == "mosquitto" and client.version == 5:  # it leaves with reason 0x04, disconnect with will
        assert s.take().payload == b"gone"
    s.expect_nothing(0.3)


def sees_retained(broker, name, topic, payload):
    """A new subscriber that got it as a retained one; None: it was not there yet (not every client's publish waits)."""
    s = Wire.open(broker.port, name, 5)
    s.subscribe(topic, 1)
    try:
        m = s.take(0.5)
    except Nothing:
        m = None
    if m is None or not m.retain:
        s.close()
        return None
    assert m.payload == payload
    return s


def test_retained_messages(client, broker, uid):
    c, p = client.connect(), Wire.open(broker.port, f"{uid}p", 5)
    c.publish(f"{uid}/mine", "kept", 1, retain=True)
    s = wait_until(lambda: sees_retained(broker, f"{uid}s", f"{uid}/mine", b"kept"), 15, "the retained message")
    p.publish_acked(f"{uid}/theirs", "kept too", 1, retain=True)
    c.subscribe(f"{uid}/theirs", 1)
    m = c.get()
    # paho.golang 0.11 does not read the RETAIN flag of what comes.
    assert (m.payload, m.retain) == ("kept too", client.name != "autopaho")
    c.publish(f"{uid}/mine", "", 1, retain=True)
    assert s.take().payload == b""
    again = Wire.open(broker.port, f"{uid}r", 5)
    again.subscribe(f"{uid}/mine", 1)
    again.expect_nothing(0.2)


def test_shares_a_subscription(client, broker, uid):
    members = [client.connect("a"), client.connect("b")]
    for m in members:
        assert m.subscribe(f"$share/g/{uid}/t", 1) == 1
    p = Wire.open(broker.port, f"{uid}p", 5)
    for n in range(20):
        p.publish_acked(f"{uid}/t", f"{n}")
    got = [[], []]
    for at, member in enumerate(members):
        with contextlib.suppress(AssertionError):
            while sum(map(len, got)) < 20:
                got[at].append(int(member.get(1.0).payload))
    assert sorted(got[0] + got[1]) == list(range(20))
    assert got[0] and got[1], "one member got all"
    assert all(numbers == sorted(numbers) for numbers in got)


@only(lambda s: s[1] == 5)
def test_sends_properties(client, broker, uid):
    s, c = Wire.open(broker.port, f"{uid}s", 5), client.connect()
    s.subscribe(f"{uid}/t", 1)
    c.publish(f"{uid}/t", "x", 1, props=PROPS)
    got = s.take().props
    assert got.pop("message_expiry") in (599, 600)
    assert got == {"user": PROPS["user"], "content_type": "text/plain", "response_topic": "answer/here",
                   "correlation_data": b"c-7"}


@only(lambda s: s[1] == 5)
def test_receives_properties(client, broker, uid):
    p, c = Wire.open(broker.port, f"{uid}p", 5), client.connect()
    c.subscribe(f"{uid}/t", 1)
    p.publish_acked(f"{uid}/t", "x", 1, props={
        "user": PROPS["user"], "content_type": "text/plain", "response_topic": "answer/here", "correlation_data": b"c-7",
        "message_expiry": 600})
    got = c.get().props
    assert int(got.pop("expiry")) in (599, 600)
    assert got == {"user": PROPS["user"], "content_type": "text/plain", "response_topic": "answer/here", "correlation": "c-7"}
