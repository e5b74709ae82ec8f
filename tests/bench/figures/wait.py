"""The share of the training time spent waiting for data, from the program's own metrics."""
from datasets import raw
from measure import digits_command, row, run as run_process


def run(arguments, say):
    cases = [
        ("autoencoder, raw records", "autoencoder", raw(arguments.dataset, say), "4"),
        ("autoencoder, PNG-encoded records", "autoencoder", arguments.dataset, "4"),
        ("LeNet, raw records", "lenet", raw(arguments.dataset, say), "1"),
        ("LeNet, PNG-encoded records", "lenet", arguments.dataset, "1"),
    ]
    rows = []
    for name, network, dataset, epochs in cases:
        command = digits_command(arguments, network, dataset, "--epochs", epochs, "--validation-interval", "0", "--snapshot-interval", "0")
        shares = [100 * run_process(command).wait_share() for _ in range(arguments.rounds)]
        say(f"  {name}: {', '.join(f'{share:.2f} %' for share in shares)}")
        rows.append(row(f"waiting for data, % of the step: {name}", shares, 2.0, "lower"))
    return rows
