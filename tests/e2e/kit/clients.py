"""Real MQTT clients as the tests use them: paho-mqtt, gmqtt, mosquitto_pub and mosquitto_sub."""
import asyncio
import queue
import subprocess
import threading

import gmqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kit.slow import SLOW

VERSIONS = {3: paho.MQTTv31, 4: paho.MQTTv311, 5: paho.MQTTv5}
WAIT_S = 15 * SLOW


def connect_properties(**values):
    p = Properties(PacketTypes.CONNECT)
    for name, value in values.items():
        setattr(p, name, value)
    return p


def publish_properties(**values):
    p = Properties(PacketTypes.PUBLISH)
    for name, value in values.items():
        setattr(p, name, value)
    return p


class Paho:
    """paho-mqtt with bounded waits. `with Paho(port, "c1", 5) as c: c.subscribe("a/#", 1); c.get()`"""

    def __init__(self, port, client_id="", version=4, clean=True, keep_alive=60, properties=None, will=None,
                 transport="tcp", path="/mqtt", tls=None, user=None):
        """transport: tcp, websockets or unix (port is its path then); tls: an ssl.SSLContext."""
        arguments = {} if version == 5 else {"clean_session": clean}
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id, protocol=VERSIONS[version],
                                  transport=transport, **arguments)
        if transport == "websockets":
            self.client.ws_set_options(path)
        if tls:
            self.client.tls_set_context(tls)
        if user:
            self.client.username_pw_set(user)
        self.version, self.messages = version, queue.Queue()
        self.connected, self.closed = threading.Event(), threading.Event()
        self.subscribed, self.reason, self.close_reason, self.flags = {}, None, None, None
        self.change = threading.Condition()
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_unsubscribe = lambda c, u, mid, codes, p: self._on_subscribe(c, u, mid, codes, p)
        self.client.on_message = lambda c, u, m: self.messages.put(m)
        self.client.max_inflight_messages_set(1000)
        if will:
            self.client.will_set(**will)
        more = {"clean_start": clean, "properties": properties} if version == 5 else {}
        host, port = (port, 1) if transport == "unix" else ("127.0.0.1", port)
        self.client.connect(host, port, keep_alive, **more)
        self.client.loop_start()
        assert self.connected.wait(WAIT_S), "no CONNACK"
        assert not self.reason.is_failure, f"CONNACK: {self.reason}"

    def _on_connect(self, client, userdata, flags, reason, properties):
        self.reason, self.flags, self.connack_properties = reason, flags, properties
        self.connected.set()

    def _on_disconnect(self, client, userdata, flags, reason, properties):
        self.close_reason = reason
        self.closed.set()

    def _on_subscribe(self, client, userdata, mid, codes, properties):
        with self.change:
            self.subscribed[mid] = codes
            self.change.notify_all()

    def _answer(self, mid):
        with self.change:
            assert self.change.wait_for(lambda: mid in self.subscribed, WAIT_S), "no SUBACK or UNSUBACK"
            return self.subscribed[mid]

    def subscribe(self, topic_filter, qos=0):
        return self._answer(self.client.subscribe(topic_filter, qos)[1])

    def unsubscribe(self, topic_filter):
        return self._answer(self.client.unsubscribe(topic_filter)[1])

    def publish(self, topic, payload, qos=0, retain=False, properties=None):
        """Waits until it is acknowledged to the end (QoS 0: written)."""
        info = self.client.publish(topic, payload, qos, retain, properties)
        info.wait_for_publish(WAIT_S)
        assert info.is_published(), f"{topic}: not acknowledged"

    def publish_soon(self, topic, payload, qos=0, retain=False):
        return self.client.publish(topic, payload, qos, retain)

    def get(self, timeout=WAIT_S):
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no message within {timeout} s") from None

    def get_many(self, count, timeout=WAIT_S):
        return [self.get(timeout) for _ in range(count)]

    def empty(self):
        return self.messages.empty()

    def disconnect(self):
        self.client.disconnect()
        self.client.loop_stop()

    def drop(self):
        """Ends without DISCONNECT. Shuts the socket, so that paho's thread does not reconnect before it is stopped."""
        self.client.on_disconnect = None
        self.client._thread_terminate = True
        wrapped = self.client.socket()
        getattr(wrapped, "_socket", wrapped).shutdown(2)  # a WebSocket's own socket
        self.client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.disconnect()


class Gmqtt:
    """gmqtt (MQTT 5) on an event loop of its own thread."""

    def __init__(self, port, client_id, clean=True, session_expiry=0, will=None):
        self.session_present = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.messages, self.suback = queue.Queue(), threading.Event()
        self.client = self._run(self._make(client_id, clean, session_expiry, will))
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: self.suback.set()
        self._run(self.client.connect("127.0.0.1", port, version=gmqtt.constants.MQTTv50))

    async def _make(self, client_id, clean, session_expiry, will):
        client = gmqtt.Client(client_id, clean_session=clean, session_expiry_interval=session_expiry, will_message=will)
        client.set_config({"reconnect_retries": 0})
        return client

    def _on_connect(self, client, flags, reason, properties):
        self.session_present = bool(flags & 1)

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_S)

    async def _on_message(self, client, topic, payload, qos, properties):
        self.messages.put((topic, payload, qos, properties))
        return 0

    def subscribe(self, topic_filter, qos=0):
        self.suback.clear()
        self.loop.call_soon_threadsafe(lambda: self.client.subscribe(topic_filter, qos=qos))
        assert self.suback.wait(WAIT_S), "no SUBACK"

    def publish(self, topic, payload, qos=0, **properties):
        self.loop.call_soon_threadsafe(lambda: self.client.publish(topic, payload, qos=qos, **properties))

    def get(self, timeout=WAIT_S):
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no message within {timeout} s") from None

    def abandon(self):
        """After the connection is lost."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def disconnect(self):
        self._run(self.client.disconnect())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


def mosquitto_pub(port, *arguments, stdin=None):
    done = subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), *map(str, arguments)],
                          input=stdin, capture_output=True, timeout=WAIT_S)
    assert done.returncode == 0, done


class MosquittoSub:
    """mosquitto_sub, of which the subscription is known to hold before the constructor returns (-d shows the SUBACK)."""

    def __init__(self, port, *arguments):
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-d", "-F", "MSG %q %r %t %p",
             *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines, self.seen = queue.Queue(), threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        assert self.seen.wait(WAIT_S), "mosquitto_sub got no SUBACK"

    def _read(self):
        for line in self.process.stdout:
            if line.startswith("Subscribed "):
                self.seen.set()
            elif line.startswith("MSG "):
                self.lines.put(line[4:].rstrip("\n"))

    def get(self, timeout=WAIT_S):
        """'qos retain topic payload'"""
        try:
            return self.lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"mosquitto_sub: no message within {timeout} s") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(WAIT_S)
