#!/usr/bin/env python3
"""Counts test cases: tools/count_tests.py [--bep FILE] [--junit FILE ...]  ->  "passed failed skipped", one line.

--bep is Bazel's --build_event_json_file: the test.xml files of exactly the targets of that run, cached ones too (a glob
over bazel-testlogs would also count targets that are long gone). A target that did not build, crashed or ran out of time
without a failed case counts as one failure. The names of what failed go to standard error.
"""
import argparse
import json
import sys
import urllib.parse
import xml.etree.ElementTree as xml


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def fail(self, name, why):
        self.failed += 1
        print(f"failed: {name}: {why}", file=sys.stderr)

    def junit(self, path, label):
        """Counts one report; returns how many of its cases failed, or None when it cannot be read."""
        try:
            root = xml.parse(path).getroot()
        except (OSError, xml.ParseError):
            return None
        failed = 0
        for case in root.iter("testcase"):
            name = f"{label} {case.get('classname', '')}.{case.get('name', '')}"
            fault = next((c for c in case if c.tag in ("failure", "error")), None)
            if fault is not None:
                failed += 1
                self.fail(name, (fault.get("message") or "").strip().split("\n")[0][:200])
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                self.skipped += 1
                print(f"skipped: {name}", file=sys.stderr)
            else:
                self.passed += 1
        return failed


def count_bep(path, count):
    finished = False
    try:
        lines = open(path, encoding="utf-8").read().splitlines()
    except OSError:
        lines = []
    built = {}
    for line in lines:
        event = json.loads(line)
        key = event.get("id", {})
        if "targetCompleted" in key:
            label = key["targetCompleted"]["label"]
            built[label] = built.get(label, True) and event.get("completed", {}).get("success", False)
        elif "testResult" in key:
            count_target(key["testResult"], event.get("testResult", {}), count)
        elif "buildFinished" in key or "finished" in event:
            finished = True
    for label in sorted(l for l, ok in built.items() if not ok):
        count.fail(label, "does not build")
    if not finished:
        count.fail("bazel", "did not finish (see its log)")


def count_target(key, result, count):
    label, status = key.get("label", "?"), result.get("status", "NO_STATUS")
    uris = [o["uri"] for o in result.get("testActionOutput", []) if o.get("name") == "test.xml" and "uri" in o]
    failed = None
    if uris:
        failed = count.junit(urllib.parse.unquote(urllib.parse.urlparse(uris[0]).path), label)
    if status != "PASSED" and not failed:
        count.fail(label, f"ended with status {status}")
    elif status == "PASSED" and failed is None:
        count.passed += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bep")
    parser.add_argument("--junit", action="append", default=[])
    args = parser.parse_args()
    count = Count()
    if args.bep:
        count_bep(args.bep, count)
    for path in args.junit:
        if count.junit(path, path.rsplit("/", 1)[-1]) is None:
            count.fail(path, "the report is missing or broken")
    print(count.passed, count.failed, count.skipped)


if __name__ == "__main__":
    main()
