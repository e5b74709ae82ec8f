"""The autoencoder in DIGITS' TensorFlow form, whole program, against TensorFlow 2.15 itself. Against its Lua twin: `twins`.

TensorFlow in graph mode, in an environment of its own, made here: reading the LMDB with six threads as DIGITS' tool does, and
with all data in memory, decoded once. Images a second count from the end of the first step to the end of the process, as in
`autoencoder`.
"""
import subprocess

from measure import PEERS, ROOT, digits_command, ratios, rounds, row

OURS, READER, MEMORY = "autoencoder.py", "TensorFlow with DIGITS' reader", "TensorFlow in memory"


def python():
    """The interpreter that has TensorFlow."""
    packages = ["lmdb", "numpy==1.26.4", "pillow", "tensorflow-cpu==2.15.1"]
    made = subprocess.run([f"{ROOT}/.ci/venv", "build/venv-tensorflow", *packages], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return f"{ROOT}/{made.stdout.strip()}"


def run(arguments, say):
    epochs = {OURS: 4, READER: 1, MEMORY: 1}
    script = [python(), f"{PEERS}/train_tensorflow.py", "--dataset", arguments.dataset, "--job", "{job}", "--epochs", "1"]
    settings = ["--solver", "momentum", "--lr", "0.001", "--batch-size", "64"]
    contenders = {
        OURS: digits_command(arguments, "autoencoder.py", arguments.dataset, *settings, "--epochs", str(epochs[OURS])),
        READER: [*script, "--reader"],
        MEMORY: script,
    }
    results = rounds(contenders, arguments.rounds, say)
    rates = {name: [epochs[name] * arguments.images / f.after_first_step() for f in all] for name, all in results.items()}
    return [
        row("autoencoder.py: images/s against TensorFlow's graph mode with DIGITS' reader", ratios(rates[OURS], rates[READER]), 5.0),
        row("autoencoder.py: images/s against TensorFlow's graph mode, data in memory", ratios(rates[OURS], rates[MEMORY]), 2.5),
        row("autoencoder: images/s of TensorFlow with DIGITS' reader", rates[READER], digits=0),
        row("autoencoder: images/s of TensorFlow, in memory", rates[MEMORY], digits=0),
        row("first step of TensorFlow, s", [f.first_step for f in results[MEMORY]], better="lower"),
    ]
