"""Run by conformance_selftest.sh."""
import functools
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
faults = []


def numbers_expected():
    out, version = {}, None
    for line in (ROOT / "tests/conformance_numbers.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        if " " not in line:
            version = out.setdefault(line, [])
            continue
        section, span = line.split()
        first, last = map(int, span.split("-"))
        version += [f"{section}-{n}" for n in range(first, last + 1)]
    return out


@functools.lru_cache
def names_in(file):
    path = ROOT / "tests" / file
    if not path.exists():
        return None
    text = path.read_text()
    if file.endswith(".py"):
        return set(re.findall(r"^\s*def (test_\w+)", text, re.M))
    if file.endswith("_cases.txt"):
        rows = [line.split(" | ") for line in text.splitlines() if line and not line.startswith("#")]
        return {row[3 if len(row) == 6 else 2] for row in rows}
    return {".".join(m) for m in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s+(\w+)\)", text, re.M)}


def check(version, rows, expected):
    seen = [row[0] for row in rows]
    faults.extend(f"{version}: {n} has no row" for n in expected if n not in seen)
    faults.extend(f"{version}: {n} is no statement" for n in seen if n not in expected)
    faults.extend(f"{version}: {n} has several rows" for n in set(seen) if seen.count(n) > 1)
    for number, words, how in rows:
        if not words or not how:
            faults.append(f"{version}: {number}: an empty cell")
        for file, name in re.findall(r"`([^`:]+)::([^`]+)`", how):
            names = names_in(file)
            if names is None:
                faults.append(f"{version}: {number}: no file tests/{file}")
            elif name not in names:
                faults.append(f"{version}: {number}: no {name} in tests/{file}")


def main():
    expected = numbers_expected()
    text = (ROOT / "docs/conformance.md").read_text()
    for version, wanted in expected.items():
        part = text.split(f"## MQTT {version}\n", 1)[1].split("\n## ", 1)[0]
        rows = [[c.strip() for c in line.strip("|").split("|")] for line in part.splitlines() if re.match(r"\| \d", line)]
        check(version, rows, wanted)
        print(f"MQTT {version}: {len(rows)} rows, {len(wanted)} statements")
    for fault in faults:
        print(fault)
    return 1 if faults or not all(expected.values()) else 0


sys.exit(main())
