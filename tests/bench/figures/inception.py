"""An Inception network (networks/googlenet.lua) in double, called by a script under `digits-rs th`: two steps of forward, backward
and optim.sgd, against the same written by hand over libtorch, by way of PyTorch eager.

Every process times its own steps, after one that warms it up.
"""
import json
import subprocess
import sys

from measure import PEERS, ROOT, ratios, row

OURS, THEIRS = "digits-rs th", "PyTorch eager"
STEPS, BATCH = 2, 8


def told(command):
    """The process' last line: seconds, loss, parameters."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout.strip().splitlines()[-1])


def run(arguments, say):
    sizes = {"steps": STEPS, "batch": BATCH}
    contenders = {
        OURS: [arguments.digits, "th", "--trusted", f"{PEERS}/inception.lua", *(w for k, v in sizes.items() for w in (f"-{k}", str(v)))],
        THEIRS: [sys.executable, f"{PEERS}/inception.py", *(w for k, v in sizes.items() for w in (f"--{k}", str(v)))],
    }
    taken, counted = {name: [] for name in contenders}, set()
    for number in range(arguments.rounds):
        for name, command in contenders.items():
            result = told(command)
            taken[name].append(result["seconds"])
            counted.add(result["parameters"])
            say(f"  round {number + 1} of {arguments.rounds}: {name}: {taken[name][-1]:.2f} s")
    if len(counted) != 1:
        sys.exit(f"the two networks are not the same: {counted} parameters")
    return [
        row(f"Inception network in double, {STEPS} steps of {BATCH} images: time over PyTorch eager", ratios(taken[OURS], taken[THEIRS]), 1.5, "lower"),
        *(row(f"Inception in double: s a step of {name}", [s / STEPS for s in taken[name]], None, "lower") for name in contenders),
    ]
