"""The tables of forbidden packets (tests/mqtt/malformed_cases.txt, tests/mqtt/forbidden_cases.txt) and the answers they require."""
from dataclasses import dataclass, field
from pathlib import Path

from kit import wire

TABLES = Path(__file__).resolve().parents[2] / "mqtt"
LEVELS = {"31": 3, "311": 4, "5": 5}
V3_CONNACK = {0x84: 1, 0x85: 2}  # the refusals for which 3.x has a return code [3.1.1 table 3.1]


@dataclass
class Case:
    name: str
    version: int
    bytes: bytes
    answers: list        # lists of (packet, code): one of them must come
    before: list = field(default_factory=list)  # packets after the CONNECT of that version, or from a CONNECT of its own
    first: bool = False  # the bytes come first
    stays: bool = False  # the answer is not the end of the connection
    node: str = "-"


def rows(table, columns):
    for line in (TABLES / table).read_text().splitlines():
        if line and not line.startswith("#"):
            row = [c.strip() for c in line.split(" | ")]
            assert len(row) == columns, f"{table}: not {columns} columns: {line}"
            yield row


def connect_answers(version, raw, code):
    """A CONNECT is refused by CONNACK where its version has a code for it, else by the end alone [3.1.1: MQTT-3.1.4-1]."""
    if raw[0] != 0x10:  # not even a CONNECT's first byte
        return [[]]
    if code == 0x84:    # in a form that the client may know: 5.0's, or the oldest [MQTT-3.1.2-1, MQTT-3.1.2-2]
        return [[("connack", 1)], [("connack", 0x84)]]
    if version == 5:
        return [[("connack", code)]]
    return [[("connack", V3_CONNACK[code])]] if code in V3_CONNACK else [[]]


def malformed():
    """Packets that the decoder refuses, one case a row."""
    out = []
    for version, sender, code, clause, what, raw in rows("malformed_cases.txt", 6):
        level, raw, code = LEVELS[version], bytes.fromhex(raw), int(code, 16)
        if raw[0] >> 4 == 1:
            answers = connect_answers(level, raw, code)
        elif level != 5:
            answers = [[]]
        elif sender == "server" or raw[0] >> 4 == 15:  # may not be sent here at all: refused unread, or read and refused
            answers = [[("disconnect", 0x81)], [("disconnect", 0x82)]]
        else:
            answers = [[("disconnect", code)]]
        out.append(Case(f"{version}-{clause}-{what}-{raw.hex()[:60]}", level, raw, answers, first=raw[0] >> 4 == 1))
    return out


def forbidden():
    """Packets that are well-formed and forbidden where they come, one case a row."""
    out = []
    for version, answer, clause, what, node, before, raw in rows("forbidden_cases.txt", 7):
        packet, *codes = answer.split()
        answers = [[(packet, int(code, 16))] for code in codes[0].split("/")] if codes else [[]]
        packets = [bytes.fromhex(b) for b in before.split(" ; ")] if before not in ("-", "first", "none") else []
        out.append(Case(f"{version}-{clause}-{what}", LEVELS[version], bytes.fromhex(raw), answers, packets,
                        before in ("first", "none"), packet not in ("close", "disconnect", "connack"), node))
    return out


def opening(case, client_id):
    """What is sent before the case's own bytes."""
    if case.first:
        return []
    if case.before and case.before[0][0] == 0x10:
        return case.before
    return [wire.connect(client_id, case.version), *case.before]
