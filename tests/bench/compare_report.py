"""compare_report.py RUNS.jsonl COMPARE.json: the medians of compare.sh's runs as a Markdown table, goals judged, and as JSON.

Exit code 1 when a goal of Dunlin's was missed or one of its runs was not clean.
"""
import json
import math
import statistics
import sys

NOISY = 30  # percent of one core that others used: above, a figure is marked
SCENARIOS = {
    "fanin0": "fan-in QoS 0, 50 publishers",
    "fanin1": "fan-in QoS 1, window 32",
    "fanout0": "fan-out QoS 0, 1 to 1000",
    "pairs1": "500 pairs QoS 1, window 4",
    "fanin0deep": "fan-in QoS 0, 64,000 on their way",
    "fanin1deep": "fan-in QoS 1, window 256",
    "fanout0deep": "fan-out QoS 0, 2,000 on their way",
    "pairs1deep": "500 pairs QoS 1, window 128",
    "rate10k": "10,000 msg/s QoS 1, evenly spaced",
    "own10k": "10,000 msg/s QoS 1, each device at a time of its own",
    "idle": "idle connections",
    "subscriptions": "100,000 subscriptions",
    "filters1k": "publish among 1,000 filters",
    "filters1m": "publish among 1,000,000 filters",
}
CPU, RATE, P99, EACH, CONNECTS = "cpu_us", "per_s", "p99_ms", "bytes_each", "connects_per_s"
CONNECT_CPU = "connect_cpu_us"
# scenario: (figure, "<=" or ">=", factor, of which broker; None: the factor is the bound itself)
GOALS = {
    "fanin0": [(CPU, "<=", 1 / 30, "mosquitto"), (CPU, "<=", 5.5, "limit"), (RATE, ">=", 28, "mosquitto")],
    "fanin1": [(CPU, "<=", 1 / 34, "mosquitto"), (CPU, "<=", 2.3, "limit"), (RATE, ">=", 30, "mosquitto")],
    "fanout0": [(CPU, "<=", 1 / 15, "mosquitto"), (CPU, "<=", 2, "limit"), (RATE, ">=", 13, "mosquitto")],
    "pairs1": [(CPU, "<=", 1 / 8, "mosquitto"), (CPU, "<=", 1.8, "limit"), (RATE, ">=", 7, "mosquitto")],
    "rate10k": [(CPU, "<=", 1, "mosquitto"), (P99, "<=", 0.5, "mosquitto")],
    "own10k": [(CPU, "<=", 1, "mosquitto"), (P99, "<=", 0.5, "mosquitto")],
    "idle": [(EACH, "<=", 3072, None), (CONNECTS, ">=", 2, "mosquitto")],
    "subscriptions": [(EACH, "<=", 400, None)],
}
P99_OF_LIMIT = 1.25  # of limit's p99, where that is all the machine can
FILTERS_FACTOR = 2  # publish cost at a million filters against a thousand


def figures(run):
    """The figures of one run under the names used here; only what was measured."""
    out = {
        CPU: run.get("broker_cpu_us_per_message"),
        RATE: run.get("delivered_per_s"),
        P99: run.get("delivery_ms", {}).get("p99"),
        EACH: run.get("memory_bytes_each"),
        CONNECTS: run.get("connects_per_s"),
        CONNECT_CPU: run.get("connect_broker_cpu_us_each"),
        "others": run.get("other_cpu_percent", run.get("connect_other_cpu_percent")),
        "generator": run.get("generator_cpu_percent"),
    }
    return {k: v for k, v in out.items() if v is not None}


def medians(runs):
    names = {name for r in runs for name in figures(r)}
    return {name: statistics.median(f[name] for f in map(figures, runs) if name in f) for name in names}


