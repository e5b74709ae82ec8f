"""networks/autoencoder.lua and lenet.lua as one would write them in PyTorch."""
from torch import nn

NAMES = ["autoencoder", "lenet"]


def build(name):
    """Network, criterion, and the factor of the pixels that the network file's MulConstant has."""
    if name == "autoencoder":
        network = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 50), nn.ReLU(), nn.Linear(50, 300), nn.ReLU(), nn.Linear(300, 784)
        )
        return network, nn.MSELoss(), 0.00390625
    network = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10), nn.LogSoftmax(1),
    )
    return network, nn.NLLLoss(), 0.0125


def target(name, pixels, labels):
    """What the criterion compares the output with."""
    return pixels.flatten(1) if name == "autoencoder" else labels
