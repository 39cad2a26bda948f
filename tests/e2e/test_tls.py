"""TLS and WSS: clients' certificates to user names, refusals, several hosts, files replaced under way."""
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

from kit.certificates import Authority
from kit.clients import Paho
from kit.node import Dunlin, free_ports, wait_until
from kit.frames import WebSocket
from kit.slow import SLOW
from kit.wire import Closed, Wire
from test_listeners import exchange, line_of, metric

pytestmark = [pytest.mark.dunlin, pytest.mark.timeout(120 * SLOW)]

TLS, WSS, MTLS, OPTIONAL, ONLY13 = free_ports(5)


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def node(dunlin_bin, tmp_path_factory, ca):
    n = Dunlin(dunlin_bin, tmp_path_factory.mktemp("tls"), {})
    server = ca.server()
    n.server = server
    n.hosts = {h: ca.server(name, cn=h, san=f"DNS:{h}") for name, h in
               (("one", "one.example.org"), ("wild", "*.example.net"))}
    n.revoked = ca.issue("revoked", "revoked-device")
    ca.revoke(n.revoked)
    base = {"certificate": str(server.certificate), "key": str(server.key)}
    n.config["listeners"] += [
        {"name": "tls", "transport": "tls", "address": f"127.0.0.1:{TLS}", "tls": {**base, "sni": [
            {"host": h, "certificate": str(p.certificate), "key": str(p.key)} for h, p in n.hosts.items()]}},
        {"name": "wss", "transport": "websocket_tls", "address": f"127.0.0.1:{WSS}", "tls": base},
        {"name": "mtls", "transport": "tls", "address": f"127.0.0.1:{MTLS}", "proxy_protocol": "on", "tls": {
            **base, "ca": str(ca.certificate), "crl": str(ca.write_crl()), "client_certificate": "required",
            "user_name_from": "cn"}},
        {"name": "optional", "transport": "tls", "address": f"127.0.0.1:{OPTIONAL}", "tls": {
            **base, "ca": str(ca.certificate), "client_certificate": "optional", "user_name_from": "dn"}},
        {"name": "only13", "transport": "tls", "address": f"127.0.0.1:{ONLY13}", "tls": {**base, "version_min": "tls1_3"}},
    ]
    n.start()
    yield n
    n.stop()


def connect(port, context, host="localhost", first=b"", **more):
    s = socket.create_connection(("127.0.0.1", port), timeout=10 * SLOW)
    for name, value in more.items():
        s.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    s.sendall(first)
    return context.wrap_socket(s, server_hostname=host)


def refused(port, context, first=b""):
    """TLS 1.3 tells a refusal of the client's certificate with the first read."""
    try:
        s = connect(port, context, first=first)
        s.sendall(b"\xc0\x00")
        return s.recv(10) == b""
    except (ssl.SSLError, ConnectionResetError):
        return True


def counted(node, count, **labels):
    """The client has the alert before the node has counted it."""
    wait_until(lambda: metric(node, "dunlin_tls_handshakes_failed_total", **labels) == count, 5, f"{count} counted of {labels}")


PROXIED = b"PROXY TCP4 192.0.2.20 198.51.100.1 4711 8883\r\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [10, 900_000])
def test_every_qos_both_ways_over_tls(node, ca, uid, version, size):
    a = Wire.open(None, f"{uid}a", 5, sock=connect(TLS, ca.client_context(version=version)))
    b = Wire.open(node.port, f"{uid}b", 4)
    exchange(a, b, f"{uid}x", os.urandom(size))
    exchange(b, a, f"{uid}y", os.urandom(size))
    assert f"tls={version.name.replace('_', '.')}" in line_of(node, f"{uid}a")


@pytest.mark.parametrize("size", [10, 900_000])
def test_every_qos_both_ways_over_wss(node, ca, uid, size):
    a = Wire.open(None, f"{uid}a", 5, sock=WebSocket(connect(WSS, ca.client_context())))
    b = Wire.open(node.port, f"{uid}b", 4)
    exchange(a, b, f"{uid}x", os.urandom(size))
    exchange(b, a, f"{uid}y", os.urandom(size))