def number(value):
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    if value >= 1e4:
        return f"{value / 1e3:.0f} k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def cell(scenario, m):
    if scenario == "idle":
        return f"{m.get(EACH, 0):,.0f} B · {m.get(CONNECTS, 0):,.0f}/s · {m.get(CONNECT_CPU, 0):.1f} µs"
    if scenario == "subscriptions":
        return f"{m.get(EACH, 0):,.0f} B"
    if scenario.endswith("10k"):
        return f"{m.get(CPU, 0):.1f} µs · p99 {m.get(P99, 0):.2f} ms"
    if scenario.startswith("filters"):
        return f"{m.get(CPU, 0):.2f} µs · {number(m.get(RATE, 0))}/s"
    return f"{m.get(CPU, 0):.3g} µs · {number(m.get(RATE, 0))}/s · {m.get(P99, 0):.2f} ms"


def factor_text(factor):
    return f"1/{1 / factor:.0f}" if factor < 0.4 else f"{factor:g}"


def judge(scenario, table):
    """[(text, met or None)] of one scenario's goals; None: it was not measured."""
    out = []
    mine = table[scenario].get("dunlin")
    for what, relation, factor, of in GOALS.get(scenario, []):
        text = f"{what} {relation} {factor_text(factor) + ' x ' + of if of else factor}"
        other = {what: 1} if of is None else table[scenario].get(of, {})
        if not mine or what not in mine or what not in other:
            out.append((text, None))
            continue
        bound = factor * other[what]
        met = mine[what] <= bound if relation == "<=" else mine[what] >= bound
        ratio = mine[what] / other[what] if other[what] else float("inf")
        shown = f"{ratio:.3g}" if ratio >= 0.4 or of is None else f"1/{1 / max(ratio, 1e-9):.1f}"
        floor = table[scenario].get("limit", {}).get(what)
        if met or what not in (CONNECTS, P99) or not floor or (floor <= bound if relation == "<=" else floor >= bound):
            out.append((f"{text}: {shown}", met))
            continue
        # Not even the least work gets there: the rate is the generator's and the kernel's, the latency how soon the machine wakes a process.
        out.append((f"{text}: {shown}, limit {floor / other[what]:.3g}", None))
        if what == CONNECTS:
            ratio = mine.get(CONNECT_CPU, 0) / (other.get(CONNECT_CPU) or float("inf"))
            out.append((f"so {CONNECT_CPU} <= 1/{factor:g} x {of}: {ratio:.3g}", ratio <= 1 / factor))
        else:
            out.append((f"so {what} <= {P99_OF_LIMIT} x limit: {mine[what] / floor:.3g}", mine[what] <= P99_OF_LIMIT * floor))
    if scenario == "filters1m":
        few = table.get("filters1k", {}).get("dunlin", {})
        if mine and few.get(CPU):
            ratio = mine[CPU] / few[CPU]
            out.append((f"cpu_us <= {FILTERS_FACTOR} x that at 1,000: {ratio:.2f}", ratio <= FILTERS_FACTOR))
        else:
            out.append(("publish cost against 1,000 filters", None))
    return out


def interval(values):
    """Where the median lies with 95 %: between two of the values, whatever their distribution; nothing below six."""
    ordered, left_out, tail = sorted(values), 0, 0.0
    while left_out < len(ordered) / 2:
        tail += math.comb(len(ordered), left_out) / 2 ** len(ordered)
        if 2 * tail > 0.05:
            break
        left_out += 1
    return f" (95 %: {ordered[left_out - 1]:.2f} to {ordered[-left_out]:.2f})" if left_out else ""


def two_reactors(scenario, of):
    """Two reactors against one, with the same cores where that was measured: rate and CPU for each message, run by run."""
    figures_by_repeat = lambda broker: {r["repeat"]: figures(r) for r in of(scenario, broker)}
    ones = figures_by_repeat("dunlin_free") or figures_by_repeat("dunlin")
    out = []
    for broker, what in (("dunlin_again", ", one again"), ("dunlin2", ""), ("dunlin2_all", ", both always in use")):
        pairs = [(ones.get(n, {}), two) for n, two in figures_by_repeat(broker).items()]
        pairs = [(one, two) for one, two in pairs if all(f.get(CPU) and f.get(RATE) for f in (one, two))]
        if pairs:
            rates = [two[RATE] / one[RATE] for one, two in pairs]
            cpu = statistics.median(one[CPU] / two[CPU] for one, two in pairs)
            out.append(f"- {SCENARIOS[scenario]}{what}: {statistics.median(rates):.2f} of one's rate{interval(rates)}, "
                       f"{cpu:.2f} of its messages for each CPU second")
    return out


