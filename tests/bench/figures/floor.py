"""Steps in one process: ours over the floor of the processor's multiply-adds, and over tch written by hand."""
import json
import os
import subprocess

from measure import ROOT, WORK, row


def run(arguments, say):
    os.makedirs(WORK, exist_ok=True)
    table = f"{WORK}/step.json"
    command = ["cargo", "bench", "--locked", "--bench", "step", "--", "ratios", table]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "DIGITS_BENCH_ROUNDS": "20" if arguments.quick else "40"})
    with open(table) as file:
        found = json.load(file)
    rows = []
    trips = found.pop("round trip")
    for name, ratios in found.items():
        reach = {"autoencoder over the floor": 1.5}.get(name, 1.0 if "by hand" in name else None)
        ratios.sort()
        # The middle half of the rounds: single rounds are a few milliseconds long.
        middle = ratios[len(ratios) // 4 : -(len(ratios) // 4) or None]
        rows.append(row(f"time of a step: {name}", middle, reach, "lower"))
    # Context: the same machine has hours in which its two processors share a cache and hours in which they do not.
    rows.append(row("a cache line from one processor to the other and back, ns", trips, better="lower", digits=0))
    return rows
