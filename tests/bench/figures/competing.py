"""Two processes that compete for the cores: how much slower each is than one alone."""
import time

from measure import Running, ours, row, run as run_process


def run(arguments, say):
    values = []
    command = ours(arguments, "autoencoder", arguments.dataset, "--epochs", "3")
    for number in range(arguments.rounds):
        alone = run_process(command).seconds
        pair = [Running(command), Running(command)]
        both = max(process.finish().seconds for process in pair)
        values.append(both / alone)
        say(f"  round {number + 1}: {alone:.2f} s alone, {both:.2f} s together")
        time.sleep(0.1)
    return [row("two processes on the same cores: slowdown of ours", values, 2.2, "lower")]
