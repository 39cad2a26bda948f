"""MQTT over WebSocket by hand (RFC 6455, MQTT section 6): Wire, with every byte in a frame of the client's making.

    c = WebSocketWire.open(port, "c1", version=5)
    c = WebSocketWire(port); c.socket.frame(2, b"...", fin=False); c.socket.closed_with     # frames of one's own
"""
import base64
import os
import socket
import struct

from kit.wire import Wire

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The HTTP answer that is not 101."""


class WebSocketStream:
    """The part of a socket that Wire uses, over WebSocket."""

    def __init__(self, port, timeout, path="/mqtt", protocol="mqtt"):
        self.raw = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.data, self.closed_with, self.pongs = b"", b"", None, []
        key = base64.b64encode(os.urandom(16)).decode()
        offer = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        self.raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n".encode())
        while b"\r\n\r\n" not in self.buffer:
            more = self.raw.recv(4096)
            if not more:
                raise Refused(self.buffer.decode(errors="replace"))
            self.buffer += more
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        if " 101 " not in self.head.splitlines()[0]:
            self.raw.close()
            raise Refused(self.head)

    def frame(self, opcode, payload, fin=True, masked=True, reserved=0):
        n = len(payload)
        head = bytes([(128 if fin else 0) | reserved << 4 | opcode])
        bit = 128 if masked else 0
        if n < 126:
            head += bytes([bit | n])
        elif n < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", n)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", n)
        if masked:
            mask = os.urandom(4)
            pad = (mask * (n // 4 + 1))[:n]
            payload = mask + (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(n, "big")
        self.raw.sendall(head + payload)

    def sendall(self, data):
        self.frame(BINARY, data)

    def settimeout(self, seconds):
        self.raw.settimeout(seconds)

    def setsockopt(self, *arguments):
        self.raw.setsockopt(*arguments)

    def fileno(self):
        return self.raw.fileno()

    def close(self):
        self.raw.close()

    def recv(self, count):
        """Bytes of MQTT; b"" after a close frame or the end of the stream."""
        while not self.data and self.closed_with is None:
            if not self._next_frame():
                more = self.raw.recv(1 << 16)
                if not more:
                    return b""
                self.buffer += more
        out, self.data = self.data[:count], self.data[count:]
        return out

    def _next_frame(self):
        b = self.buffer
        if len(b) < 2:
            return False
        n, at = b[1] & 127, 2
        if n > 125:
            size = 2 if n == 126 else 8
            if len(b) < 2 + size:
                return False
            n, at = int.from_bytes(b[2:2 + size], "big"), 2 + size
        if len(b) < at + n:
            return False
        assert not b[1] & 128, "the broker masks its frames"
        payload, self.buffer = b[at:at + n], b[at + n:]
        opcode = b[0] & 15
        assert opcode in (0, BINARY, CLOSE, PING, PONG), f"the broker sent a frame of type {opcode} [MQTT-6.0.0-1]"
        if opcode in (0, BINARY):
            self.data += payload
        elif opcode == CLOSE:
            self.closed_with = int.from_bytes(payload[:2], "big")
        elif opcode == PING:
            self.frame(PONG, payload)
        else:
            self.pongs.append(payload)
        return True


class WebSocketWire(Wire):
    @staticmethod
    def dial(port, timeout):
        return WebSocketStream(port, timeout)
