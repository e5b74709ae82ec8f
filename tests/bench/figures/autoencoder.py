"""The autoencoder, whole program, against PyTorch with a DataLoader and with all data in memory.

Images a second count from the end of the first step to the end of the process: start-up is a figure of its own, and so
the number of epochs, which differs to keep the rounds short, does not matter. Validation, metrics and snapshots are on.
"""
from measure import digits_command, ratios, rounds, row, torch_command

OURS, MEMORY, LOADER = "digits-rs", "PyTorch, in memory", "PyTorch, DataLoader"


def run(arguments, say):
    epochs = {OURS: 4, MEMORY: 2, LOADER: 1}
    contenders = {
        OURS: digits_command(arguments, "autoencoder", arguments.dataset, "--epochs", str(epochs[OURS])),
        MEMORY: torch_command("autoencoder", arguments.dataset, "--data", "memory", "--epochs", str(epochs[MEMORY])),
        LOADER: torch_command("autoencoder", arguments.dataset, "--data", "loader", "--epochs", str(epochs[LOADER])),
    }
    results = rounds(contenders, arguments.rounds, say)
    rates = {name: [epochs[name] * arguments.images / f.after_first_step() for f in all] for name, all in results.items()}
    first, peak = ({name: [get(f) for f in all] for name, all in results.items()} for get in (lambda f: f.first_step, lambda f: f.peak_mib))
    rows = [
        row("autoencoder: images/s against PyTorch, DataLoader of 2 workers", ratios(rates[OURS], rates[LOADER]), 5.0),
        row("autoencoder: images/s against PyTorch eager, data in memory", ratios(rates[OURS], rates[MEMORY]), 2.5),
        row("process start to first step done, s", first[OURS], 0.3, "lower"),
        row("peak resident memory, MiB", peak[OURS], 200, "lower", 0),
    ]
    rows += [row(f"autoencoder: images/s of {name}", rates[name], digits=0) for name in contenders]
    rows += [row(f"first step of {name}, s", first[name], better="lower") for name in (MEMORY, LOADER)]
    rows += [row(f"peak resident memory of {name}, MiB", peak[name], better="lower", digits=0) for name in (MEMORY, LOADER)]
    return rows
