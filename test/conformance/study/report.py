"""Prints the tables of a study as Markdown: python test/conformance/study/report.py RESULTS.jsonl"""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path


def read(path):
    """The curves of every seed, by model, rate and start, in the order of the file."""
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        found[one["model"]][one["rate"]][one["start"]].append(one["curve"])
    return found


def cell(losses):
    """Mean over seeds, with their standard deviation where there are several."""
    if any(loss is None for loss in losses):
        return "not finite"
    mean = f"{statistics.mean(losses):.4f}"
    return mean if len(losses) < 2 else f"{mean} ± {statistics.stdev(losses):.4f}"


def table(rate, starts):
    steps = [step for step, _ in next(iter(starts.values()))[0]]
    seeds = min(len(curves) for curves in starts.values())
    rows = [f"| learning rate {rate:g}, {seeds} seed{'s' * (seeds > 1)} | " + " | ".join(f"{step} steps" for step in steps) + " |"]
    rows.append("|---" * (len(steps) + 1) + "|")
    for start, curves in starts.items():
        cells = [cell([curve[i][1] for curve in curves[:seeds]]) for i in range(len(steps))]
        rows.append(f"| {start} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    for model, rates in read(sys.argv[1]).items():
        print(f"## {model}\n")
        for rate, starts in sorted(rates.items()):
            print(f"{table(rate, starts)}\n")
