"""The broker under test, as a process: Dunlin, or Debian's Mosquitto as a stand-in that proves the tests themselves.

    node = Dunlin(binary, folder); node.start(); ... node.kill9(); node.start(); ... node.stop()
"""
import itertools
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from kit.api import Api
from kit.slow import SLOW

START_S = 30
STOP_S = 30 * SLOW
SANITIZER_MARKS = ("WARNING: ThreadSanitizer", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", ": runtime error: ")


# Below the range from which the kernel takes the ports of outgoing connections (32768 and up): what is free now is free when
# the node binds it. Several test processes at once begin at different places.
PORTS = range(11000, 24000)
_next_port = itertools.count(os.getpid() * 211)


def free_ports(count):
    ports = []
    for n in itertools.islice(_next_port, len(PORTS)):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", PORTS[n % len(PORTS)]))
            except OSError:
                continue
        ports.append(PORTS[n % len(PORTS)])
        if len(ports) == count:
            return ports
    raise AssertionError("no free port")


def port_open(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds, seconds, what, every=0.05):
    """Asks until it holds; returns what it answered."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(every)


def merge(base, over):
    out = dict(base)
    for key, value in over.items():
        out[key] = merge(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


class Process:
    """One process of ours with its output in a file."""

    def __init__(self, folder, name):
        self.folder, self.log_path = Path(folder), Path(folder) / f"{name}.log"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.killed = False

    def launch(self, command, **more):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **more)
        self.killed = False

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=40):
        return "\n".join(self.log().splitlines()[-lines:])

    def running(self):
        return self.process is not None and self.process.poll() is None

    def fault(self):
        """What a process that is no more tells of: a sanitizer's report, an end by a signal that nobody sent."""
        code = self.process.poll() if self.process else None
        if code is not None and code < 0 and not self.killed:
            return f"ended by signal {-code}:\n{self.log_tail()}"
        lines = self.log().splitlines()
        found = [n for n, line in enumerate(lines) if any(mark in line for mark in SANITIZER_MARKS)]
        return "\n".join(lines[found[0]:found[0] + 80]) if found else ""

    def kill9(self):
        self.killed = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def terminate(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"no end within {STOP_S} s after SIGTERM:\n{self.log_tail()}") from None


class Dunlin(Process):
    is_dunlin = True

    def __init__(self, binary, folder, config=None):
        super().__init__(folder, "dunlin")
        self.binary = str(binary)
        self.port, self.http_port = free_ports(2)
        self.config_path = self.folder / "dunlin.yaml"
        self.data_dir = self.folder / "data"
        self.config = merge({
            "node": {"name": "e2e", "data_dir": str(self.data_dir), "reactors": 2, "reactors_min": 2},
            "listeners": [{"name": "tcp", "transport": "tcp", "address": f"127.0.0.1:{self.port}"}],
            "http": {"address": f"127.0.0.1:{self.http_port}"},
            "access": {"anonymous": True},
        }, config or {})
        self.api = Api(self.http_port)

    def add_websocket(self):
        """Before start(): a listener more, whose port is web_port and whose path is /mqtt."""
        (self.web_port,) = free_ports(1)
        self.config["listeners"].append(
            {"name": "ws", "transport": "websocket", "address": f"127.0.0.1:{self.web_port}", "path": "/mqtt"})
        return self

    def start(self):
        self.config_path.write_text(json.dumps(self.config, indent=2) + "\n")  # JSON is YAML too
        self.launch([self.binary, "serve", "--config", str(self.config_path)], cwd=self.folder)
        wait_until(self._ready, START_S, lambda: f"ready\n{self.log_tail()}")
        return self

    def _ready(self):
        assert self.running(), f"dunlin ended with {self.process.returncode}:\n{self.log_tail()}"
        return self.api.ready()

    def stop(self):
        if not self.running():
            raise AssertionError(f"dunlin is gone (exit code {self.process.returncode}):\n{self.fault() or self.log_tail()}")
        code = self.terminate()
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.fault() or self.log_tail()}"


class Mosquitto(Process):
    is_dunlin = False

    def __init__(self, folder, config=None):
        super().__init__(folder, "mosquitto")
        self.port = free_ports(1)[0]

    def start(self):
        path = self.folder / "mosquitto.conf"
        path.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n"
                        "sys_interval 1\nmax_inflight_messages 1000\n")
        binary = "/usr/sbin/mosquitto" if os.path.exists("/usr/sbin/mosquitto") else "mosquitto"
        self.launch([binary, "-c", str(path)])
        wait_until(lambda: port_open(self.port), START_S, "mosquitto listens")
        return self

    def stop(self):
        self.terminate()
