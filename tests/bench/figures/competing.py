"""Two processes that compete for the cores: how much slower each is than one alone."""
import time

from measure import Running, digits_command, row, run as run_process


def run(arguments, say):
    kernels = digits_command(arguments, "autoencoder", arguments.dataset, "--epochs", "3")
    libtorch = digits_command(arguments, "autoencoder", arguments.dataset, "--epochs", "2", "--autograd")
    return [
        row("two processes on the same cores: slowdown of ours", slowdowns(kernels, arguments, say), 2.2, "lower"),
        row("two processes on the same cores: slowdown on libtorch's step", slowdowns(libtorch, arguments, say), 2.2, "lower"),
    ]


def slowdowns(command, arguments, say):
    values = []
    for number in range(arguments.rounds):
        alone = run_process(command).seconds
        pair = [Running(command), Running(command)]
        both = max(process.finish().seconds for process in pair)
        values.append(both / alone)
        say(f"  round {number + 1}: {alone:.2f} s alone, {both:.2f} s together")
        time.sleep(0.1)
    return values
