"""A wrong configuration is one clear line with the file, the line and a hint, exit code 2, before anything listens."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from kit.node import free_ports, port_open

pytestmark = pytest.mark.dunlin

GOOD = """\
node: {name: n1, data_dir: {data}, reactors: 1}
listeners:
  - {name: tcp, transport: tcp, address: "127.0.0.1:{mqtt}"}
http: {address: "127.0.0.1:{http}"}
access: {anonymous: true}
"""
RULES = """\
rules:
  - {id: report, type: outbound, topic: sensors, queue: sensors_up}
  - {id: other, type: inbound, queue: down, topic: sensors}
"""


def fill(text, **values):
    for name, value in values.items():
        text = text.replace("{%s}" % name, str(value))
    return text


@pytest.fixture
def serve(dunlin_bin, tmp_path):
    """serve(text) -> the exit code and the lines on standard error; nothing may have listened."""
    mqtt, http = free_ports(2)

    def run(text, command="serve", mqtt_port=mqtt, data=tmp_path / "data", arguments=()):
        path = tmp_path / "dunlin.yaml"
        path.write_text(fill(text, mqtt=mqtt_port, http=http, data=data))
        done = subprocess.run([dunlin_bin, command, "--config", str(path), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, cwd=tmp_path)
        assert not port_open(http), "it listens"
        return done.returncode, [line for line in done.stderr.splitlines() if line.strip()]

    return run


def expect_error(result, *parts):
    code, lines = result
    assert code == 2, (code, lines)
    errors = [line for line in lines if "dunlin.yaml" in line or "error" in line.lower()]
    assert len(errors) == 1, lines
    for part in parts:
        assert part.lower() in errors[0].lower(), f"{part!r} is not in: {errors[0]}"


@pytest.mark.parametrize("command", ["serve", "check"])
def test_an_unknown_key(serve, command):
    expect_error(serve(GOOD + "lisners: []\n", command), "dunlin.yaml:6", "lisners", "listeners")


@pytest.mark.parametrize("command", ["serve", "check"])
def test_an_unknown_key_inside(serve, command):
    expect_error(serve(GOOD + "limits:\n  packet_byte_max: 5\n", command), "dunlin.yaml:7", "packet_byte_max",
                 "packet_bytes_max")


@pytest.mark.parametrize("text, parts", [
    ("limits: {qos_max: many}\n", ["dunlin.yaml:6", "qos_max", "many"]),
    ("limits: {qos_max: 3}\n", ["dunlin.yaml:6", "qos_max", "3"]),
    ("limits: {retain_available: 7}\n", ["dunlin.yaml:6", "retain_available"]),
    ("limits: 7\n", ["dunlin.yaml:6", "limits"]),
    ("rules: {id: a}\n", ["dunlin.yaml:6", "rules"]),
    ("log: {level: loud}\n", ["dunlin.yaml:6", "loud", "debug"]),
    ("rules:\n  - {id: a, type: sideways, topic: t, queue: q}\n", ["dunlin.yaml:7", "sideways", "outbound"]),
    ("rules:\n  - {id: a, type: outbound, queue: q}\n", ["dunlin.yaml:7", "topic"]),
    ("rules:\n  - {type: outbound, topic: t, queue: q}\n", ["dunlin.yaml:7", "id"]),
])
def test_a_bad_value(serve, text, parts):
    expect_error(serve(GOOD + text), *parts)


def test_two_rules_with_one_id(serve):
    expect_error(serve(GOOD + RULES.replace("other", "report")), "dunlin.yaml:8", "report")


def test_broken_yaml(serve):
    expect_error(serve(GOOD + "rules: [\n"), "dunlin.yaml:")


def test_a_file_that_is_not_there(dunlin_bin, tmp_path):
    done = subprocess.run([dunlin_bin, "serve", "--config", str(tmp_path / "none.yaml")], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 2 and "none.yaml" in done.stderr, done


def test_a_bad_address(serve):
    expect_error(serve(GOOD.replace("127.0.0.1:{mqtt}", "127.0.0.1:port")), "dunlin.yaml:3", "address")


def test_a_bad_override(serve):
    code, lines = serve(GOOD, arguments=["--set", "http.adress=127.0.0.1:1"])
    assert code == 2 and len(lines) == 1 and "http.adress" in lines[0], lines


def test_a_port_that_is_taken(serve):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        code, lines = serve(GOOD, mqtt_port=port)
    told = [line for line in lines if f"127.0.0.1:{port}" in line]
    assert code == 2 and len(told) == 1, lines
    assert "in use" in told[0] or "taken" in told[0], told


def test_a_data_directory_that_is_a_file(serve, tmp_path):
    (tmp_path / "file").write_text("")
    code, lines = serve(GOOD + RULES, data=tmp_path / "file")
    assert code == 2 and len([line for line in lines if str(tmp_path / "file") in line]) == 1, lines


def test_a_data_directory_that_cannot_be_made(serve, tmp_path):
    # Root reads everything, so the folder lies below a file: no user can make it.
    (tmp_path / "file").write_text("")
    code, lines = serve(GOOD + RULES, data=tmp_path / "file" / "data")
    assert code == 2 and any(str(tmp_path / "file") in line for line in lines), lines


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become someone else")
def test_a_data_directory_of_someone_else(dunlin_bin):
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/", "capture_output": True, "text": True}
    mqtt, http = free_ports(2)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        binary, data = shutil.copy(dunlin_bin, folder), Path(folder, "data")
        data.mkdir(mode=0o700)
        done = subprocess.run([binary, "serve", "--set", f"node.data_dir={data}", "--set",
                               f"listeners.0.address=127.0.0.1:{mqtt}", "--set", f"http.address=127.0.0.1:{http}"],
                              timeout=20, **nobody)
        assert done.returncode == 2 and str(data) in done.stderr, done


def test_check_accepts_a_good_file_and_show_config_tells_where_values_come_from(dunlin_bin, tmp_path):
    path = tmp_path / "dunlin.yaml"
    path.write_text(fill(GOOD, mqtt=11883, http=18080, data=tmp_path / "data") + RULES)
    done = subprocess.run([dunlin_bin, "check", "--config", str(path)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done
    done = subprocess.run([dunlin_bin, "show-config", "--config", str(path), "--set", "limits.qos_max=1"],
                          capture_output=True, text=True, timeout=20, env={**os.environ, "DUNLIN_LOG_LEVEL": "warn"})
    assert done.returncode == 0, done
    lines = {line.split(":")[0]: line for line in done.stdout.splitlines()}
    assert "--set" in lines["limits.qos_max"] and "1" in lines["limits.qos_max"]
    assert "DUNLIN_LOG_LEVEL" in lines["log.level"] and "warn" in lines["log.level"]
    assert "dunlin.yaml:4" in lines["http.address"]
    assert "default" in lines["limits.receive_max"]


def test_version(dunlin_bin):
    done = subprocess.run([dunlin_bin, "version"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and re.fullmatch(r"(dunlin )?\d+\.\d+\.\d+\S*\n", done.stdout), done
