"""transports_report.py RUNS: the medians of transports.sh's runs as a Markdown table, each against TCP's, with the goals.

A line of RUNS is a transport's name, a tab, and the JSON of one run. Exit code 1 when a goal was missed or a run was not clean.
"""
import json
import statistics
import sys

GOALS = {"websocket": 0.6, "tls": 0.5}
GENERATOR_BOUND = 95  # percent of its core: above, the rate is the generator's
FAULTS = ("missing", "duplicates", "reordered", "misrouted", "failed_clients")


def read(path):
    runs, wrong = {}, []
    for line in open(path):
        name, text = line.rstrip("\n").split("\t", 1)
        try:
            run = json.loads(text)
            runs.setdefault(name, []).append(
                (run["delivered_per_s"], run["broker_cpu_us_per_message"], run["delivery_ms"]["p99"],
                 run["generator_cpu_percent"], run["other_cpu_percent"]))
        except (ValueError, KeyError, TypeError):  # a bare number is JSON too
            runs.setdefault(name, [])
            wrong.append(f"{name}: a run without a result")
            continue
        wrong += [f"{name}: {run[f]} {f}" for f in FAULTS if run.get(f)]
        if not run.get("verified", False):
            wrong.append(f"{name}: a run ended before everything had come")
    return {name: [statistics.median(x) for x in zip(*r)] for name, r in runs.items() if r}, wrong


def main(path):
    table, wrong = read(path)
    tcp, missed = table.get("tcp"), False
    print("| transport | delivered/s | node's CPU, µs | p99, ms | generator's CPU | others' CPU | of TCP's rate | TCP's CPU / its CPU | goal |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, (rate, cpu, p99, generator, others) in table.items():
        nan = float("nan")
        shares = [rate / tcp[0] if tcp and tcp[0] else nan, tcp[1] / cpu if tcp and cpu else nan]
        goal = GOALS.get(name)
        bound = generator > GENERATOR_BOUND
        said = "-"
        if goal and tcp:
            met = shares[1 if bound else 0] >= goal
            missed = missed or not met
            said = f"{'CPU' if bound else 'rate'} >= {goal:.0%}: {'met' if met else '**MISSED**'}"
        elif goal:
            said = "not measured"
        print(f"| {name} | {rate:,.0f} | {cpu:.3f} | {p99:.2f} | {generator:.0f} % | {others:.0f} % | {shares[0]:.0%} | {shares[1]:.0%} | {said} |")
    print("\n".join(["Not clean:"] + [f"- {w}" for w in wrong]) if wrong else "Nothing was lost, duplicated or reordered in any run.")
    return 1 if missed or wrong or not table else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
