"""Two processes that share each step against one, on the same two cores; and a projection to faster lines: processes.md.

The same batch in every case. Two processes take libtorch's steps; one takes the program's own kernels where it has them.
"""
import re
import statistics

from datasets import photos, subset
from measure import digits_command, ratios, rounds, row

TWO, ONE, LIBTORCH, CORE = "two processes", "one process", "one process, libtorch's steps", "one process on one core, libtorch's steps"

# Bytes a second each way: 10 Gbit/s Ethernet, and fourth-generation NVLink between two cards.
ETHERNET, NVLINK = 1.25e9, 450e9

ROUNDS = 2

# Network, batch, epochs, and what makes its dataset.
CASES = [
    ("autoencoder", 64, 2, lambda arguments, say: subset(arguments.dataset, 12_000, say)),
    ("lenet", 64, 1, lambda arguments, say: subset(arguments.dataset, 12_000, say)),
    ("alexnet", 16, 1, lambda arguments, say: photos(64, say)),
]


def run(arguments, say):
    rows, lines = [], []
    for network, batch, epochs, dataset in CASES:
        say(f"  {network}")
        results = rounds(contenders(arguments, network, dataset(arguments, say), batch, epochs), ROUNDS, say)
        rates = {name: [finished.train_rate() for finished in all] for name, all in results.items()}
        shares = [sum_share(finished) for finished in results[TWO]]
        parameters = int(re.search(r"(\d+) parameters", results[TWO][0].printed).group(1))
        over = {name: ratios(rates[TWO], rates[name]) for name in (ONE, LIBTORCH)}
        over[CORE] = [two / (2 * one) for two, one in zip(rates[TWO], rates[CORE])]
        rows += [
            row(f"two processes, {network}: images/s over one process on the same two cores", over[ONE]),
            row(f"two processes, {network}: images/s over one process with libtorch's steps", over[LIBTORCH]),
            row(f"two processes, {network}: images/s over twice one core's", over[CORE]),
            row(f"two processes, {network}: % of the time in sums, waiting included", shares, digits=1),
        ]
        lines.append(line(network, batch, parameters, rates, over, shares))
    with open(f"{arguments.out}/processes.md", "w") as file:
        file.write(table(lines))
    return rows


def contenders(arguments, network, dataset, batch, epochs):
    quiet = ["--epochs", str(epochs), "--batch-size", str(batch), "--validation-interval", "0", "--snapshot-interval", "0"]
    quiet += ["--subtract-mean", "none", "--lr", "1e-5"]
    command = lambda *options: digits_command(arguments, network, dataset, *quiet, *options)
    return {
        TWO: command("--processes", "2", "--global-batch"),
        ONE: command(),
        LIBTORCH: command("--autograd"),
        CORE: ["taskset", "-c", "0", *command("--autograd")],
    }


def sum_share(finished):
    """Percent of the training that went into sums over the processes, as the run's last lines say."""
    return float(re.search(r"([0-9.]+) % of the time went into sums", finished.printed).group(1))


def line(network, batch, parameters, rates, over, shares):
    """A line of the table, and one of the projection."""
    median = statistics.median
    step = 1000 * batch / median(rates[LIBTORCH])
    two = 1000 * batch / median(rates[TWO])
    sums = {speed: 1000 * 4 * parameters / speed for speed in (ETHERNET, NVLINK)}
    measured = (
        f"| {network} | {batch} | {median(rates[TWO]):,.0f} | {median(rates[ONE]):,.0f} | {median(rates[LIBTORCH]):,.0f} | {median(rates[CORE]):,.0f} "
        f"| {median(over[ONE]):.2f} | {median(over[LIBTORCH]):.2f} | {median(over[CORE]):.2f} | {two * median(shares) / 100:,.2f} of {two:,.2f} ({median(shares):.0f} %) |"
    )
    projected = (
        f"| {network} | {parameters:,} | {step:,.2f} | {sums[ETHERNET]:,.2f} | {100 * step / (step + sums[ETHERNET]):.0f} % | {sums[NVLINK]:,.3f} |"
    )
    return measured, projected


def table(lines):
    measured, projected = zip(*lines)
    return "\n".join([
        "# Two processes and one",
        "",
        "Made by `make bench ONLY=processes`. Images a second with the same batch on the same two cores; in the last three columns the two",
        "processes over one on both cores with kernels of our own where there are any, over one with libtorch's steps, and over twice one",
        "core's; then the milliseconds of a step that went into the sum, waiting for the other process included.",
        "",
        "| network | batch | two processes | one | one, libtorch's steps | one core | over one | over libtorch's | over 2 x one core | sum, ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *measured,
        "",
        "**A projection, not a measurement**: two machines of two cores each, every one with this batch. The step is the one measured with",
        "libtorch's steps; a sum of two ranks sends every gradient once each way, here at the line's full rate and without overlap",
        "(on a loopback throttled to 10 Gbit/s a sum of 5 million numbers took 2.7 times that).",
        "Of NVLink only the sum is told: no step was measured on a card.",
        "",
        "| network | parameters | step, ms | sum at 10 Gbit/s, ms | efficiency | sum at NVLink's 450 GB/s, ms |",
        "|---|---:|---:|---:|---:|---:|",
        *projected,
        "",
    ])
