"""Fixtures of the end-to-end tests.

DUNLIN_BIN names the binary (default: what `bazel build //broker:dunlin` left). E2E_BROKER=mosquitto runs what is plain MQTT
against Debian's Mosquitto, which proves the tests themselves. E2E_STRICT=1: what is missing is a failure, not a skip.
"""
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kit.node import Dunlin, Mosquitto
from kit.rocketmq import RocketMQ

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = os.environ.get("E2E_BROKER", "dunlin") == "mosquitto"
STRICT = os.environ.get("E2E_STRICT") == "1"
BINARY = os.environ.get("DUNLIN_BIN")
BAZEL_STARTUP = os.environ.get("DUNLIN_BAZEL_STARTUP", "").split()
numbers = itertools.count(1)
for _name in [n for n in os.environ if n.startswith("DUNLIN_")]:
    del os.environ[_name]  # Dunlin takes DUNLIN_... for its configuration


def pytest_collection_modifyitems(items):
    for item in items:
        if "rocketmq" in item.fixturenames:
            item.add_marker(pytest.mark.rocketmq)
        if STAND_IN and (item.get_closest_marker("dunlin") or item.get_closest_marker("rocketmq")):
            item.add_marker(pytest.mark.skip(reason="about Dunlin alone"))


def missing(what):
    """What a test cannot do without is not there."""
    if STRICT:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def dunlin_bin():
    given = BINARY
    if not given:
        folder = subprocess.run(["bazel", *BAZEL_STARTUP, "info", "bazel-bin"], cwd=ROOT, capture_output=True, text=True,
                                timeout=120).stdout.strip()
        given = f"{folder}/broker/dunlin"
    if not os.access(given, os.X_OK):
        missing(f"no binary at {given}: bazel build //broker:dunlin, or set DUNLIN_BIN")
    return given


@pytest.fixture(scope="module")
def broker(request, tmp_path_factory):
    """One broker for all tests of a file; a file may set CONFIG."""
    folder = tmp_path_factory.mktemp("broker")
    config = getattr(request.module, "CONFIG", None)
    if STAND_IN:
        node = Mosquitto(folder, config)
    else:
        node = Dunlin(request.getfixturevalue("dunlin_bin"), folder, config)
    node.start()
    yield node
    node.stop()


@pytest.fixture
def make_node(dunlin_bin, tmp_path):
    """make_node(config) -> a started Dunlin of this test alone; stopped (exit code 0) at its end if it still runs."""
    nodes = []

    def make(config=None, start=True):
        node = Dunlin(dunlin_bin, tmp_path / f"node{len(nodes)}", config)
        nodes.append(node)
        return node.start() if start else node

    yield make
    faults = []
    for node in nodes:
        if node.running():
            try:
                node.stop()
            except AssertionError as e:
                faults.append(str(e))
        if fault := node.fault():  # it may have died in the middle of a test that saw only a connection end
            faults.append(fault)
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def java_tools():
    missing_tools = [tool for tool in ("java", "javac", "mvn") if shutil.which(tool) is None]
    if missing_tools:
        missing(f"{missing_tools} not installed: tools/setup.sh rocketmq")


@pytest.fixture(scope="session")
def rocketmq(java_tools):
    """A real RocketMQ of this run's own, in three processes."""
    server = RocketMQ()
    if os.environ.get("E2E_RMQ_KEEP") == "1":  # while a test is being written: a start takes half a minute
        yield server.start()
        return
    server.stop()  # what an interrupted run left, store and all
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def fault_seconds():
    """How long a killed process stays away: E2E_FAULT_SECONDS, 30 for the whole story."""
    return float(os.environ.get("E2E_FAULT_SECONDS", "10"))


@pytest.fixture
def uid():
    """A part for client IDs and topics that no other test uses."""
    return f"t{next(numbers)}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its broker's log."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        node = item.funcargs.get("broker")
        if node is not None:
            report.sections.append(("broker log", node.log_tail(30)))
