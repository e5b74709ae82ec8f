"""A dataset from PNG files: `digits-rs dataset folder` against DIGITS' way in Python, same options, per core used."""
import sys
import tempfile

from datasets import pngs
from measure import PEERS, WORK, ratios, row, run as run_process


def run(arguments, say):
    count = 6_000 if arguments.quick else 60_000
    folder = pngs(arguments.dataset, count, say)
    command = [arguments.digits, "dataset", "folder", folder, "--size", "28x28", "--channels", "1", "--val-percent", "25", "--out"]
    results = {"ours": [], "theirs": []}
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory(dir=WORK) as out:
            results["ours"].append(run_process([*command, f"{out}/ours"]))
            results["theirs"].append(run_process([sys.executable, f"{PEERS}/create_digits.py", folder, f"{out}/theirs"]))
        say(f"  round {number + 1}: ours {results['ours'][-1].seconds:.2f} s, theirs {results['theirs'][-1].seconds:.2f} s")
    ours, theirs = results["ours"], results["theirs"]
    return [
        row(f"dataset of {count:,} PNG files against DIGITS' way, per core", ratios([f.cpu for f in theirs], [f.cpu for f in ours]), 4.0),
        row(f"dataset of {count:,} PNG files against DIGITS' way, by the clock", ratios([f.seconds for f in theirs], [f.seconds for f in ours])),
        row("dataset creation: images/s of digits-rs", [count / f.seconds for f in ours], digits=0),
    ]
