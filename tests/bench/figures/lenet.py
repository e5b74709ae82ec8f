"""LeNet (DIGITS' definition, batch 64), whole program, against PyTorch eager and channels_last, data in memory."""
from datasets import subset
from measure import digits_command, ratios, rounds, row, torch_command

OURS, EAGER, LAST = "digits-rs", "PyTorch eager", "PyTorch channels_last"
IMAGES = 12_000


def run(arguments, say):
    dataset = subset(arguments.dataset, IMAGES, say)
    epochs = {OURS: 3, EAGER: 1, LAST: 1}
    memory = ["--data", "memory", "--epochs", "1"]
    contenders = {
        OURS: digits_command(arguments, "lenet", dataset, "--epochs", str(epochs[OURS])),
        EAGER: torch_command("lenet", dataset, *memory),
        LAST: torch_command("lenet", dataset, *memory, "--channels-last"),
    }
    results = rounds(contenders, arguments.rounds, say)
    rates = {name: [epochs[name] * IMAGES / f.after_first_step() for f in all] for name, all in results.items()}
    rows = [
        row("LeNet: images/s against PyTorch eager", ratios(rates[OURS], rates[EAGER]), 2.0),
        row("LeNet: images/s against PyTorch channels_last", ratios(rates[OURS], rates[LAST]), 1.4),
    ]
    rows += [row(f"LeNet: images/s of {name}", rates[name], digits=0) for name in contenders]
    return rows
