"""The network of networks/googlenet.lua in PyTorch eager, in double, trained as inception.lua trains it.

    inception.py [--steps 2] [--warm 1] [--batch 8] [--threads 2]

Prints a line of JSON: seconds of the steps, last loss, how many parameters.
"""
import argparse
import json
import time

import torch
from networks import build

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name, value in {"steps": 2, "warm": 1, "batch": 8, "classes": 10, "threads": 2}.items():
    parser.add_argument(f"--{name}", type=int, default=value)
opt = parser.parse_args()
torch.set_num_threads(opt.threads)
torch.manual_seed(1)

network, criterion, scale = build("googlenet", opt.classes)
network.double().train()
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
for step in range(opt.warm + opt.steps):
    if step == opt.warm:
        started = time.perf_counter()
    images = torch.rand(opt.batch, 3, 224, 224, dtype=torch.double) * 255
    labels = torch.randint(opt.classes, (opt.batch,))
    optimizer.zero_grad()
    loss = criterion(network(images * scale), labels)
    loss.backward()
    optimizer.step()
    loss = loss.item()
seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "loss": loss, "parameters": sum(p.numel() for p in network.parameters())}))
