"""Who is let in: passwords, SCRAM-SHA-256 by AUTH packets, and nobody else with access.anonymous off."""
import base64
import hashlib
import hmac
import subprocess

import pytest

from kit import wire
from kit.wire import Wire

METHOD = "SCRAM-SHA-256"


def sign(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


class Scram:
    """The client's side of RFC 5802 with SHA-256, in Python's own cryptography."""

    def __init__(self, user, password, nonce="rOprNGfwEbeRWgbNEkqO"):
        self.password, self.bare = password.encode(), f"n={user},r={nonce}"
        self.first = f"n,,{self.bare}".encode()

    def final(self, server_first):
        server_first = server_first.decode()
        parts = dict(p.split("=", 1) for p in server_first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(parts["s"]), int(parts["i"]))
        without = f"c=biws,r={parts['r']}"
        whole = f"{self.bare},{server_first},{without}".encode()
        key = sign(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(key, sign(hashlib.sha256(key).digest(), whole)))
        self.server_final = b"v=" + base64.b64encode(sign(sign(salted, b"Server Key"), whole))
        return f"{without},p={base64.b64encode(proof).decode()}".encode()


def auth(reason, data):
    return wire.packet("auth", 0, bytes([reason]) + wire.encode_props({"auth_method": METHOD, "auth_data": data}))


def log_in(port, client_id, scram):
    c = Wire(port, 5)
    c.send(wire.connect(client_id, 5, props={"auth_method": METHOD, "auth_data": scram.first}))
    challenge = c.expect("auth")
    assert challenge.reason == 0x18 and challenge.props["auth_method"] == METHOD
    c.send(auth(0x18, scram.final(challenge.props["auth_data"])))
    return c


@pytest.mark.parametrize("version, refused", [(3, 5), (4, 5), (5, 0x87)])
def test_nobody_is_let_in_without_anonymous(make_node, version, refused):
    node = make_node({"access": {"anonymous": False}})
    client = Wire(node.port, version)
    client.send(wire.connect("c1", version))
    assert client.expect("connack").reason == refused
    client.expect_closed()


def test_passwords_and_scram(make_node, dunlin_bin):
    line = subprocess.run([dunlin_bin, "scram-user", "bob"], input="pencil", capture_output=True, text=True, check=True)
    scram_line = line.stdout.split('"')[1]
    node = make_node({"access": {"anonymous": False, "users": [{"name": "ann", "password": "secret"},
                                                               {"name": "bob", "scram": scram_line}]}})
    for version, wrong in ((3, 4), (4, 4), (5, 0x86)):
        for user, password in (("ann", "secret"), ("bob", "pencil")):
            Wire.open(node.port, user, version, user=user, password=password).ping()
        for user, password in (("ann", "pencil"), ("bob", "secret"), ("eve", "secret")):
            c = Wire(node.port, version)
            c.send(wire.connect("c1", version, user=user, password=password))
            assert [p.reason for p in c.expect_closed()] == [wrong]
    for user, password in (("ann", "secret"), ("bob", "pencil")):
        scram = Scram(user, password)
        c = log_in(node.port, "c2", scram)
        connack = c.expect("connack")
        assert connack.reason == 0
        assert (connack.props["auth_method"], connack.props["auth_data"]) == (METHOD, scram.server_final)
        again = Scram(user, password, "another")
        c.send(auth(0x19, again.first))
        c.send(auth(0x18, again.final(c.expect("auth").props["auth_data"])))
        done = c.expect("auth")
        assert (done.reason, done.props["auth_data"]) == (0, again.server_final)
        c.ping()
    for user, password in (("ann", "pencil"), ("eve", "secret")):
        assert [p.reason for p in log_in(node.port, "c3", Scram(user, password)).expect_closed()] == [0x87]


def test_secrets_are_not_shown(dunlin_bin, tmp_path):
    file = tmp_path / "d.yaml"
    file.write_text("access: {users: [{name: ann, password: hush}]}\n")
    shown = subprocess.run([dunlin_bin, "show-config", "--config", str(file)], capture_output=True, text=True, check=True)
    assert "access.users.0.name" in shown.stdout and "hush" not in shown.stdout


@pytest.mark.parametrize("users, where", [
    ("[{name: ann}]", "access.users.0"), ("[{password: x}]", "access.users.0.name"),
    ("[{name: a, password: x}, {name: a, password: y}]", "access.users.1.name"),
    ("[{name: a, password: x, scram: y}]", "access.users.0.scram"),
    ("[{name: a, scram: 'SCRAM-SHA-256$1:AA==$AA==:AA=='}]", "access.users.0.scram")])
def test_faults_of_users_are_told(dunlin_bin, tmp_path, users, where):
    file = tmp_path / "d.yaml"
    file.write_text(f"access: {{users: {users}}}\n")
    said = subprocess.run([dunlin_bin, "check", "--config", str(file)], capture_output=True, text=True)
    assert said.returncode == 2 and where in said.stderr and "Hint" in said.stderr
