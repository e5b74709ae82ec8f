"""Modules and criteria that the package dpnn adds: pictures, and two classes."""
import math
import torch
from recipe import *

IMAGES = randn(2, 3, 5, 6)


def cropped(x, starts, height, width):
    """Windows that begin at `starts`, 1-based, one for each image."""
    return torch.stack([image[:, r - 1:r - 1 + height, c - 1:c - 1 + width] for image, (r, c) in zip(x, starts)])


def drawn(twister, size, window):
    return 1 if size == window else math.ceil(twister.uniform(1e-2, size - window))


def random_crop(x, height, width):
    twister = Twister()
    starts = [(drawn(twister, x.shape[2], height), drawn(twister, x.shape[3], width)) for _ in x]
    return cropped(x, starts, height, width)


module("nn.SpatialUniformCrop", "2, 3", IMAGES, lambda x: random_crop(x, 2, 3))
module("nn.SpatialUniformCrop", "2, 6", IMAGES, lambda x: random_crop(x, 2, 6))
module("nn.SpatialUniformCrop", "3", IMAGES, lambda x: cropped(x, [(1, 2)] * 2, 3, 3), evaluate=True)
module("nn.SpatialUniformCrop", "2, 3", randn(3, 5, 6), lambda x: random_crop(x[None], 2, 3)[0])


def without_strip(x, p):
    edge = int(Twister().bits.randint(0, 2**32, dtype="uint32")) % 4 + 1
    keep = torch.ones_like(x)
    dim = -2 if edge <= 2 else -1
    strip = math.floor(x.shape[dim] * p)
    keep.narrow(dim, 0 if edge % 2 == 1 else x.shape[dim] - strip, strip).zero_()
    return x * keep / (1 - p)


module("nn.SpatialRegionDropout", "0.4", IMAGES, lambda x: without_strip(x, 0.4))
module("nn.SpatialRegionDropout", "", randn(2, 5, 6), lambda x: without_strip(x, 0.2))
module("nn.SpatialRegionDropout", "0.4", IMAGES, lambda x: x + 0, evaluate=True, no_backward=True)


def plane(numbers):
    return numbers.reshape(-1, 1, 1)


module("nn.SpatialFeatNormalization", "torch.randn(3)", IMAGES, lambda x: x - plane(given(randn(3))))
module("nn.SpatialFeatNormalization", "torch.randn(3), torch.rand(3)", randn(3, 4, 4),
       lambda x: (x - plane(given(randn(3)))) / plane(given(rand(3), 1)))


def coloured(x):
    """Krizhevsky 2012: along the principal components, by normal amounts times their eigenvalues."""
    twister = Twister()
    alphas = twister.fill((3, len(x)), lambda: 0.2 * twister.normal())
    return x + (given(randn(3, 3)) @ (given(rand(3), 1)[:, None] * alphas)).T[:, :, None, None]


module("nn.PCAColorTransform", "3, torch.randn(3, 3), torch.rand(3), 0.2", IMAGES, coloured)
module("nn.PCAColorTransform", "3, torch.randn(3, 3), torch.rand(3), 0.2", IMAGES, lambda x: x + 0, evaluate=True)


def tinted(x):
    twister = Twister()
    ranges = given(rand(3)).tolist()
    planes = [twister.fill((len(x),), lambda r=r: twister.uniform(-r, r)) for r in ranges]
    return x + torch.stack(planes, 1)[:, :, None, None]


module("nn.SimpleColorTransform", "3, torch.rand(3)", IMAGES, tinted)
module("nn.SimpleColorTransform", "3, torch.rand(3)", randn(3, 4, 4), lambda x: tinted(x[None])[0])


def logistic(x, t):
    return torch.log(1 + torch.exp(-x * t))


SIGNS = exactly([[1, -1, 1], [-1, -1, 1]])
criterion("nn.BinaryLogisticRegression", "", randn(2, 3), SIGNS, lambda x, t: logistic(x, t).mean())
criterion("nn.BinaryLogisticRegression", "false", randn(2, 3), SIGNS, lambda x, t: logistic(x, t).sum())
MAPS = exactly([[[[1, -1], [1, 1]]], [[[-1, -1], [1, -1]]]])
criterion("nn.SpatialBinaryLogisticRegression", "", randn(2, 1, 2, 2), MAPS, lambda x, t: logistic(x, t).sum() / 16)
criterion("nn.SpatialBinaryLogisticRegression", "false", randn(2, 1, 2, 2), MAPS, lambda x, t: logistic(x, t).sum() / 8)


def spread_out(x, g, scale):
    """The given gradient, and the slope of the negative entropy of the mean distribution; the total is a constant."""
    p = x.sum(0, keepdim=True) / x.sum()
    slope = p / (p + 1e-6) + torch.log(p + 1e-6)
    return g + scale * slope / x.sum() / len(x)


module("nn.CategoricalEntropy", "", rand(2, 3), lambda x: x, rule=lambda x, g: spread_out(x, g, 1), looks_at_input=True)
module("nn.CategoricalEntropy", "0.5, 100", rand(2, 3), lambda x: x, rule=lambda x, g: spread_out(x, g, 0.5), looks_at_input=True)
