"""The peer: networks/autoencoder.lua trained by PyTorch as one would write it, on the same dataset folder.

Same rule (SGD with momentum and dampening 0.9, weight decay 1e-4, step policy), same work (validation and a snapshot
after every epoch, a line of metrics about every 5,000 images). Two ways to feed it:

  --data memory    every record decoded once into one f32 tensor, batches gathered from it: the quick way
  --data loader    torch.utils.data.DataLoader with 2 workers over the LMDB: the usual way

Prints `first step` when the first step is done, then `epoch N validation loss L`.
"""
import argparse
import json
import os

import numpy as np
import torch
from torch import nn

from caffe_lmdb import Images, mean

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", required=True)
parser.add_argument("--data", choices=["memory", "loader"], required=True)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--job", required=True, help="folder for metrics and snapshots; made")
arguments = parser.parse_args()
os.makedirs(arguments.job)
torch.manual_seed(1)

mean_image = mean(f"{arguments.dataset}/mean.binaryproto")
train, validation = (Images(f"{arguments.dataset}/{part}_db", mean_image) for part in ("train", "val"))
if arguments.data == "memory":
    train, validation = (torch.from_numpy(np.stack([images[i] for i in range(len(images))])) for images in (train, validation))


def batches(images, size, shuffle):
    if arguments.data == "memory":
        order = torch.randperm(len(images)) if shuffle else torch.arange(len(images))
        return (images[indices] for indices in order.split(size))
    return loaders[images is train]


if arguments.data == "loader":
    loaders = [
        torch.utils.data.DataLoader(images, size, shuffle=shuffle, num_workers=2, persistent_workers=True)
        for images, size, shuffle in ((validation, 100, False), (train, 64, True))
    ]

network = nn.Sequential(
    nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 50), nn.ReLU(), nn.Linear(50, 300), nn.ReLU(), nn.Linear(300, 784)
)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, dampening=0.9, weight_decay=1e-4)
steps = -(-len(train) // 64) * arguments.epochs
schedule = torch.optim.lr_scheduler.StepLR(optimizer, max(1, round(steps * 0.33)), 0.1)

step, since, running = 0, 0, []
with open(f"{arguments.job}/metrics.jsonl", "w") as metrics:
    for epoch in range(1, arguments.epochs + 1):
        network.train()
        for input in batches(train, 64, True):
            optimizer.zero_grad()
            loss = criterion(network(input * 0.00390625), input.flatten(1))
            loss.backward()
            optimizer.step()
            schedule.step()
            running.append(loss.detach())
            since += len(input)
            if step == 0 or since >= 5000:
                metrics.write(json.dumps({"iteration": step, "loss": float(torch.stack(running).mean())}) + "\n")
                metrics.flush()
                running, since = [], 0
            if step == 0:
                print("first step", flush=True)
            step += 1
        network.eval()
        with torch.no_grad():
            losses = [criterion(network(input * 0.00390625), input.flatten(1)) for input in batches(validation, 100, False)]
        print(f"epoch {epoch} validation loss {float(torch.stack(losses).mean()):.2f}", flush=True)
        state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save(state, f"{arguments.job}/snapshot_{epoch}.pt")
