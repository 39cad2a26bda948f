"""What an operator does to a running node: reload, trace, slow, clients."""
import json
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from kit.node import free_ports, port_open, wait_until
from kit.operator import Traffic, reload, rewrite
from kit.wire import Wire, connect

pytestmark = pytest.mark.dunlin


def dunlin(node, *arguments, timeout=60):
    """dunlin COMMAND ... against this node -> (exit code, standard output, standard error)"""
    done = subprocess.run([node.binary, *arguments, "--config", str(node.config_path)], cwd=node.folder, timeout=timeout,
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


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


class Command:
    """A dunlin command that runs until it is told to end."""

    def __init__(self, node, *arguments):
        self.process = subprocess.Popen([node.binary, *arguments, "--config", str(node.config_path)], cwd=node.folder,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def wait_for(self, *words):
        """The first line that has all the words."""
        return wait_until(lambda: next((l for l in self.lines if all(w in l for w in words)), None), 20,
                          lambda: f"{words} in {self.lines}")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        self.reader.join(20)
        return code


def test_trace_shows_a_client_that_comes_later(make_node, uid):
    node = make_node()
    trace = Command(node, "trace", "client", f"{uid}x", "--payload", "5")
    trace.wait_for("trace 1 of")
    c = Wire.open(node.port, f"{uid}x", 5)
    c.subscribe(f"{uid}/#", 1)
    other = Wire.open(node.port, f"{uid}y", 5)
    other.publish_acked(f"{uid}/t", "hello world")
    c.take()
    c.publish_acked("nobody/takes", "x")
    c.disconnect()
    trace.wait_for("-- connected", "new session", "127.0.0.1:", "on listener tcp")
    trace.wait_for("-> CONNACK", "success")
    trace.wait_for("<- SUBSCRIBE", f"{uid}/#")
    trace.wait_for("-> SUBACK", "qos 1")
    trace.wait_for("-> PUBLISH", f"{uid}/t", "qos=1", "payload of 11 bytes", '"hello"')
    trace.wait_for("<- PUBACK")
    trace.wait_for("<- PUBLISH", "nobody/takes")
    trace.wait_for("-- dropped", "no_subscriber")
    trace.wait_for("-> PUBACK", "no_matching_subscribers")
    trace.wait_for("<- DISCONNECT")
    trace.wait_for("-- disconnected", "by the client")
    at = [next(i for i, l in enumerate(trace.lines) if what in l)
          for what in ("-- connected", "-> CONNACK", "<- SUBSCRIBE", "-> PUBLISH", "<- PUBACK", "<- DISCONNECT")]
    assert at == sorted(at), trace.lines
    assert not any(f"{uid}y" in line for line in trace.lines[1:]), "nothing of the other client"
    assert trace.end() == 0, trace.lines
    assert json.loads(node.api.get("/api/v1/traces")[1])["traces"] == []


def test_a_trace_ends_by_itself(make_node, uid):
    node = make_node()
    trace = Command(node, "trace", "client", f"{uid}x", "--seconds", "1")
    assert trace.process.wait(20) == 0
    trace.reader.join(20)


def test_traces_are_bounded_and_told(make_node, uid):
    node = make_node({"trace": {"traces_max": 2, "events_max": 10}})
    start = lambda client: node.api.call("POST", "/api/v1/traces", {"client": client, "secondsMax": 60})
    status, text = start(f"{uid}a")
    assert status == 201
    number = json.loads(text)["id"]
    assert start(f"{uid}a")[0] == 409
    assert start(f"{uid}b")[0] == 201
    assert start(f"{uid}c")[0] == 429
    c = Wire.open(node.port, f"{uid}a", 5)
    for _ in range(20):
        c.ping()
    status, text = node.api.get(f"/api/v1/traces/{number}/events")
    page = json.loads(text)
    assert len(page["events"]) == 10 and page["lost"] == 32, page  # connected, CONNACK and 40 of pings
    assert page["events"][-1]["packet"] == "PINGRESP" and not page["over"]
    assert node.api.call("DELETE", f"/api/v1/traces/{number}")[0] == 200
    assert node.api.get(f"/api/v1/traces/{number}/events")[0] == 404
    assert node.api.get("/api/v1/traces/2/events?wait=300ms")[0] == 200


def test_a_reader_that_stopped_tops_the_ranking(make_node, uid):
    node = make_node({"limits": {"output_high_bytes": "64KiB", "output_low_bytes": "16KiB"}})
    assert dunlin(node, "slow")[1] == "no subscriber is behind\n"
    stuck, fine = Wire.open(node.port, f"{uid}stuck", 5), Wire.open(node.port, f"{uid}fine", 5)
    stuck.subscribe(f"{uid}/t", 1)
    fine.subscribe(f"{uid}/t", 1)
    p = Wire.open(node.port, f"{uid}p", 5)
    for _ in range(200):  # more than the kernel's buffers take
        p.publish_acked(f"{uid}/t", b"x" * 100_000)
        fine.take()
    worst = wait_until(lambda: json.loads(node.api.get("/api/v1/slow-subscribers")[1])["subscribers"], 10, "a ranking")
    assert worst[0]["client"] == f"{uid}stuck", worst
    assert worst[0]["unsentBytes"] + worst[0]["queuedBytes"] > 1_000_000
    assert worst[0]["held"] >= 1
    code, out, err = dunlin(node, "slow", "--by", "latency")
    assert code == 0 and out.startswith(f"{uid}stuck  127.0.0.1:"), (out, err)
    assert node.api.get("/api/v1/slow-subscribers?by=nothing")[0] == 400


def test_a_client_is_shown_and_disconnected(make_node, uid):
    node = make_node()
    c = Wire.open(node.port, f"{uid}/c 1", 5, clean=False, props={"session_expiry": 600})
    c.subscribe(f"{uid}/t", 1)
    code, out, err = dunlin(node, "clients", "show", f"{uid}/c 1")
    assert code == 0, err
    facts = json.loads(out)
    assert facts["connected"] and facts["version"] == "5.0" and facts["subscriptions"] == 1
    assert facts["address"].startswith("127.0.0.1:")
    assert dunlin(node, "clients", "disconnect", f"{uid}/c 1")[1] == "disconnected\n"
    assert c.expect("disconnect").reason == 0x98
    c.expect_closed()
    wait_until(lambda: not json.loads(dunlin(node, "clients", "show", f"{uid}/c 1")[1])["connected"], 5, "offline")
    code, out, err = dunlin(node, "clients", "show", "nobody")
    assert code == 1 and "there is no session" in err


def listener(name, port, **more):
    return {"name": name, "transport": "tcp", "address": f"127.0.0.1:{port}", **more}


def test_listeners_come_and_go_while_clients_publish(make_node, uid):
    node = make_node()
    first, second = node.port, free_ports(1)[0]
    traffic = Traffic(node, uid)
    traffic.more()
    rewrite(node, listeners=[listener("tcp", first), listener("more", second)])
    status, told = reload(node)
    assert status == 200 and [c["key"] for c in told["changed"]] == ["listeners.more"], told
    guest = Wire.open(second, f"{uid}g", 5)
    assert json.loads(node.api.get(f"/api/v1/clients/{uid}g")[1])["listener"] == "more"
    rewrite(node, listeners=[listener("more", second)])  # the one that the traffic came by
    status, told = reload(node)
    assert status == 200 and told["needsRestart"] == [], told
    assert not port_open(first)
    traffic.more()  # its connections go on
    guest.ping()
    assert 'listener="more"' in node.api.get("/metrics")[1] and 'listener="tcp"' not in node.api.get("/metrics")[1]
    traffic.stop()
    assert "client_disconnected" not in node.log()


def test_a_changed_listener_keeps_its_port(make_node, uid):
    node = make_node()
    before = Wire.open(node.port, f"{uid}a", 5)
    rewrite(node, listeners=[{"name": "tcp", "transport": "websocket", "address": f"127.0.0.1:{node.port}", "path": "/mqtt"}])
    status, told = reload(node)
    assert status == 200 and told["changed"][0]["inForce"] == "new connections", told
    before.ping()
    with pytest.raises(urllib.error.HTTPError) as refused:  # HTTP is what is spoken there now
        urllib.request.urlopen(f"http://127.0.0.1:{node.port}/mqtt", timeout=5)
    assert refused.value.code in (400, 426)
    rewrite(node, listeners=[listener("tcp", node.port)])
    assert reload(node)[0] == 200
    Wire.open(node.port, f"{uid}b", 5).ping()
    before.ping()


def test_a_listener_that_cannot_be_opened_changes_nothing(make_node, uid):
    node = make_node()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        rewrite(node, limits={"payload_bytes_max": 10},
                listeners=[listener("tcp", node.port), listener("more", taken.getsockname()[1]), listener("other", free_ports(1)[0])])
        code, out, err = dunlin(node, "reload")
        assert code == 2, (out, err)
        assert "dunlin.yaml:" in err and "listeners.1.address" in err and "another program listens there" in err, err
    assert Wire.open(node.port, f"{uid}x", 5).publish_acked(f"{uid}/y", "x" * 11) in (0, 0x10)  # the old limit
    assert reload(node)[0] == 200  # the port is free now
    assert port_open(int(node.config["listeners"][1]["address"].rsplit(":")[-1]))
    assert Wire.open(node.port, f"{uid}x", 5).publish_acked(f"{uid}/y", "x" * 11) == 0x97


def test_bans_are_listed_added_and_removed_by_command(make_node):
    node = make_node()
    assert dunlin(node, "bans", "list") == (0, "nobody is banned\n", "")
    connected = Wire.open(node.port, "dev7", 5)
    code, out, err = dunlin(node, "bans", "add", "--client", "dev7", "--seconds", "3600", "--reason", "too\x1b noisy", "--by", "ops")
    assert (code, err) == (0, ""), err
    assert out.startswith("client_id dev7  until 20") and out.endswith("Z  (api, by ops)  too. noisy\n"), out
    assert [p.reason for p in connected.expect_closed()] == [0x98]
    refused = Wire(node.port, 5)
    refused.send(connect("dev7", 5))
    assert refused.expect("connack").reason == 0x8A
    assert dunlin(node, "bans", "add", "--address", "203.0.113.0/24")[1] == "address 203.0.113.0/24  for ever  (api)\n"
    assert len(json.loads(dunlin(node, "bans", "list", "--json")[1])["bans"]) == 2
    assert dunlin(node, "bans", "remove", "--client", "dev7") == (0, "removed\n", "")
    Wire.open(node.port, "dev7", 5).ping()
    assert dunlin(node, "bans", "list")[1].count("\n") == 1


@pytest.mark.parametrize("arguments, code, part", [
    (["add"], 2, "--client,--user,--address"),
    (["add", "--client", "a", "--user", "b"], 2, "--client,--user,--address"),
    (["add", "--address", "nowhere"], 1, "nowhere"),
    (["remove", "--user", "nobody"], 1, "GET /api/v1/bans lists them"),
])
def test_a_wrong_bans_command_is_told(broker, arguments, code, part):
    got = dunlin(broker, "bans", *arguments)
    assert got[0] == code and part in got[1] + got[2], got
