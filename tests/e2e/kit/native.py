"""paho-mqtt, gmqtt and the mosquitto tools behind the interface of kit/driven.py."""
import queue
import subprocess
import threading
import urllib.parse

import gmqtt

from kit.clients import Gmqtt, Paho, connect_properties, mosquitto_pub, publish_properties
from kit.driven import WAIT_S, Message
from kit.relay import Relay

PAHO_NAMES = {"user": "UserProperty", "content_type": "ContentType", "response_topic": "ResponseTopic",
              "correlation": "CorrelationData", "expiry": "MessageExpiryInterval"}
GMQTT_NAMES = {"user": "user_property", "content_type": "content_type", "response_topic": "response_topic",
               "correlation": "correlation_data", "expiry": "message_expiry_interval"}


FORMAT = "MSG\t%q\t%r\t%t\t%C\t%R\t%D\t%E\t%P\t%p"  # of mosquitto_sub


class Native:
    """Clients of this process: there is nothing to start or to end."""

    def __init__(self, connect):
        self.connect = connect

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def port_of(url):
    return urllib.parse.urlsplit(url).port


class PahoClient:
    def __init__(self, url, client_id, version, clean=True, session_expiry=None, will=None):
        props = connect_properties(SessionExpiryInterval=session_expiry) if version == 5 and session_expiry else None
        will = {"topic": will[0], "payload": will[1], "qos": will[2]} if will else None
        transport = "websockets" if url.startswith("ws:") else "tcp"
        self.inner = Paho(port_of(url), client_id, version, clean, properties=props, will=will, transport=transport)
        self.present = self.inner.flags.session_present

    def subscribe(self, topic_filter, qos=0):
        return self.inner.subscribe(topic_filter, qos)[0].value

    def publish(self, topic, payload, qos=0, retain=False, props=None):
        values = {PAHO_NAMES[k]: v.encode() if k == "correlation" else v for k, v in (props or {}).items()}
        self.inner.publish(topic, payload, qos, retain, publish_properties(**values) if props else None)

    def get(self, timeout=WAIT_S):
        m = self.inner.get(timeout)
        given = {k: getattr(m.properties, n) for k, n in PAHO_NAMES.items() if hasattr(getattr(m, "properties", None), n)}
        given["user"] = [tuple(u) for u in given.get("user", [])]
        if "correlation" in given:
            given["correlation"] = given["correlation"].decode()
        return Message(m.topic, m.payload.decode(), m.qos, bool(m.retain), given)

    def lose(self):
        self.inner.drop()

    def disconnect(self):
        self.inner.disconnect()


class GmqttClient:
    def __init__(self, url, client_id, version, clean=True, session_expiry=None, will=None):
        assert version == 5
        self.relay = Relay(port_of(url))
        message = gmqtt.Message(will[0], will[1], qos=will[2]) if will else None
        self.inner = Gmqtt(self.relay.port, client_id, clean, session_expiry or 0, will=message)
        self.present = self.inner.session_present

    def subscribe(self, topic_filter, qos=0):
        self.inner.subscribe(topic_filter, qos)
        return qos

    def publish(self, topic, payload, qos=0, retain=False, props=None):
        values = {GMQTT_NAMES[k]: v.encode() if k == "correlation" else v for k, v in (props or {}).items()}
        self.inner.publish(topic, payload, qos, retain=retain, **values)

    def get(self, timeout=WAIT_S):
        topic, payload, qos, properties = self.inner.get(timeout)
        given = {}
        for key, name in GMQTT_NAMES.items():
            values = properties.get(name, [])
            if values:
                given[key] = values if key == "user" else values[0]
        given["user"] = [tuple(u) for u in given.get("user", [])]
        if isinstance(given.get("correlation"), bytes):
            given["correlation"] = given["correlation"].decode()
        return Message(topic, payload.decode(), qos, bool(properties.get("retain")), given)

    def lose(self):
        self.relay.cut()
        self.inner.abandon()

    def disconnect(self):
        self.inner.disconnect()
        self.relay.await_end()  # its DISCONNECT has gone on
        self.relay.cut()


class MosquittoClient:
    """mosquitto_sub for what it receives, mosquitto_pub for what it sends. The tools connect when they have something to do."""

    subscribed = {}  # (port, client ID) -> the arguments of the subscription that its session holds

    def __init__(self, url, client_id, version, clean=True, session_expiry=None, will=None):
        self.port, self.id, self.version, self.process = port_of(url), client_id, version, None
        self.common = ["-h", "127.0.0.1", "-p", self.port, "-V", "mqttv5" if version == 5 else "mqttv311"]
        self.options = [] if clean else ["-c"]
        if session_expiry and version == 5:
            self.options += ["-x", session_expiry]
        if will:
            self.options += ["--will-topic", will[0], "--will-payload", will[1], "--will-qos", will[2]]
        self.messages, self.seen = queue.Queue(), threading.Event()
        self.present = None  # the tools do not say
        if not clean and (self.port, self.id) in self.subscribed:
            self._start(self.subscribed.pop((self.port, self.id)))

    def _start(self, arguments):
        command = ["stdbuf", "-oL", "mosquitto_sub", *self.common, "-i", self.id, "-d", "-F", FORMAT, *self.options, *arguments]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        assert self.seen.wait(WAIT_S), "mosquitto_sub got no SUBACK"

    def _read(self):
        for line in self.process.stdout:
            if line.startswith("Subscribed "):
                self.seen.set()
            elif line.startswith("MSG\t"):
                self.messages.put(line.rstrip("\n").split("\t"))

    def subscribe(self, topic_filter, qos=0):
        arguments = ["-t", topic_filter, "-q", qos]
        if "-c" in self.options:
            self.subscribed[(self.port, self.id)] = arguments
        self._start(arguments)
        return qos

    def publish(self, topic, payload, qos=0, retain=False, props=None):
        names = {"user": "user-property", "content_type": "content-type", "response_topic": "response-topic",
                 "correlation": "correlation-data", "expiry": "message-expiry-interval"}
        given = []
        for key, value in (props or {}).items():
            for v in value if key == "user" else [value]:
                given += ["-D", "publish", names[key], *(v if key == "user" else [v])]
        mosquitto_pub(self.port, *self.common[4:], "-t", topic, "-m", payload, "-q", qos, *(["-r"] if retain else []), *given)

    def get(self, timeout=WAIT_S):
        try:
            _, qos, retain, topic, *values, user, payload = self.messages.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"mosquitto_sub: no message within {timeout} s") from None
        given = {k: v for k, v in zip(("content_type", "response_topic", "correlation", "expiry"), values) if v}
        given["user"] = [tuple(pair.split(":", 1)) for pair in user.split()]
        return Message(topic, payload, int(qos), retain == "1", given)

    def lose(self):
        self.process.kill()
        self.process.wait(5)

    def disconnect(self):
        if self.process:
            self.process.terminate()
            self.process.wait(5)
