"""Network files of networks/ (and tests/cuda/resnet-18.lua) as one would write them in PyTorch."""
import torch
from torch import nn

# Those of the benchmarks, and those that only the kit for CUDA times.
NAMES = ["autoencoder", "lenet"]
LARGE = ["alexnet", "googlenet", "resnet-18"]
# Planes, height and width of a sample; images a step.
SAMPLE = {"autoencoder": (1, 28, 28), "lenet": (1, 28, 28), **{name: (3, 224, 224) for name in LARGE}}
BATCH = {"autoencoder": 64, "lenet": 64, "alexnet": 128, "googlenet": 32, "resnet-18": 64}


def build(name, classes=10):
    """Network, criterion, and the factor of the pixels that the network file's MulConstant has."""
    if name == "autoencoder":
        network = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 50), nn.ReLU(), nn.Linear(50, 300), nn.ReLU(), nn.Linear(300, 784)
        )
        return network, nn.MSELoss(), 0.00390625
    if name == "lenet":
        network = nn.Sequential(
            nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, classes), nn.LogSoftmax(1),
        )
        return network, nn.NLLLoss(), 0.0125
    network, scale = {"alexnet": (alexnet, 1.0), "googlenet": (googlenet, 0.02), "resnet-18": (resnet_18, 0.015625)}[name]
    return network(classes), nn.NLLLoss(), scale


def target(name, pixels, labels):
    """What the criterion compares the output with."""
    return pixels.flatten(1) if name == "autoencoder" else labels


def alexnet(classes):
    """networks/alexnet.lua: one column, without local response normalisation."""
    layers = []
    for before, after, side, step, border, pools in (
        (3, 96, 11, 4, 2, True), (96, 256, 5, 1, 2, True), (256, 384, 3, 1, 1, False), (384, 384, 3, 1, 1, False), (384, 256, 3, 1, 1, True),
    ):
        layers += [nn.Conv2d(before, after, side, step, border), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(3, 2)] if pools else []
    layers += [nn.Flatten()]
    for before, after in ((256 * 6 * 6, 4096), (4096, 4096)):
        layers += [nn.Dropout(0.5), nn.Linear(before, after), nn.Threshold(0, 1e-6)]
    return nn.Sequential(*layers, nn.Linear(4096, classes), nn.LogSoftmax(1))


def convolution(before, after, side, step=1, border=0, bias=True, epsilon=1e-3):
    return [nn.Conv2d(before, after, side, step, border, bias=bias), nn.BatchNorm2d(after, epsilon), nn.ReLU(inplace=True)]


class Inception(nn.Module):
    """Branches side by side over the same planes, as `inception` in networks/googlenet.lua."""

    def __init__(self, before, plan):
        super().__init__()
        (one,), (narrow, single), (reduced, double), (kind, pooled) = plan
        halves, branches = one == 0, []
        if not halves:
            branches.append(convolution(before, one, 1))
        first = convolution(before, narrow, 1) + convolution(narrow, narrow if halves else single, 3, 1, 1)
        second = convolution(before, reduced, 1) + convolution(reduced, double, 3, 1, 1)
        if halves:
            first.append(nn.Conv2d(narrow, single, 2, 2))
            second.append(nn.Conv2d(double, double, 2, 2))
        else:
            second += convolution(double, double, 3, 1, 1)
        if halves:
            pool = [nn.MaxPool2d(3, 2, ceil_mode=True)]
        else:
            pool = [nn.ZeroPad2d(1), nn.MaxPool2d(3, 1) if kind == "max" else nn.AvgPool2d(3, 1)]
        pool += convolution(before, pooled, 1) if pooled else []
        self.branches = nn.ModuleList(nn.Sequential(*branch) for branch in (*branches, first, second, pool))

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet(classes):
    """networks/googlenet.lua: with batch normalisation."""
    layers = convolution(3, 64, 7, 2, 3) + [nn.MaxPool2d(3, 2, ceil_mode=True)]
    layers += convolution(64, 64, 1) + convolution(64, 192, 3, 1, 1) + [nn.MaxPool2d(3, 2, ceil_mode=True)]
    for before, plan in (
        (192, ((64,), (64, 64), (64, 96), ("avg", 32))), (256, ((64,), (64, 96), (64, 96), ("avg", 64))),
        (320, ((0,), (128, 160), (64, 96), ("max", 0))), (576, ((224,), (64, 96), (96, 128), ("avg", 128))),
        (576, ((192,), (96, 128), (96, 128), ("avg", 128))), (576, ((160,), (128, 160), (128, 160), ("avg", 96))),
        (576, ((96,), (128, 192), (160, 192), ("avg", 96))), (576, ((0,), (128, 192), (192, 256), ("max", 0))),
        (1024, ((352,), (192, 320), (160, 224), ("avg", 128))), (1024, ((352,), (192, 320), (192, 224), ("max", 128))),
    ):
        layers.append(Inception(before, plan))
    return nn.Sequential(*layers, nn.AvgPool2d(7, 1), nn.Flatten(), nn.Linear(1024, classes), nn.LogSoftmax(1))


class Residual(nn.Module):
    """`block` in tests/cuda/resnet-18.lua."""

    def __init__(self, before, after, step):
        super().__init__()
        first, second = (convolution(*sizes, bias=False, epsilon=1e-5) for sizes in ((before, after, 3, step, 1), (after, after, 3, 1, 1)))
        self.learned = nn.Sequential(*first, *second[:2])
        self.shortcut = nn.Identity() if before == after else nn.Sequential(*convolution(before, after, 1, step, bias=False, epsilon=1e-5)[:2])

    def forward(self, x):
        return torch.relu_(self.learned(x) + self.shortcut(x))


def resnet_18(classes):
    layers, planes = convolution(3, 64, 7, 2, 3, False, 1e-5) + [nn.MaxPool2d(3, 2, 1)], 64
    for index, wide in enumerate((64, 128, 256, 512)):
        layers += [Residual(planes, wide, 1 if index == 0 else 2), Residual(wide, wide, 1)]
        planes = wide
    return nn.Sequential(*layers, nn.AvgPool2d(7, 1), nn.Flatten(), nn.Linear(512, classes), nn.LogSoftmax(1))
