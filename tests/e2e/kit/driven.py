"""Real clients behind one interface, each in a process of its own library's language (tests/e2e/clients/README.md).

    with Driver("autopaho", ["/path/driver"]) as d:
        c = d.connect(url, "id", version=5); c.subscribe("a/#", 1); c.publish("a/b", "x", 1); c.get(); c.lose(); c.disconnect()
"""
import queue
import subprocess
import threading
import urllib.parse
from dataclasses import dataclass, field

from kit.relay import Relay
from kit.slow import SLOW

WAIT_S = 20 * SLOW


@dataclass
class Message:
    topic: str
    payload: str
    qos: int
    retain: bool
    props: dict = field(default_factory=dict)


class Driver:
    """One process; it may hold several clients."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.answers, self.clients, self.last, self.errors = {}, {}, 0, []
        self.change, self.lock = threading.Condition(), threading.Lock()
        self.ended = False
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            pairs = urllib.parse.parse_qsl(line.strip(), keep_blank_values=True)
            fields = dict(pairs)
            if "message" in fields:
                props = {k: v for k, v in fields.items()
                         if k in ("content_type", "response_topic", "correlation", "expiry")}
                props["user"] = [tuple(v.split(":", 1)) for k, v in pairs if k == "user"]
                self.clients[fields["c"]].messages.put(
                    Message(fields["topic"], fields["payload"], int(fields["qos"]), fields["retain"] == "1", props))
            elif "n" in fields:
                with self.change:
                    self.answers[int(fields["n"])] = fields
                    self.change.notify_all()
        with self.change:
            self.ended = True
            self.change.notify_all()

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors = (self.errors + [line.rstrip()])[-20:]

    def call(self, op, client, fields=()):
        with self.lock:
            self.last += 1
            n = self.last
        line = urllib.parse.urlencode([("n", n), ("op", op), ("c", client), *fields])
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        with self.change:
            assert self.change.wait_for(lambda: n in self.answers or self.ended, WAIT_S), f"{op}: no answer; {self.errors}"
            assert n in self.answers, f"{op}: the client's process has ended: {self.errors}"
            answer = self.answers.pop(n)
        assert "error" not in answer, f"{op}: {answer['error']}"
        return answer

    def connect(self, url, client_id, version, clean=True, session_expiry=None, will=None):
        """url: "mqtt://127.0.0.1:1883" or "ws://127.0.0.1:8083/mqtt". will: (topic, payload, qos)"""
        return Driven(self, url, client_id, version, clean, session_expiry, will)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(5)


class Driven:
    """One client of a driver, behind a relay that lose() cuts."""

    def __init__(self, driver, url, client_id, version, clean, session_expiry, will):
        self.driver, self.messages = driver, queue.Queue()
        self.name = f"{client_id}-{len(driver.clients)}"
        driver.clients[self.name] = self
        parts = urllib.parse.urlsplit(url)
        self.relay = Relay(parts.port)
        fields = [("url", parts._replace(netloc=f"127.0.0.1:{self.relay.port}").geturl()), ("id", client_id),
                  ("version", version), ("clean", int(clean))]
        if session_expiry is not None:
            fields.append(("session_expiry", session_expiry))
        if will:
            fields += [("will_topic", will[0]), ("will_payload", will[1]), ("will_qos", will[2])]
        self.present = driver.call("connect", self.name, fields)["present"] == "1"

    def subscribe(self, topic_filter, qos=0):
        return int(self.driver.call("subscribe", self.name, [("filter", topic_filter), ("qos", qos)])["code"])

    def publish(self, topic, payload, qos=0, retain=False, props=None):
        """Returns when it is acknowledged to the end. props: user [(key, value)], content_type, response_topic, ..."""
        fields = [("topic", topic), ("payload", payload), ("qos", qos), ("retain", int(retain))]
        for key, value in (props or {}).items():
            fields += [("user", f"{k}:{v}") for k, v in value] if key == "user" else [(key, value)]
        self.driver.call("publish", self.name, fields)

    def get(self, timeout=WAIT_S):
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no message within {timeout} s; {self.driver.errors}") from None

    def lose(self):
        """The network between client and broker is gone."""
        self.relay.cut()
        self.driver.call("forget", self.name)

    def disconnect(self):
        self.driver.call("disconnect", self.name)
        self.relay.await_end()
        self.driver.call("forget", self.name)
        self.relay.cut()
