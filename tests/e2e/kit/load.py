"""Load and latency: devices that publish at a rate and know what was acknowledged; a pair that measures."""
import select
import statistics
import struct
import threading
import time

from kit import wire
from kit.wire import Closed, Wire


class Pair:
    """Two well-behaved clients that measure how long a QoS 1 message takes from one to the other, ms."""

    def __init__(self, port, uid):
        self.topic, self.s, self.p = f"{uid}/pair", Wire.open(port, f"{uid}ps"), Wire.open(port, f"{uid}pp")
        self.s.subscribe(self.topic, 1)

    def measure(self, count=150):
        """-> median, 95th percentile"""
        took = []
        for n in range(count):
            begin = time.perf_counter()
            self.p.publish(self.topic, str(n), 1)
            assert self.s.take().payload == str(n).encode()
            took.append((time.perf_counter() - begin) * 1000)
            self.p.expect("puback")
        return statistics.median(took), sorted(took)[int(count * 0.95)]


class Device:
    def __init__(self, port, name, topic):
        self.name, self.topic = name, topic
        self.wire = Wire.open(port, name, 4)
        self.sent = 0
        self.pending = {}  # packet identifier -> number
        self.acked = []    # numbers, in the order of their PUBACKs
        self.tail = b""

    def publish(self):
        pid = self.sent % 65535 + 1
        self.pending[pid] = self.sent
        self.wire.send(wire.publish(self.topic, f"{self.name}:{self.sent}", 4, 1, pid))
        self.sent += 1

    def read(self):
        data = self.wire.socket.recv(1 << 16)
        if not data:
            raise Closed("end of stream")
        data = self.tail + data
        for at in range(0, len(data) - 3, 4):
            kind, length, pid = struct.unpack(">BBH", data[at:at + 4])
            assert (kind, length) == (0x40, 2), f"not a PUBACK: {data[at:at + 4]!r}"
            self.acked.append(self.pending.pop(pid))
        self.tail = data[len(data) // 4 * 4:]


class Load:
    """Devices that publish QoS 1 at `rate` messages a second in all, at most `window` of each unacknowledged.

    with Load(port, uid, topic, rate=1000) as load: ...   # then load.acked() -> {(device, number)}
    """

    def __init__(self, port, uid, topic, rate=1000, devices=4, window=2000):
        self.devices = [Device(port, f"{uid}d{n}", f"{topic}/d{n}") for n in range(devices)]
        self.rate, self.window, self.error = rate, window, None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def _run(self):
        begin, sent = time.monotonic(), 0
        by_socket = {d.wire.socket: d for d in self.devices}
        try:
            while not self.stopping.is_set():
                due = int((time.monotonic() - begin) * self.rate)
                while sent < due:
                    device = self.devices[sent % len(self.devices)]
                    if len(device.pending) < self.window:
                        device.publish()
                    sent += 1  # what the window holds back is not made up for
                for s in select.select(list(by_socket), [], [], 0.002)[0]:
                    by_socket[s].read()
        except (Closed, OSError) as e:
            self.error = e

    def stop(self, settle=0.0):
        """Sends no more, waits up to `settle` seconds for the acknowledgements that are due, closes."""
        self.stopping.set()
        self.thread.join(10)
        deadline = time.monotonic() + settle
        while self.error is None and any(d.pending for d in self.devices) and time.monotonic() < deadline:
            for d in self.devices:
                while select.select([d.wire.socket], [], [], 0.01)[0]:
                    d.read()
        for d in self.devices:
            d.wire.close()

    def acked(self):
        return {(d.name, n) for d in self.devices for n in d.acked}

    def acked_count(self):
        return sum(len(d.acked) for d in self.devices)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if not self.stopping.is_set():
            self.stop()


def parse(bodies):
    """b'device:number' -> (device, number)"""
    out = []
    for body in bodies:
        device, number = body.decode().rsplit(":", 1)
        out.append((device, int(number)))
    return out


def check_nothing_lost(load, bodies):
    missing = load.acked() - set(parse(bodies))
    assert load.acked_count() > 0, f"nothing was acknowledged ({load.error})"
    assert not missing, f"{len(missing)} of {load.acked_count()} acknowledged messages did not arrive: {sorted(missing)[:5]}"


def check_device_order(bodies):
    """The first arrivals of each device's messages are in the order in which it sent them."""
    newest, seen = {}, set()
    for device, number in parse(bodies):
        if (device, number) in seen:
            continue  # at least once: a repeated one may come late
        seen.add((device, number))
        assert number > newest.get(device, -1), f"{device}: {number} came after {newest[device]}"
        newest[device] = number
