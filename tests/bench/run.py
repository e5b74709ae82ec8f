"""Times this program against PyTorch, TensorFlow and what is promised, and writes one table.

    build/venv-bench/bin/python tests/bench/run.py --digits target/release/digits-rs --dataset datasets/mnist

Contenders are started in turn, in rounds (A B C, A B C, …), so that a machine whose clock floats or whose other work
comes and goes treats them alike; what counts is the median of the ratios within a round. Writes src/docs/bench/table.{md,json}
and growth.svg, and prints what has become worse since the table that was there.

    --only lenet,wait    only these figures; nothing is written unless --out is given
    --quick              2 rounds and small sets: whether it works, not how fast
    --compare A B        prints what is worse in table B than in table A, and ends
"""
import argparse
import importlib
import json
import os
import statistics
import sys
import time

from compare import worse
from measure import ROOT, is_met, machine, median

FIGURES = ["autoencoder", "lenet", "floor", "wait", "competing", "processes", "creation", "growth", "tensorflow", "twins", "char_lstm", "inception"]


def spread(row):
    """`median (smallest – largest)`."""
    low, high, digits = min(row["values"]), max(row["values"]), row["digits"]
    text = f"{statistics.median(row['values']):,.{digits}f}"
    return f"{text} ({low:,.{digits}f} – {high:,.{digits}f})" if len(row["values"]) > 1 else text


def reach(row):
    if row["reach"] is None:
        return "", ""
    sign = "≥" if row["better"] == "higher" else "≤"
    return f"{sign} {row['reach']:g}", "yes" if is_met(row) else "**no**"


def table(result):
    where = result["machine"]
    lines = [
        "# Measured",
        "",
        f"Made by `make bench` in {result['minutes']:.0f} minutes, {result['rounds']} rounds, contenders started in turn: median of the rounds",
        "(smallest – largest). How each figure is taken is in `tests/bench/figures/`. Nothing is left out that was missed.",
        "",
        f"{where['date']}: {where['processor']} ({', '.join(where['vector'])}), {where['cores']} cores, {where['memory_mib']:,} MiB, Linux {where['kernel']},",
        f"Python {where['python']}, PyTorch {where['pytorch']} on the processor; load before the start {where['load_before']}.",
        "",
        "| figure | measured | to reach | met |",
        "|---|---|---|---|",
    ]
    ordered = sorted(result["rows"], key=lambda row: row["reach"] is None)
    for row in ordered:
        lines.append(f"| {row['figure']}{' ' + row['note'] if row['note'] else ''} | {spread(row)} | {' | '.join(reach(row))} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", default="target/release/digits-rs")
    parser.add_argument("--dataset", default="datasets/mnist")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", help=f"comma-separated, of {', '.join(FIGURES)}")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", help="folder for the table [default: src/docs/bench for a whole run, else none]")
    parser.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"))
    arguments = parser.parse_args()
    if arguments.compare:
        tables = [json.load(open(path)) for path in arguments.compare]
        sys.exit("\n".join(worse(*tables)) or 0)
    names = arguments.only.split(",") if arguments.only else FIGURES
    is_whole = not arguments.only and not arguments.quick
    arguments.digits, arguments.dataset = os.path.abspath(arguments.digits), os.path.abspath(arguments.dataset)
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    out = arguments.out or (f"{ROOT}/src/docs/bench" if is_whole else None)
    arguments.out = out or f"{ROOT}/build/bench"
    os.makedirs(arguments.out, exist_ok=True)

    from datasets import records

    arguments.images = sum(1 for _ in records(f"{arguments.dataset}/train_db"))
    say = lambda text: print(text, flush=True)
    started = time.monotonic()
    result = {"machine": machine(arguments.digits), "rounds": arguments.rounds, "rows": []}
    for name in names:
        say(f"{name} ({(time.monotonic() - started) / 60:.1f} min)")
        result["rows"] += importlib.import_module(f"figures.{name}").run(arguments, say)
    result["minutes"] = (time.monotonic() - started) / 60

    path = f"{arguments.out}/table"
    if out and os.path.exists(f"{path}.json"):
        with open(f"{path}.json") as file:
            changes = worse(json.load(file), result)
        say("\n".join(["worse than the table before:", *changes]) if changes else "nothing is worse than in the table before")
    if out:
        with open(f"{path}.json", "w") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
        with open(f"{path}.md", "w") as file:
            file.write(table(result))
    say(table(result))
    missed = [row["figure"] for row in result["rows"] if is_met(row) is False]
    say(f"{len(missed)} figures missed: {'; '.join(missed)}" if missed else "every figure is reached")


if __name__ == "__main__":
    main()
