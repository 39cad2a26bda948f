"""What an operator does to a running node, and traffic that must not notice."""
import json
import threading
import time

from kit.node import wait_until
from kit.wire import Wire


def rewrite(node, /, **sections):
    """The node's file with other sections; `limits={...}` stands for the whole section."""
    node.config = {**node.config, **sections}
    node.config_path.write_text(json.dumps(node.config, indent=2) + "\n")


def reload(node):
    status, text = node.api.call("POST", "/api/v1/reload")
    return status, json.loads(text)


class Traffic:
    """One publisher at QoS 1 and one subscriber, on a thread, until told to stop."""

    def __init__(self, node, uid):
        self.s, self.p = Wire.open(node.port, f"{uid}s", 5), Wire.open(node.port, f"{uid}p", 5)
        self.topic = f"{uid}/t"
        self.s.subscribe(self.topic, 1)
        self.sent, self.stopping, self.failure = 0, False, None
        self.pause_s = 0  # after each message
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping:
                self.p.publish_acked(self.topic, str(self.sent))
                self.sent += 1
                assert int(self.s.take().payload) == self.sent - 1
                time.sleep(self.pause_s)
        except Exception as e:
            self.failure = e

    def more(self, count=50):
        goal = self.sent + count
        wait_until(lambda: self.failure or self.sent >= goal, 30, "traffic goes on")
        assert self.failure is None, self.failure

    def stop(self):
        self.stopping = True
        self.thread.join(30)
        assert self.failure is None, self.failure
        self.s.ping()
        self.p.ping()
        return self.sent