def faults(runs):
    """What went wrong in any run of one broker and scenario."""
    counted = {"missing": 0, "duplicates": 0, "reordered": 0, "misrouted": 0, "failed_clients": 0}
    for r in runs:
        for name in counted:
            counted[name] += r.get(name, 0)
    out = [f"{n} {name.replace('_', ' ')}" for name, n in counted.items() if n]
    out += sorted({r["error"] for r in runs if r.get("error")})
    if any(not r.get("verified", False) for r in runs if "drain" in r):
        out.append("a run ended before everything had come")
    return out


def main(runs_path, json_path):
    runs = [json.loads(line) for line in open(runs_path)]
    brokers = sorted({r["broker"] for r in runs}, key=["limit", "dunlin", "dunlin_free", "dunlin_again", "dunlin2", "dunlin2_all", "flashmq", "mosquitto"].index)
    titles = {r["broker"]: r["title"] for r in runs}
    scenarios = [s for s in SCENARIOS if any(r["benchmark"] == s for r in runs)]
    of = lambda s, b: [r for r in runs if r["benchmark"] == s and r["broker"] == b]
    table = {s: {b: medians(of(s, b)) for b in brokers if any(not r.get("error") for r in of(s, b))} for s in scenarios}

    print(f"| scenario, 64 B, broker on one core | {' | '.join(titles[b] for b in brokers)} | goals |")
    print(f"|---|{'---|' * (len(brokers) + 1)}")
    result, bad, notes = {}, False, []
    for s in scenarios:
        cells = []
        for b in brokers:
            m = table[s].get(b)
            mark = "~" if m and m.get("others", 0) > NOISY else ""
            cells.append((cell(s, m) + mark) if m else ("-" if not of(s, b) else "failed"))
        goals = judge(s, table)
        bad = bad or any(met is False for _, met in goals)
        words = {True: "met", False: "**MISSED**", None: "not measured"}
        shown = "; ".join(f"{text} {words[met]}" for text, met in goals) or "-"
        print(f"| {SCENARIOS[s]} | {' | '.join(cells)} | {shown} |")
        wrong = {b: faults(of(s, b)) for b in brokers if faults(of(s, b))}
        notes += [f"{titles[b]}, {SCENARIOS[s]}: {', '.join(f)}" for b, f in wrong.items()]
        bad = bad or any(b.startswith("dunlin") for b in wrong)
        result[s] = {"medians": table[s], "goals": [{"goal": t, "met": m} for t, m in goals], "faults": wrong}

    others = [figures(r)["others"] for r in runs if "others" in figures(r)]
    print("\nTraffic: broker CPU for each delivered message · delivered messages a second · p99 of the latency.")
    if others:
        print(f"The machine meanwhile: others used {statistics.median(others):.0f} % of one core (median), "
              f"{max(others):.0f} % at most. ~ marks medians of more than {NOISY} %: their rates are too low, their latencies too high.")
    busy = sorted({f"{titles[r['broker']]}, {SCENARIOS[r['benchmark']]}" for r in runs if r.get("generator_cpu_percent", 0) > 95})
    if busy:
        print(f"The generator was the limit (over 95 % of its core) in: {'; '.join(busy)}.")
    scaling = [line for s in scenarios for line in two_reactors(s, of)]
    if scaling:
        print("\n".join(["Two reactors against one (medians of runs one after the other):"] + scaling))
    print("\n".join(["Not clean:"] + [f"- {n}" for n in notes]) if notes else "Nothing was lost, duplicated or reordered in any run.")
    with open(json_path, "w") as f:
        json.dump({"titles": titles, "scenarios": result, "others_cpu_percent": others}, f, indent=1)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
