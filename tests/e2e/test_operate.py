"""What an operator does to a running node: reload."""
import json
import signal
import subprocess
import threading

import pytest

from kit.node import wait_until
from kit.wire import Wire

pytestmark = pytest.mark.dunlin


def dunlin(node, *arguments, timeout=60):
    """dunlin COMMAND ... against this node -> (exit code, standard output, standard error)"""
    done = subprocess.run([node.binary, *arguments, "--config", str(node.config_path)], cwd=node.folder, timeout=timeout,
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


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
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping:
                self.p.publish_acked(self.topic, str(self.sent))
                self.sent += 1
                assert int(self.s.take().payload) == self.sent - 1
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


def test_limits_and_log_level_change_while_clients_publish(make_node, uid):
    node = make_node({"log": {"level": "warn"}})
    traffic = Traffic(node, uid)
    traffic.more()
    rewrite(node, limits={"payload_bytes_max": 10}, log={"level": "debug"})
    code, out, err = dunlin(node, "reload")
    assert code == 0, err
    assert out.startswith(f"reloaded {node.config_path}: 2 changed, 0 need a restart"), out
    assert "limits.payload_bytes_max: 0 -> 10  (at once)" in out
    assert 'log.level: "warn" -> "debug"  (at once)' in out
    traffic.more()
    assert traffic.stop() > 100
    assert "client_disconnected" not in node.log(), "nobody was disconnected"
    assert Wire.open(node.port, f"{uid}x", 5).publish_acked(f"{uid}/y", "x" * 11) == 0x97
    assert "client_connected" in node.log(), "info lines are there since the reload"


def test_an_invalid_file_changes_nothing_and_the_faults_are_told(make_node, uid):
    node = make_node()
    client = Wire.open(node.port, f"{uid}c", 5)
    rewrite(node, limits={"payload_bytes_max": 10, "qos_maks": 1})
    status, answer = reload(node)
    assert status == 422
    assert "nothing was changed" in answer["error"]
    assert len(answer["faults"]) == 1
    assert f"{node.config_path}:" in answer["faults"][0] and 'did you mean "qos_max"?' in answer["faults"][0]
    url = ["--url", f"http://127.0.0.1:{node.http_port}"]
    code, out, err = dunlin(node, "reload", *url)
    assert code == 2 and "qos_maks" in err, (code, out, err)
    assert dunlin(node, "reload")[0] == 2
    assert client.publish_acked(f"{uid}/t", "x" * 11) in (0, 0x10), "the old limit is in force"
    rewrite(node, limits={"payload_bytes_max": 10})
    assert reload(node)[0] == 200
    assert client.publish_acked(f"{uid}/t", "x" * 11) == 0x97


def test_what_needs_a_restart_is_told_every_time(make_node):
    node = make_node()
    rewrite(node, node={**node.config["node"], "reactors": 1}, rocketmq={"endpoint": "127.0.0.1:1", "access_key": "a",
                                                                         "secret_key": "not to be seen"})
    for _ in range(2):
        status, answer = reload(node)
        assert status == 200
        keys = {c["key"]: c for c in answer["needsRestart"]}
        assert keys["node.reactors"]["from"] == "2" and keys["node.reactors"]["to"] == "1"
        assert keys["node.reactors"]["inForce"] == "after a restart"
        assert keys["rocketmq.secret_key"]["to"] == '"(hidden)"'
        assert answer["changed"] == []
    assert "not to be seen" not in json.dumps(answer) + node.log()


def test_sighup_reloads_and_logs_it(make_node, uid):
    node = make_node()
    client = Wire.open(node.port, f"{uid}c", 5)
    rewrite(node, limits={"payload_bytes_max": 10})
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: " reloaded " in node.log(), 10, node.log_tail)
    assert "key=limits.payload_bytes_max from=0 to=10" in node.log()
    assert client.publish_acked(f"{uid}/t", "x" * 11) == 0x97
    node.config_path.write_text("limits: {payload_bytes_max: many}\n")
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reload_refused" in node.log(), 10, node.log_tail)
    assert f"{node.config_path}:1:" in node.log()
    client.ping()


def test_log_format_and_http_limits_follow(make_node):
    node = make_node()
    rewrite(node, log={"format": "json"}, http={**node.config["http"], "body_bytes_max": 2000})
    assert reload(node)[0] == 200
    wait_until(lambda: '"event":"reloaded"' in node.log().replace('": "', '":"'), 10, node.log_tail)
    assert node.api.call("POST", "/api/v1/queues/q/messages", {"body": "x" * 3000})[0] == 413


def test_without_a_node_the_command_says_so(make_node):
    node = make_node()
    node.stop()
    code, out, err = dunlin(node, "reload")
    assert code == 1 and "is the node running" in err and out == ""
