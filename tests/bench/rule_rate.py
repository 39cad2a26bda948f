"""rule_rate.py URL RULE COMMAND...: runs the command, a load on the rule, then drains the rule's spool with no load on it and
prints the rate of that in messages a second.

Asks GET /api/v1/rules/RULE until its lag is 0. When the rule keeps up with the load, nothing is left to drain: the rate is then
that of load and drain together, a lower bound, and standard error says so. Exit code 1 when the load fails or the rule makes
dead letters or does not end in time.
"""
import json
import subprocess
import sys
import time
import urllib.request

PROBE_S = 0.1
ENOUGH_S = 1.0  # a shorter drain tells little
DRAIN_MAX_S = 300


def rule(url, name):
    with urllib.request.urlopen(f"{url}/api/v1/rules/{name}", timeout=10) as answer:
        return json.load(answer)


def main(url, name, *command):
    start, start_at = rule(url, name), time.monotonic()
    load = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    first, begin = rule(url, name), time.monotonic()
    if load.returncode != 0:
        sys.exit(f"the load failed with exit code {load.returncode}:\n{load.stdout}")
    now, at = first, begin
    while now["lag"] > 0:
        if at - begin > DRAIN_MAX_S:
            sys.exit(f"rule {name}: {now['lag']:.0f} messages still in the spool after {DRAIN_MAX_S} s; last error: {now['lastError']}")
        time.sleep(PROBE_S)
        now, at = rule(url, name), time.monotonic()
    sent, took = now["sent"] - first["sent"], at - begin
    if now["deadLetters"]:
        sys.exit(f"rule {name}: {now['deadLetters']:.0f} dead letters; last error: {now['lastError']}")
    if took < ENOUGH_S:
        sent, took = now["sent"] - start["sent"], at - start_at
        print(f"rule {name} kept up with the load: its rate is a lower bound", file=sys.stderr)
    print(round(sent / took))


if __name__ == "__main__":
    main(*sys.argv[1:])
