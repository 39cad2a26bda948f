"""A TCP relay that a test can cut, as a lost network does: the client between the test and its socket needs no such function."""
import contextlib
import socket
import threading


class Relay:
    """Relay(port).port leads to port until cut()."""

    def __init__(self, to):
        self.to, self.sockets, self.pumps, self.is_cut = to, [], [], False
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                there = socket.create_connection(("127.0.0.1", self.to))
                with self.lock:
                    self.sockets += [here, there]
                for s in (here, there):
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for a, b in ((here, there), (there, here)):
                    self.pumps.append(threading.Thread(target=self._pump, args=(a, b), daemon=True))
                    self.pumps[-1].start()
                if self.is_cut:
                    self.cut()

    @staticmethod
    def _pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(1 << 16):
                b.sendall(data)
        for s in (a, b):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def await_end(self, seconds=5):
        """Until either side has closed and the other has all that it sent."""
        for pump in self.pumps:
            pump.join(seconds)

    def cut(self):
        self.is_cut = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for s in self.sockets:
                with contextlib.suppress(OSError):
                    s.shutdown(socket.SHUT_RDWR)
                s.close()
            self.sockets.clear()
