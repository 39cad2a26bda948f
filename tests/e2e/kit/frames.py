"""A WebSocket client by hand, on any socket: what is sent is cut and framed as the test says.

    ws = WebSocket(socket, path="/mqtt");  ws.send_frame(0x82, packet);  ws.frame() -> (0x82, b"...")
It can stand for a socket in Wire: sendall() makes one binary frame, recv() gives what binary frames carry.
"""
import base64
import hashlib
import os
import socket as sockets
import struct

from kit.slow import SLOW
from kit.wire import Wire

ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refused(Exception):
    """The answer to the upgrade was another than 101; its text."""


def client_frame(first, payload=b"", masked=True):
    n = len(payload)
    bit = 128 if masked else 0
    head = bytes([first, bit | n]) if n < 126 else (
        bytes([first, bit | 126]) + struct.pack(">H", n) if n < 65536 else bytes([first, bit | 127]) + struct.pack(">Q", n))
    if not masked:
        return head + payload
    key = os.urandom(4)
    wide = (key * (n // 4 + 1))[:n]
    return head + key + (int.from_bytes(payload, "big") ^ int.from_bytes(wide, "big")).to_bytes(n, "big")


def upgrade_request(path="/mqtt", protocol="mqtt", key=b"dGhlIHNhbXBsZSBub25jZQ==", more=""):
    offered = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    return (f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n{offered}{more}\r\n").encode()


class WebSocket:
    def __init__(self, sock, path="/mqtt", protocol="mqtt", more=""):
        self.socket, self.buffer, self.data, self.closed_with, self.pongs = sock, b"", b"", None, []
        key = base64.b64encode(os.urandom(16))
        sock.sendall(upgrade_request(path, protocol, key, more))
        while b"\r\n\r\n" not in self.buffer:
            got = sock.recv(1 << 16)
            if not got:
                raise Refused("closed")
            self.buffer += got
        self.head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if not self.head.startswith(b"HTTP/1.1 101"):
            while got := sock.recv(1 << 16):
                self.buffer += got
            raise Refused((self.head + b"\r\n\r\n" + self.buffer).decode())
        accept = base64.b64encode(hashlib.sha1(key + ACCEPT).digest())
        assert b"sec-websocket-accept: " + accept.lower() in self.head.lower(), self.head
        lines = [line.partition(b":") for line in self.head.splitlines()]
        self.chosen = [v.strip().decode() for name, _, v in lines if name.lower() == b"sec-websocket-protocol"]
        assert len(self.chosen) == 1 and self.chosen[0] in [p.strip() for p in protocol.split(",")], self.head

    @classmethod
    def connect(cls, port, **more):
        return cls(sockets.create_connection(("127.0.0.1", port), timeout=10 * SLOW), **more)

    def send_raw(self, raw):
        self.socket.sendall(raw)

    def send_frame(self, first, payload=b"", masked=True):
        self.socket.sendall(client_frame(first, payload, masked))

    def frame(self):
        """(first byte, payload) of the next frame; EOFError at the end."""
        while len(self.buffer) < 2:
            self.buffer += self._more()
        length, head = self.buffer[1], 2
        assert not length & 128, "the server masks"
        wide = {126: 2, 127: 8}.get(length, 0)
        while len(self.buffer) < head + wide:
            self.buffer += self._more()
        n = int.from_bytes(self.buffer[2:2 + wide], "big") if wide else length
        while len(self.buffer) < head + wide + n:
            self.buffer += self._more()
        raw, self.buffer = self.buffer[:head + wide + n], self.buffer[head + wide + n:]
        return raw[0], raw[head + wide:]

    def _more(self):
        got = self.socket.recv(1 << 16)
        if not got:
            raise EOFError
        return got

    # -- as a socket --
    def sendall(self, raw):
        self.send_frame(0x82, raw)

    def recv(self, n):
        while not self.data:
            try:
                first, payload = self.frame()
            except EOFError:
                return b""
            if first == 0x88:
                self.closed_with = int.from_bytes(payload[:2], "big")
                return b""
            if first == 0x89:
                self.send_frame(0x8A, payload)
            elif first == 0x8A:
                self.pongs.append(payload)
            else:
                assert first == 0x82, f"the server sent a frame of type {first:#x} [MQTT-6.0.0-1]"
                self.data += payload
        out, self.data = self.data[:n], self.data[n:]
        return out

    def settimeout(self, seconds):
        self.socket.settimeout(seconds)

    def setsockopt(self, *arguments):
        self.socket.setsockopt(*arguments)

    def close(self):
        self.socket.close()


class WebSocketWire(Wire):
    """Wire over WebSocket; its socket is a WebSocket."""

    @staticmethod
    def dial(port, timeout):
        return WebSocket.connect(port)
