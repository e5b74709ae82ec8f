"""A character-level LSTM script as Torch7's years wrote it (nngraph clones, batch 50, 50 steps of time, 2 layers of 128), run by
`digits-rs th`, against the same in PyTorch eager: with the gates written out, as the script has them, and with LSTMCell.

Every process times its own steps, after three that warm it up.
"""
import sys

from measure import PEERS, ratios, row, self_timed

OURS, GATES, CELL = "digits-rs th", "PyTorch, gates written out", "PyTorch, LSTMCell"
STEPS = 20


def run(arguments, say):
    theirs = [sys.executable, f"{PEERS}/char_lstm.py", "--steps", str(STEPS)]
    contenders = {
        OURS: [arguments.digits, "th", "--trusted", f"{PEERS}/char_lstm.lua", "-steps", str(STEPS)],
        GATES: theirs,
        CELL: [*theirs, "--cell"],
    }
    told = self_timed(contenders, arguments.rounds, say)
    taken = {name: [line["seconds"] for line in lines] for name, lines in told.items()}
    return [
        row("character-level LSTM script: speed against PyTorch eager, gates written out", ratios(taken[GATES], taken[OURS]), 1.0),
        row("character-level LSTM script: speed against PyTorch's LSTMCell", ratios(taken[CELL], taken[OURS])),
        *(row(f"character-level LSTM: steps/s of {name}", [STEPS / s for s in taken[name]], digits=1) for name in contenders),
    ]
