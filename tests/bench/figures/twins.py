"""A network in DIGITS' TensorFlow form against its twin in Lua, whole programs: the same layers, batches and engine.

The two take turns at being first, in twice as many pairs as there are rounds: what is looked for is smaller than what a machine's
clock does between two starts. DIGITS' LeNet has a dropout in TensorFlow and none in Torch; its twin here has one, too.
"""
from datasets import subset
from measure import ROOT, WORK, digits_command, pairs, ratios, row

IMAGES = 12_000


def with_dropout(path):
    """`lenet.lua` with the dropout of `lenet.py`, in a file of its own."""
    with open(f"{ROOT}/networks/lenet.lua") as file:
        before, found, after = file.read().partition("lenet:add(backend.ReLU())\n")
    assert found, "lenet.lua has no ReLU where it had one"
    with open(path, "w") as file:
        file.write(f"{before}{found}    lenet:add(nn.Dropout(0.5))\n{after}")
    return path


def run(arguments, say):
    small = subset(arguments.dataset, IMAGES, say)
    lenet = with_dropout(f"{WORK}/lenet-dropout.lua")
    rows = []
    for name, twin, dataset, epochs in [("autoencoder", "autoencoder", arguments.dataset, 4), ("lenet", lenet, small, 3)]:
        settings = ["--epochs", str(epochs), "--batch-size", "64"]
        ours = digits_command(arguments, f"{name}.py", dataset, *settings, "--solver", "momentum", "--lr", "0.001")
        theirs = digits_command(arguments, twin, dataset, *settings)
        seconds = [[finished.after_first_step() for finished in all] for all in pairs(ours, theirs, 2 * arguments.rounds, say)]
        rows.append(row(f"{name}.py: images/s against the same network in Lua", ratios(seconds[1], seconds[0]), 0.95))
    return rows
