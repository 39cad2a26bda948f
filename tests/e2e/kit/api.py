"""Dunlin's HTTP side as the tests use it: health, metrics, rules, the embedded queue."""
import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request


class Api:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"

    def call(self, method, path, body=None, timeout=30):
        """-> (status, text)"""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, method=method,
                                         headers={"Content-Type": "application/json"} if data else {})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def get(self, path, timeout=30):
        return self.call("GET", path, timeout=timeout)

    def ready(self):
        try:
            return self.get("/readyz", timeout=2)[0] == 200
        except OSError:
            return False

    def rules(self):
        status, text = self.get("/api/v1/rules")
        assert status == 200, (status, text)
        return {r["id"]: r for r in json.loads(text)["rules"]}

    def rule(self, rule_id):
        return self.rules()[rule_id]

    def dead_letters(self, rule_id, most=1000):
        status, text = self.get(f"/api/v1/rules/{rule_id}/dead-letters?max={most}")
        assert status == 200, (status, text)
        return json.loads(text)["deadLetters"]

    def queue_path(self, topic, what):
        return f"/api/v1/queues/{urllib.parse.quote(topic, safe='')}/{what}"

    def queue_put(self, topic, body, properties=None, tag="", keys=()):
        self.queue_put_many(topic, [body], properties, tag, keys)

    def queue_put_many(self, topic, bodies, properties=None, tag="", keys=()):
        messages = [{"bodyBase64": base64.b64encode(b.encode() if isinstance(b, str) else b).decode(),
                     "properties": properties or {}, "tag": tag, "keys": list(keys)} for b in bodies]
        for at in range(0, len(messages), 500):
            part = {"messages": messages[at:at + 500]}
            status, text = self.call("POST", self.queue_path(topic, "messages"), part)
            assert status == 200, (status, text)

    def queue_get(self, topic, group, count=32, wait=5):
        query = urllib.parse.urlencode({"group": group, "max": count, "wait": f"{wait}s"})
        status, text = self.get(f"{self.queue_path(topic, 'messages')}?{query}", timeout=wait + 15)
        assert status == 200, (status, text)
        return [Message(m) for m in json.loads(text).get("messages", [])]

    def queue_ack(self, topic, group, messages):
        receipts = [m.receipt for m in messages]
        status, text = self.call("POST", self.queue_path(topic, "ack"), {"group": group, "receipts": receipts})
        assert status in (200, 204), (status, text)

    def queue_drain(self, topic, group, enough, seconds):
        """Receives and acks until `enough` (a function of all that came) says so."""
        import time
        all_of_it, deadline = [], time.monotonic() + seconds
        while not enough(all_of_it):
            assert time.monotonic() < deadline, f"{topic}: only {len(all_of_it)} messages within {seconds} s"
            batch = self.queue_get(topic, group, count=1000, wait=2)
            if batch:
                self.queue_ack(topic, group, batch)
            all_of_it += batch
        return all_of_it

    def metrics(self):
        """-> {(name, ((label, value), ...)): number}"""
        status, text = self.get("/metrics")
        assert status == 200, (status, text)
        return parse_metrics(text)


class Message:
    """A message of the embedded queue."""

    def __init__(self, m):
        self.raw = m
        self.body = base64.b64decode(m["bodyBase64"]) if "bodyBase64" in m else m.get("body", "").encode()
        self.properties = m.get("properties", {})
        if isinstance(self.properties, list):
            self.properties = {p["key"]: p["value"] for p in self.properties}
        self.tag, self.keys = m.get("tag", ""), m.get("keys", [])
        self.receipt, self.attempt = m.get("receipt"), int(m.get("attempt", 0))
        self.id = m.get("messageId") or m.get("id")

    def __repr__(self):
        return f"Message({self.raw})"


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def parse_metrics(text):
    out = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, f"not a sample of the Prometheus text format: {line!r}"
        name, labels, value = match.groups()
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in out, f"twice: {line!r}"
        out[key] = float(value)
    return out
