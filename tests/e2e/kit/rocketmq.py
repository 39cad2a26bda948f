"""A real RocketMQ of our own (three processes on 127.0.0.1, ports apart from the defaults) and the official Java clients."""
import base64
import json
import os
import subprocess
import threading
import time
from pathlib import Path

from kit.node import port_open, wait_until

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / "tools" / "rocketmq"
JAVA = ROOT / "tests" / "e2e" / "java" / "run.sh"
OFFSET = int(os.environ.get("E2E_RMQ_OFFSET", "20000"))


class Received:
    def __init__(self, line):
        m = json.loads(line)
        self.body, self.tag, self.keys = base64.b64decode(m["body"]), m["tag"], m["keys"]
        self.properties, self.group, self.attempt = m["properties"], m["message_group"], m["attempt"]
        self.id = m["message_id"]

    def __repr__(self):
        return f"{self.body!r} tag={self.tag} keys={self.keys} properties={self.properties}"


class RocketMQ:
    """start(), topics(...), kill("broker"), start() again; consumers and senders of both official clients."""

    def __init__(self, offset=OFFSET, mode="cluster", auth=False):
        self.env = {**os.environ, "RMQ_PORT_OFFSET": str(offset), "MODE": mode, "AUTH": "1" if auth else "0"}
        self.grpc_port, self.namesrv_port = 8081 + offset, 9876 + offset
        self.endpoint = f"127.0.0.1:{self.grpc_port}"

    def tool(self, script, *arguments, timeout=180, **env):
        done = subprocess.run([str(TOOLS / script), *arguments], env={**self.env, **env}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
        assert done.returncode == 0, f"{script} {arguments}: {done.stdout[-3000:]}"
        return done.stdout

    def start(self):
        self.tool("start.sh", timeout=600)
        return self

    def stop(self):
        self.tool("stop.sh", WIPE="1", SIGNAL="KILL")  # its store goes with it: nothing to end in order, for half a minute

    def kill(self, process):
        self.tool("stop.sh", process, SIGNAL="KILL")
        if process == "proxy":
            assert not port_open(self.grpc_port)

    def topics(self, *names, groups=()):
        """Names as tools/rocketmq/topics.sh takes them: T or T:FIFO, G or G:ordered."""
        arguments = [a for n in names for a in ("--topic", n)] + [a for g in groups for a in ("--group", g)]
        self.tool("topics.sh", *arguments)

    def consume(self, topic, group, client="Grpc"):
        return Consumer(self, topic, group, client)

    def consume_when_there(self, topic, group, client="Grpc", tries=10):
        """A topic that was just made takes some seconds to be known to the proxy; the client gives up at once."""
        for left in reversed(range(tries)):
            try:
                return self.consume(topic, group, client)
            except AssertionError:
                if not left:
                    raise

    def send(self, topic, messages, client="Grpc"):
        """messages: dicts with body or body_base64, tag, keys, properties, message_group."""
        done = subprocess.run([str(JAVA), f"{client}Send", "--topic", topic], env=self.env, timeout=120, text=True,
                              input="".join(json.dumps(m) + "\n" for m in messages), capture_output=True)
        assert done.returncode == 0 and done.stdout.count('"sent"') == len(messages), done


class Consumer:
    """One of the official clients that prints what it gets until it is closed."""

    def __init__(self, rocketmq, topic, group, client):
        self.process = subprocess.Popen(
            [str(JAVA), f"{client}Consume", "--topic", topic, "--group", group, "--seconds", "900"], env=rocketmq.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.messages, self.errors, self.ready = [], [], threading.Event()
        self.name = f"{client}Consume {topic}"
        threading.Thread(target=self._read_out, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()
        wait_until(lambda: self.ready.is_set() or self.process.poll() is not None, 60, f"{self.name} is ready")
        assert self.ready.is_set(), self.errors

    def _read_out(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                self.messages.append(Received(line))

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)
            if line.strip() == "ready":
                self.ready.set()

    def wait(self, enough, seconds):
        """Until enough(all messages so far); returns them."""
        deadline = time.monotonic() + seconds
        while not enough(list(self.messages)):
            assert self.process.poll() is None, f"{self.name} has ended: {self.errors[-5:]}"
            assert time.monotonic() < deadline, (
                f"{self.name}: not within {seconds} s; {len(self.messages)} messages came: {self.messages[-3:]}")
            time.sleep(0.05)
        return list(self.messages)

    def close(self):
        self.process.terminate()
        self.process.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Backend:
    """What kit/scenarios.py calls: one consumer for each topic, started when it is first asked for."""

    def __init__(self, rocketmq, uid, client="Grpc"):
        self.rocketmq, self.uid, self.client = rocketmq, uid, client
        self.consumers, self.taken = {}, {}

    def group(self, topic):
        return f"E2E_{self.client}_{topic}"

    def listen(self, topic):
        if topic not in self.consumers:
            self.consumers[topic] = self.rocketmq.consume_when_there(topic, self.group(topic), self.client)
            self.taken[topic] = 0
        return self.consumers[topic]

    def receive(self, topic, enough, seconds):
        """What came since the last call, at least `enough`."""
        consumer, begin = self.listen(topic), self.taken.get(topic, 0)
        got = consumer.wait(lambda ms: enough(ms[begin:]), seconds)[begin:]
        self.taken[topic] = begin + len(got)
        return got

    def send(self, topic, body, properties, tag="", keys=()):
        body = body.encode() if isinstance(body, str) else body
        self.rocketmq.send(topic, [{"body_base64": base64.b64encode(body).decode(), "tag": tag, "keys": list(keys),
                                    "properties": properties}], self.client)

    def close(self):
        for c in self.consumers.values():
            c.close()