@pytest.mark.parametrize("transport,port", [("tcp", TLS), ("websockets", WSS)])
def test_paho(node, ca, uid, transport, port):
    with Paho(port, f"{uid}a", 5, transport=transport, tls=ca.client_context()) as c:
        c.subscribe(f"{uid}/#", 2)
        for qos in (0, 1, 2):
            c.publish(f"{uid}/{qos}", b"x" * 200_000, qos)
        assert sorted(m.topic for m in c.get_many(3)) == [f"{uid}/{q}" for q in (0, 1, 2)]


def test_slow_reader_over_tls_loses_nothing(node, ca, uid):
    s = connect(TLS, ca.client_context(), SO_RCVBUF=32768)
    slow = Wire.open(None, f"{uid}s", 4, timeout=30 * SLOW, sock=s)
    slow.subscribe(f"{uid}/t", 1)
    fast = Wire.open(node.port, f"{uid}f", 4, timeout=30 * SLOW)
    for i in range(80):
        fast.publish(f"{uid}/t", struct.pack(">I", i) + os.urandom(100_000), 1)
    time.sleep(1)
    for i in range(80):
        assert struct.unpack(">I", slow.take(30 * SLOW).payload[:4]) == (i,)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(node, ca, version):
    before = metric(node, "dunlin_tls_handshakes_failed_total", listener="tls", reason="version")
    with pytest.raises(ssl.SSLError):
        connect(TLS, ca.client_context(version=version))
    counted(node, before + 1, listener="tls", reason="version")


def test_version_min(node, ca):
    with pytest.raises(ssl.SSLError):
        connect(ONLY13, ca.client_context(version=ssl.TLSVersion.TLSv1_2))
    assert connect(ONLY13, ca.client_context()).version() == "TLSv1.3"


def test_plain_bytes_on_a_tls_port_are_counted(node, ca):
    s = socket.create_connection(("127.0.0.1", TLS), timeout=10 * SLOW)
    s.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
    try:
        while s.recv(100):
            pass
    except ConnectionResetError:
        pass
    wait_until(lambda: metric(node, "dunlin_tls_handshakes_failed_total", listener="tls", reason="not_tls") >= 1, 5, "counted")


def test_the_common_name_becomes_the_user_name(node, ca, uid):
    device = ca.issue(f"{uid}dev", f"device-{uid}")
    s = connect(MTLS, ca.client_context(device), first=PROXIED)
    Wire.open(None, uid, 5, sock=s, user="somebody else")
    line = line_of(node, uid)
    assert f"user_name=device-{uid}" in line and "address=192.0.2.20:4711" in line


def test_the_distinguished_name_and_no_certificate(node, ca, uid):
    device = ca.issue(f"{uid}dev", f"device-{uid}", subject="/O=Example")
    Wire.open(None, f"{uid}a", 5, sock=connect(OPTIONAL, ca.client_context(device)))
    assert f"user_name=CN=device-{uid},O=Example" in line_of(node, f"{uid}a").replace('"', "")
    Wire.open(None, f"{uid}b", 5, sock=connect(OPTIONAL, ca.client_context()), user="mine")
    assert "user_name=mine" in line_of(node, f"{uid}b")


@pytest.mark.parametrize("field,san,name", [
    ("san_dns", "DNS:dev.example.org", "dev.example.org"),
    ("san_email", "email:dev@example.org", "dev@example.org"),
    ("san_uri", "URI:urn:device:7", "urn:device:7"),
])
def test_alternative_names(make_node, ca, uid, field, san, name):
    port = free_ports(1)[0]
    node = make_node(start=False)
    server, device = ca.server(f"s{uid}"), ca.issue(f"d{uid}", "the-cn", san=san)
    node.config["listeners"].append({"name": "m", "transport": "tls", "address": f"127.0.0.1:{port}", "tls": {
        "certificate": str(server.certificate), "key": str(server.key), "ca": str(ca.certificate),
        "client_certificate": "required", "user_name_from": field}})
    node.start()
    Wire.open(None, uid, 5, sock=connect(port, ca.client_context(device)))
    assert f"user_name={name}" in line_of(node, uid)


def test_certificates_that_are_refused(node, ca, tmp_path):
    stranger = Authority(tmp_path, "other")
    context = ca.client_context()
    before = metric(node, "dunlin_tls_handshakes_failed_total", listener="mtls", reason="certificate")
    assert refused(MTLS, context, PROXIED)  # none
    other = stranger.issue("x", "x")
    context.load_cert_chain(other.certificate, other.key)
    assert refused(MTLS, context, PROXIED)
    assert refused(MTLS, ca.client_context(node.revoked), PROXIED)
    counted(node, before + 3, listener="mtls", reason="certificate")
    assert "certificate revoked" in node.log()


