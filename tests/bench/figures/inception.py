"""An Inception network (networks/googlenet.lua) in double, called by a script under `digits-rs th`: two steps of forward, backward
and optim.sgd, against the same written by hand over libtorch, by way of PyTorch eager.

Every process times its own steps, after one that warms it up.
"""
import sys

from measure import PEERS, ratios, row, self_timed

OURS, THEIRS = "digits-rs th", "PyTorch eager"
STEPS, BATCH = 2, 8


def run(arguments, say):
    sizes = {"steps": STEPS, "batch": BATCH}
    contenders = {
        OURS: [arguments.digits, "th", "--trusted", f"{PEERS}/inception.lua", *(w for k, v in sizes.items() for w in (f"-{k}", str(v)))],
        THEIRS: [sys.executable, f"{PEERS}/inception.py", *(w for k, v in sizes.items() for w in (f"--{k}", str(v)))],
    }
    told = self_timed(contenders, arguments.rounds, say)
    taken = {name: [line["seconds"] for line in lines] for name, lines in told.items()}
    counted = {line["parameters"] for lines in told.values() for line in lines}
    if len(counted) != 1:
        sys.exit(f"the two networks are not the same: {counted} parameters")
    return [
        row(f"Inception network in double, {STEPS} steps of {BATCH} images: time over PyTorch eager", ratios(taken[OURS], taken[THEIRS]), 1.5, "lower"),
        *(row(f"Inception in double: s a step of {name}", [s / STEPS for s in taken[name]], None, "lower") for name in contenders),
    ]
