"""The character-level LSTM of char_lstm.lua in PyTorch eager: the same sums, gates, clipping and RMSprop, step by step.

    char_lstm.py [--steps 20] [--warm 3] [--threads 2] [--cell]

`--cell` calls torch.nn.LSTMCell instead of the gates written out. Prints a line of JSON: seconds of the steps, last loss.
"""
import argparse
import json
import time

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name, value in {"steps": 20, "warm": 3, "batch": 50, "length": 50, "size": 128, "layers": 2, "vocabulary": 65, "threads": 2}.items():
    parser.add_argument(f"--{name}", type=int, default=value)
parser.add_argument("--cell", action="store_true")
opt = parser.parse_args()
torch.set_num_threads(opt.threads)
torch.manual_seed(1)


class Gates(nn.Module):
    """One step of one layer, as the nngraph scripts write it."""

    def __init__(self, size):
        super().__init__()
        self.size, self.i2h, self.h2h = size, nn.Linear(size, 4 * size), nn.Linear(size, 4 * size)

    def forward(self, x, state):
        h, c = state
        n1, n2, n3, n4 = (self.i2h(x) + self.h2h(h)).view(-1, 4, self.size).unbind(1)
        c = torch.sigmoid(n2) * c + torch.sigmoid(n1) * torch.tanh(n4)
        return torch.sigmoid(n3) * torch.tanh(c), c


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(opt.vocabulary, opt.size)
        cell = (lambda: nn.LSTMCell(opt.size, opt.size)) if opt.cell else (lambda: Gates(opt.size))
        self.cells = nn.ModuleList(cell() for _ in range(opt.layers))
        self.decoder = nn.Linear(opt.size, opt.vocabulary)

    def forward(self, text, state):
        x, after = self.embedding(text), []
        for cell, before in zip(self.cells, state):
            x, c = cell(x, before)
            after.append((x, c))
        return torch.log_softmax(self.decoder(x), 1), after


network = Network()
for p in network.parameters():
    nn.init.uniform_(p, -0.08, 0.08)
optimizer = torch.optim.RMSprop(network.parameters(), lr=2e-3, alpha=0.95)
criterion = nn.NLLLoss()
state = [(torch.zeros(opt.batch, opt.size), torch.zeros(opt.batch, opt.size)) for _ in range(opt.layers)]
for step in range(opt.warm + opt.steps):
    if step == opt.warm:
        started = time.perf_counter()
    text = torch.randint(opt.vocabulary, (opt.length, opt.batch))
    following = torch.randint(opt.vocabulary, (opt.length, opt.batch))
    optimizer.zero_grad()
    loss = 0
    for t in range(opt.length):
        scores, state = network(text[t], state)
        loss = loss + criterion(scores, following[t])
    (loss / opt.length).backward()
    nn.utils.clip_grad_value_(network.parameters(), 5)
    optimizer.step()
    state = [(h.detach(), c.detach()) for h, c in state]
print(json.dumps({"seconds": time.perf_counter() - started, "loss": loss.item() / opt.length}))
