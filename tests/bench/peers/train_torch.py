"""The peer: networks/autoencoder.lua or lenet.lua trained by PyTorch as one would write it, on the same dataset folder.

Same rule (SGD with momentum and dampening 0.9, weight decay 1e-4, step policy), same work (validation and a snapshot
after every epoch, a line of metrics about every 5,000 images). Two ways to feed it:

  --data memory    every record decoded once into one f32 tensor, batches gathered from it: the quick way
  --data loader    torch.utils.data.DataLoader with 2 workers over the LMDB: the usual way

LeNet also with --channels-last, as PyTorch's tuning guide advises for convolutions.

Writes {job}/metrics.jsonl: a line when the first step is done, one after each epoch.
"""
import argparse
import json
import os
import time

import torch

import networks
from caffe_lmdb import Images, columns, mean

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--network", choices=networks.NAMES, required=True)
parser.add_argument("--dataset", required=True)
parser.add_argument("--data", choices=["memory", "loader"], required=True)
parser.add_argument("--channels-last", action="store_true")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--job", required=True, help="folder for metrics and snapshots; made")
arguments = parser.parse_args()
os.makedirs(arguments.job)
torch.manual_seed(1)

mean_image = mean(f"{arguments.dataset}/mean.binaryproto")
train, validation = (Images(f"{arguments.dataset}/{part}_db", mean_image) for part in ("train", "val"))
VALIDATION_BATCH = {"autoencoder": 100, "lenet": 32}[arguments.network]
if arguments.data == "memory":
    train, validation = (tuple(torch.from_numpy(column) for column in columns(images)) for images in (train, validation))


def batches(images, size, shuffle):
    if arguments.data == "memory":
        pixels, labels = images
        order = torch.randperm(len(pixels)) if shuffle else torch.arange(len(pixels))
        return ((pixels[indices], labels[indices]) for indices in order.split(size))
    return loaders[images is train]


if arguments.data == "loader":
    loaders = [
        torch.utils.data.DataLoader(images, size, shuffle=shuffle, num_workers=2, persistent_workers=True)
        for images, size, shuffle in ((validation, VALIDATION_BATCH, False), (train, 64, True))
    ]

network, criterion, scale = networks.build(arguments.network)
layout = torch.channels_last if arguments.channels_last else torch.contiguous_format
network = network.to(memory_format=layout)
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, dampening=0.9, weight_decay=1e-4)
count = len(train[0]) if arguments.data == "memory" else len(train)
steps = -(-count // 64) * arguments.epochs
schedule = torch.optim.lr_scheduler.StepLR(optimizer, max(1, round(steps * 0.33)), 0.1)


def loss_of(pixels, labels):
    output = network((pixels * scale).contiguous(memory_format=layout))
    return criterion(output, networks.target(arguments.network, pixels, labels))


step, since, running = 0, 0, []
with open(f"{arguments.job}/metrics.jsonl", "w") as metrics:

    def note(**event):
        metrics.write(json.dumps({**event, "iteration": step, "time": time.time()}) + "\n")
        metrics.flush()

    for epoch in range(1, arguments.epochs + 1):
        network.train()
        for pixels, labels in batches(train, 64, True):
            optimizer.zero_grad()
            loss = loss_of(pixels, labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            running.append(loss.detach())
            since += len(pixels)
            step += 1
            if step == 1 or since >= 5000:
                note(event="train", loss=float(torch.stack(running).mean()))
                running, since = [], 0
        network.eval()
        with torch.no_grad():
            losses = [loss_of(*batch) for batch in batches(validation, VALIDATION_BATCH, False)]
        note(event="validation", loss=float(torch.stack(losses).mean()))
        state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save(state, f"{arguments.job}/snapshot_{epoch}.pt")
        note(event="snapshot")