def test_a_stranger_refuses_us(node, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(TLS, Authority(tmp_path, "other").client_context())
    wait_until(lambda: metric(node, "dunlin_tls_handshakes_failed_total", listener="tls", reason="refused") >= 1, 5, "counted")


@pytest.mark.parametrize("asked,name", [
    ("one.example.org", "one.example.org"), ("a.example.net", "*.example.net"),
    ("A.EXAMPLE.NET", "*.example.net"), ("a.b.example.net", "localhost"), ("localhost", "localhost"), (None, "localhost"),
])
def test_the_host_chooses_the_certificate(node, ca, asked, name):
    s = connect(TLS, ca.client_context(check=False), host=asked)
    assert dict(x[0] for x in s.getpeercert()["subject"])["commonName"] == name


def serial(port, ca):
    return connect(port, ca.client_context()).getpeercert()["serialNumber"]


def test_new_files_serve_new_connections_and_old_ones_stay(node, ca, uid):
    old = Wire.open(None, uid, 5, sock=connect(TLS, ca.client_context()))
    before = serial(TLS, ca)
    node.server.replace(ca.server("renewed"))
    after = wait_until(lambda: (s := serial(TLS, ca)) != before and s, 10, "the new certificate is shown")
    assert wait_until(lambda: serial(WSS, ca) == after, 10, "by the other listener too")
    old.ping()
    assert "certificates_reloaded" in node.log()
    # A broken one is refused, told, and changes nothing.
    good = node.server.key.read_text()
    node.server.key.write_text("nonsense")
    wait_until(lambda: "certificates_refused" in node.log(), 10, "told")
    assert "tls.key" in node.log() and str(node.server.key) in node.log()
    assert serial(TLS, ca) == after
    node.server.key.write_text(good)
    old.ping()


def test_a_new_crl_is_used(make_node, ca, uid):
    port = free_ports(1)[0]
    node = make_node(start=False)
    server, device = ca.server(f"s{uid}"), ca.issue(f"d{uid}", "soon-revoked")
    node.config["listeners"].append({"name": "m", "transport": "tls", "address": f"127.0.0.1:{port}", "tls": {
        "certificate": str(server.certificate), "key": str(server.key), "ca": str(ca.certificate),
        "crl": str(ca.write_crl()), "client_certificate": "required"}})
    node.start()
    context = ca.client_context(device)
    Wire.open(None, uid, 5, sock=connect(port, context)).disconnect()
    ca.revoke(device)
    ca.write_crl()
    wait_until(lambda: refused(port, context), 10, "the revoked certificate is refused")


def test_session_is_resumed(node, ca, uid):
    context = ca.client_context(version=ssl.TLSVersion.TLSv1_2)
    first = connect(TLS, context)
    Wire.open(None, f"{uid}a", 4, sock=first)
    s = socket.create_connection(("127.0.0.1", TLS), timeout=10 * SLOW)
    again = context.wrap_socket(s, server_hostname="localhost", session=first.session)
    assert again.session_reused
    Wire.open(None, f"{uid}b", 4, sock=again)


def test_the_server_ends_with_close_notify(node, ca, uid):
    s = connect(TLS, ca.client_context())
    s.suppress_ragged_eofs = False
    c = Wire.open(None, uid, 5, sock=s)
    c.send(b"\xf0\x00")  # AUTH out of place
    assert c.recv().kind == "disconnect"
    with pytest.raises(Closed, match="end of stream"):
        c.recv()


@pytest.mark.parametrize("change,told", [
    ({"certificate": "/none.pem"}, "tls.certificate: /none.pem cannot be read"),
    ({"key": "/none.key"}, "tls.key: /none.key cannot be read"),
    ({"key": "OTHER"}, "is not the key of"),
    ({"key": "ENCRYPTED"}, "is encrypted. Hint: set passphrase"),
    ({"key": "ENCRYPTED", "passphrase": "wrong"}, "tls.passphrase: does not open"),
    ({"key": "CERTIFICATE"}, "holds no usable key"),
    ({"certificate": "KEY"}, "holds no usable certificate"),
    ({"client_certificate": "required"}, "tls.ca: is needed"),
    ({"user_name_from": "cn"}, "needs clients' certificates"),
    ({"ciphers": "NONSENSE"}, "tls.ciphers: \"NONSENSE\""),
    ({"sni": [{"host": "x", "certificate": "/none.pem", "key": "KEY"}]}, "tls.sni.0.certificate: /none.pem"),
])
def test_check_finds_what_is_wrong(dunlin_bin, tmp_path, ca, change, told):
    server, other = ca.server(f"a{tmp_path.name}"), ca.server(f"b{tmp_path.name}")
    hidden = ca.server(f"c{tmp_path.name}", passphrase="secret")
    files = {"KEY": server.key, "CERTIFICATE": server.certificate, "OTHER": other.key, "ENCRYPTED": hidden.key}
    known = json.loads(json.dumps(change), object_hook=lambda d: {k: str(files.get(v, v)) if isinstance(v, str) else v
                                                                  for k, v in d.items()})
    config = tmp_path / "d.yaml"
    config.write_text(json.dumps({"listeners": [{"name": "t", "transport": "tls", "address": "127.0.0.1:1", "tls": {
        "certificate": str(server.certificate), "key": str(server.key), **known}}]}, indent=1))
    done = subprocess.run([dunlin_bin, "check", "--config", str(config)], capture_output=True, text=True, timeout=30,
                          cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr, done.stderr
    assert f"{config}:" in done.stderr and "Hint:" in done.stderr


def test_an_encrypted_key_with_its_passphrase(make_node, ca, uid):
    port = free_ports(1)[0]
    node = make_node(start=False)
    server = ca.server(f"e{uid}", passphrase="secret")
    node.config["listeners"].append({"name": "m", "transport": "tls", "address": f"127.0.0.1:{port}", "tls": {
        "certificate": str(server.certificate), "key": str(server.key), "passphrase": "secret"}})
    node.start()
    Wire.open(None, uid, 5, sock=connect(port, ca.client_context()))
    shown = subprocess.run([node.binary, "show-config", "--config", str(node.config_path)], capture_output=True, text=True,
                           timeout=30).stdout
    assert "secret" not in shown.replace("secret_key", "")


def test_handshakes_that_stop_are_ended_in_time(make_node, ca, uid):
    """TLS, HTTP and PROXY header count into connect_timeout_ms, with CONNECT."""
    tls, ws, proxy = free_ports(3)
    node = make_node({"limits": {"connect_timeout_ms": int(700 * SLOW)}}, start=False)
    server = ca.server(f"t{uid}")
    node.config["listeners"] += [
        {"name": "t", "transport": "tls", "address": f"127.0.0.1:{tls}",
         "tls": {"certificate": str(server.certificate), "key": str(server.key)}},
        {"name": "w", "transport": "websocket", "address": f"127.0.0.1:{ws}"},
        {"name": "p", "transport": "tcp", "address": f"127.0.0.1:{proxy}", "proxy_protocol": "on"}]
    node.start()
    waiting = []
    for port, first in ((tls, b""), (tls, b"\x16\x03\x01"), (ws, b""), (ws, b"GET /mqtt HTT"), (proxy, b"PROX")):
        s = socket.create_connection(("127.0.0.1", port), timeout=10 * SLOW)
        s.sendall(first)
        waiting.append(s)
    waiting.append(connect(tls, ca.client_context()))  # a handshake, and no CONNECT
    for s in waiting:
        try:
            assert s.recv(100) == b""
        except ConnectionResetError:
            pass
    wait_until(lambda: metric(node, "dunlin_disconnects_total", reason="connect_timeout") == len(waiting), 5, "counted")


def test_sighup_reads_the_certificates_again(make_node, ca, uid):
    port = free_ports(1)[0]
    node = make_node(start=False)
    server = ca.server(f"h{uid}")
    node.config["listeners"].append({"name": "h", "transport": "tls", "address": f"127.0.0.1:{port}", "tls": {
        "certificate": str(server.certificate), "key": str(server.key)}})
    node.start()
    before = node.log().count("certificates_reloaded")
    node.process.send_signal(signal.SIGHUP)  # no file has changed, so nothing but the signal does it
    wait_until(lambda: node.log().count("certificates_reloaded") == before + 1, 10, lambda: node.log_tail())
    assert connect(port, ca.client_context()).version() == "TLSv1.3"
