#!/usr/bin/env python3
"""Connections that trickle and connections that never read, against devices that measure their latency.

    slowloris.py --port 1883 [--trickle 10000] [--deaf 5000] [--seconds 30] [--pid PID] [--limit 2.0]

Half of the trickling ones send a CONNECT a byte a second (the server's connect_timeout_ms closes them: they come back), half are
connected and send a PUBLISH a byte a second, within their keep alive. The deaf ones subscribe to a topic that is busy throughout
(--busy-rate messages of 1 kB a second to each; before the measurement it fills what the kernels hold for them) and never read. Devices (pairs at a fixed rate, QoS 1) measure end to end before and meanwhile. Prints p50, p99 and the broker's
resident memory for both; the exit code is 1 when p99 is over --limit times what it was (or over --floor-ms, where less than that is noise).
"""
import argparse
import asyncio
import os
import resource
import select
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import wire  # noqa: E402
from kit.wire import Wire  # noqa: E402

FILL = 8               # messages of 16 kB to each that does not read, before the measurement
TICKS_PER_S = 200     # a byte a second each, but not all at once
PER_ADDRESS = 10_000  # connections from one source address: below its ephemeral ports


def resident_mb(pid):
    if not pid:
        return 0.0
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


class Peer:
    """One attacking connection: "deaf" never reads, "half" never ends its CONNECT, "slow" is connected."""

    __slots__ = ("n", "kind", "socket", "script", "at")

    def __init__(self, n, kind, port, prefix):
        self.n, self.kind, self.script, self.at = n, kind, b"", 0
        s = self.socket = socket.socket()
        if kind == "deaf":  # small segments and a small window: the kernels hold little of what it does not read
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        s.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        s.bind((f"127.0.0.{2 + n // PER_ADDRESS}", 0))
        s.connect(("127.0.0.1", port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind == "deaf":
            s.sendall(wire.connect(f"{prefix}deaf{n}", 4, keep_alive=0) + wire.subscribe(1, [(f"{prefix}busy", n % 2)], 4))
        elif kind == "slow":
            s.sendall(wire.connect(f"{prefix}slow{n}", 4, keep_alive=3600))
            self.script = wire.publish(f"{prefix}slow/{n}", bytes(300), 4)
        else:
            self.script = wire.connect(f"{prefix}half{n}" + "x" * 300, 4)
        s.setblocking(False)

    def has_ended(self, events):
        """After an event: reads what is there, but for a deaf one."""
        if events & (select.EPOLLHUP | select.EPOLLERR):
            return True
        try:
            return self.kind != "deaf" and not self.socket.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            return True


class Attack:
    """Every attacking socket, in one process: an epoll set for ends, and a byte a second for each."""

    def __init__(self, port, trickle, deaf, prefix):
        self.port, self.prefix, self.peers, self.poll, self.at = port, prefix, {}, select.epoll(), 0
        self.parts = [set() for _ in range(TICKS_PER_S)]
        self.counts = {"opened": 0, "closed by the server": 0, "bytes": 0}
        for n in range(deaf):
            self.open(n, "deaf")
        for n in range(trickle):
            self.open(deaf + n, "slow" if n % 2 else "half")

    def open(self, n, kind):
        peer = Peer(n, kind, self.port, self.prefix)
        self.peers[peer.socket.fileno()] = peer
        self.parts[n % TICKS_PER_S].add(peer)
        self.poll.register(peer.socket, select.EPOLLIN if kind != "deaf" else select.EPOLLHUP)
        self.counts["opened"] += 1

    def tick(self):
        """A byte of every TICKS_PER_S-th script; what the server has closed comes back."""
        ended = [fd for fd, events in self.poll.poll(0, 20_000) if self.peers[fd].has_ended(events)]
        for peer in [self.peers.pop(fd) for fd in ended]:
            self.poll.unregister(peer.socket)
            self.parts[peer.n % TICKS_PER_S].remove(peer)
            peer.socket.close()
            self.counts["closed by the server"] += 1
            self.open(peer.n, peer.kind)
        for peer in self.parts[self.at % TICKS_PER_S]:
            if peer.script:
                try:
                    self.counts["bytes"] += peer.socket.send(peer.script[peer.at:peer.at + 1])
                    peer.at = (peer.at + 1) % len(peer.script)
                except OSError:
                    pass
        self.at += 1


def attack(port, trickle, deaf, prefix, pipe):
    """The process: opens all, says so, then a byte a second each until it is killed."""
    # Real ones have machines of their own: what they compute here does not keep the devices waiting.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    a = Attack(port, trickle, deaf, prefix)
    os.write(pipe, b"open\n")
    while True:
        begin = time.monotonic()
        a.tick()
        if a.at % TICKS_PER_S == 0:
            os.write(pipe, f"{a.counts}\n".encode())
        time.sleep(max(0.0, 1 / TICKS_PER_S - (time.monotonic() - begin)))


def busy(port, prefix, rate, pipe):
    """Publishes to what the deaf ones subscribe to, until it is killed."""
    p = Wire.open(port, f"{prefix}busy")
    for _ in range(FILL):  # until nothing more goes out to them
        p.publish(f"{prefix}busy", bytes(16_000), 1)
        p.recv()
        time.sleep(0.1)
    os.write(pipe, b"full\n")
    payload, n = bytes(1000), 0
    begin = time.monotonic()
    while True:
        p.publish(f"{prefix}busy", payload, 1)
        p.recv()
        n += 1
        time.sleep(max(0.0, n / rate - (time.monotonic() - begin)))


def in_process(function, *arguments):
    pid = os.fork()
    if pid:
        return pid
    try:
        function(*arguments)
    except BaseException as e:  # noqa: BLE001
        print(f"{function.__name__}: {e!r}", file=sys.stderr)
    finally:
        os._exit(1)


async def measure(port, prefix, pairs, rate, seconds):
    """Sorted latencies in ms of QoS 1 messages at a fixed rate over `pairs` pairs."""
    took = []

    async def opened(name, topic_filter=None):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(wire.connect(name, 4))
        assert (await reader.readexactly(4))[3] == 0
        if topic_filter:
            writer.write(wire.subscribe(1, [(topic_filter, 0)], 4))
            await reader.readexactly(5)
        return reader, writer

    async def receive(reader):
        while True:
            head = await reader.readexactly(2)
            body = await reader.readexactly(head[1])
            took.append((time.perf_counter() - struct.unpack(">d", body[-8:])[0]) * 1000)

    async def discard(reader):
        while await reader.read(4096):
            pass

    tasks, writers = [], []
    for n in range(pairs):
        reader, _ = await opened(f"{prefix}in{n}", f"{prefix}pair/{n}")
        tasks.append(asyncio.create_task(receive(reader)))
        reader, writer = await opened(f"{prefix}out{n}")
        tasks.append(asyncio.create_task(discard(reader)))
        writers.append(writer)
    begin, sent = time.monotonic(), 0
    while (now := time.monotonic() - begin) < seconds:
        while sent < now * rate:
            n = sent % pairs
            writers[n].write(wire.publish(f"{prefix}pair/{n}", struct.pack(">d", time.perf_counter()), 4, 1, sent % 65535 + 1))
            sent += 1
        await asyncio.sleep(0.001)
    await asyncio.sleep(1)
    for t in tasks:
        t.cancel()
    for w in writers:
        w.close()
    assert len(took) == sent, f"{sent - len(took)} of {sent} messages did not arrive"
    return sorted(took)


def percentile(values, p):
    return values[min(len(values) - 1, int(len(values) * p))]


def run(port, trickle, deaf, seconds, pid=None, pairs=20, rate=200, busy_rate=1.0):
    """-> dict of what was seen"""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    prefix = f"sl{os.getpid()}"
    out = {"rss_before_mb": resident_mb(pid)}
    before = asyncio.run(measure(port, f"{prefix}a", pairs, rate, seconds))
    read_end, write_end = os.pipe()
    full_read, full_write = os.pipe()
    children = [in_process(attack, port, trickle, deaf, prefix, write_end)]
    os.close(write_end)
    try:
        seen = os.read(read_end, 4096)
        assert seen.startswith(b"open"), "the attacking process has ended"
        children.append(in_process(busy, port, prefix, busy_rate, full_write))
        os.close(full_write)
        assert os.read(full_read, 16) == b"full\n", "the busy publisher has ended"
        time.sleep(min(3, seconds))
        during = asyncio.run(measure(port, f"{prefix}b", pairs, rate, seconds))
        out["rss_with_mb"] = resident_mb(pid)
        os.set_blocking(read_end, False)
        try:
            out["attack"] = os.read(read_end, 1 << 16).decode().strip().splitlines()[-1]
        except BlockingIOError:
            out["attack"] = ""
        for child in children:
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "an attacking process has ended"
    finally:
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        os.close(read_end)
        os.close(full_read)
    for name, values in (("before", before), ("with", during)):
        out[f"p50_{name}_ms"], out[f"p99_{name}_ms"] = percentile(values, 0.5), percentile(values, 0.99)
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--port", type=int, required=True)
    a.add_argument("--trickle", type=int, default=10_000)
    a.add_argument("--deaf", type=int, default=5_000)
    a.add_argument("--seconds", type=float, default=30)
    a.add_argument("--busy-rate", type=float, default=1.0)
    a.add_argument("--pid", type=int, help="the broker's, for its memory")
    a.add_argument("--limit", type=float, default=2.0)
    a.add_argument("--floor-ms", type=float, default=2.0)
    o = a.parse_args()
    seen = run(o.port, o.trickle, o.deaf, o.seconds, o.pid, busy_rate=o.busy_rate)
    print(f"latency before: p50 {seen['p50_before_ms']:.2f} ms, p99 {seen['p99_before_ms']:.2f} ms; "
          f"with {o.trickle} that trickle and {o.deaf} that never read: p50 {seen['p50_with_ms']:.2f} ms, "
          f"p99 {seen['p99_with_ms']:.2f} ms ({seen['p99_with_ms'] / seen['p99_before_ms']:.2f} x)")
    print(f"resident: {seen['rss_before_mb']:.0f} MB before, {seen['rss_with_mb']:.0f} MB with; {seen['attack']}")
    return 0 if seen["p99_with_ms"] <= max(o.limit * seen["p99_before_ms"], o.floor_ms) else 1


if __name__ == "__main__":
    sys.exit(main())
