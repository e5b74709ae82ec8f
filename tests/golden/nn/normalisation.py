"""Normalisation over batches, features and neighbourhoods; noise."""
import torch
import torch.nn.functional as F
from recipe import *
from convolution import batched

BATCHES = [("", randn(4, 3), (0,), (1, 3)), ("Spatial", randn(3, 3, 2, 2), (0, 2, 3), (1, 3, 1, 1)),
           ("Volumetric", randn(2, 3, 2, 1, 2), (0, 2, 3, 4), (1, 3, 1, 1, 1))]
# Running statistics that are not those of a new module.
LIVED = "with(CLASS(3), function(m) m.running_mean:copy(torch.randn(3)); m.running_var:copy(torch.rand(3)) end)"


def standard(x, mean, var):
    return (x - mean) / (var + 1e-5).sqrt()


for name, x, over, shape in BATCHES:
    classes = [f"nn.{name}BatchNormalization", f"cudnn.{name}BatchNormalization"]
    batch = lambda x, over=over: standard(x, x.mean(over, keepdim=True), x.var(over, unbiased=False, keepdim=True))
    module(classes, "3", x, lambda x, w, b, shape=shape: batch(x) * w.view(shape) + b.view(shape), params=[(3,), (3,)])
    module(classes[0], "3, 1e-5, 0.1, false", x, batch)

    def lived(x, w, b, shape=shape):
        mean, var = given(randn(3)).view(shape), given(rand(3), 1).view(shape)
        return standard(x, mean, var) * w.view(shape) + b.view(shape)

    module(classes, "", x, lived, params=[(3,), (3,)], make=LIVED, evaluate=True)
    # A training batch of one sample is normalised by the running statistics too.
    one = randn(1, 3, *[2] * (len(shape) - 2))
    module(classes[0], "", one, lived, params=[(3,), (3,)], make=LIVED)


def layer(x, gain, offset):
    """The mean is repeated along a new first dim and subtracted element by element: right for one sample. Of a batch,
    Torch7 subtracts the means in another order (m1, m2, m1, …), and files that were trained so get the same."""
    means = x.mean(-1).reshape(-1).repeat(4).view(x.shape)
    centred = x - means
    return centred / ((centred ** 2).sum(-1, keepdim=True) + 1e-10).sqrt() * 2 * gain + offset


for x in randn(2, 4), randn(4):
    module("nn.LayerNormalization", "4", x, layer, params=[(4,), (4,)])
for x in randn(2, 4), randn(4):
    module("nn.Normalize", "2", x, lambda x: x / ((x * x).sum(-1, keepdim=True) + 1e-10).sqrt())
    module("nn.Normalize", "1, 1e-3", x, lambda x: x / (x.abs().sum(-1, keepdim=True) + 1e-3))
    module("nn.Normalize", "3", x, lambda x: x / ((x.abs() ** 3).sum(-1, keepdim=True) + 1e-10) ** (1 / 3))
    module("nn.Normalize", "math.huge", x, lambda x: x / (x.abs().max(-1, keepdim=True)[0] + 1e-10))


def cross_map(x, size, alpha, beta, k):
    half = size // 2
    squares = F.pad((x * x).transpose(-3, -1), (half, half)).unfold(-1, size, 1).sum(-1).transpose(-3, -1)
    return x * (k + alpha / size * squares) ** -beta


LRN = ["nn.SpatialCrossMapLRN", "cudnn.SpatialCrossMapLRN", "inn.SpatialCrossResponseNormalization"]
for x in randn(2, 4, 2, 2), randn(4, 2, 2):
    module(LRN, "3, 0.5", x, lambda x: cross_map(x, 3, 0.5, 0.75, 1))
    module(LRN[0], "5, 0.2, 0.5, 2", x, lambda x: cross_map(x, 5, 0.2, 0.5, 2))


def local_sum(x, kernel):
    """Over all planes, zeros around."""
    half = (kernel.shape[0] // 2, kernel.shape[1] // 2)
    return F.conv2d(x, kernel[None, None].expand(1, x.shape[1], *kernel.shape), padding=half)


def subtractive(x, kernel):
    kernel = kernel / kernel.sum() / x.shape[1]
    return x - local_sum(x, kernel) / local_sum(torch.ones_like(x), kernel)


def divisive(x, kernel):
    kernel = kernel / kernel.sum() / x.shape[1]
    deviation = local_sum(x * x, kernel).clamp(min=0).sqrt() / local_sum(torch.ones_like(x), kernel)
    return x / torch.where(deviation > 1e-4, deviation, torch.tensor(1e-4))


KERNEL = given(rand(3, 3))
for x in randn(2, 2, 4, 3), randn(2, 4, 3):
    ARGS = "2, torch.rand(3, 3)"
    module("nn.SpatialSubtractiveNormalization", ARGS, x, batched(lambda x: subtractive(x, KERNEL), 3))
    module("nn.SpatialDivisiveNormalization", ARGS, x, batched(lambda x: divisive(x, KERNEL), 3))
    module("nn.SpatialContrastiveNormalization", ARGS, x,
           batched(lambda x: divisive(subtractive(x, KERNEL), KERNEL), 3))

# Noise: the numbers that Torch7's generator gives after manualSeed(7).
for x in randn(3, 4), randn(4):
    module("nn.Dropout", "0.3", x, lambda x: x * Twister().bernoulli(x.shape, 0.7) / 0.7)
    module("nn.Dropout", "0.3", x, lambda x: x, evaluate=True)
module("nn.Dropout", "0.3, true", randn(3, 4), lambda x: x * Twister().bernoulli(x.shape, 0.7))
module("nn.Dropout", "0.3, true", randn(3, 4), lambda x: 0.7 * x, evaluate=True, no_backward=True)
module("nn.Dropout", "0.3, false, true", randn(3, 4), lambda x: x * Twister().bernoulli(x.shape, 0.7) / 0.7, in_place=True)
module("nn.Dropout", "0.3, false, false, true", randn(3, 4), lambda x: x * Twister().bernoulli(x.shape, 0.7) / 0.7,
       evaluate=True)
for name, sizes in [("Spatial", [(2, 3, 2, 2), (3, 2, 2)]), ("Volumetric", [(2, 3, 2, 2, 2), (3, 2, 2, 2)])]:
    for size in sizes:
        planes = len(size) - (2 if name == "Spatial" else 3)
        shape = size[:planes] + (1,) * (len(size) - planes)
        module(f"nn.{name}Dropout", "0.3", randn(*size), lambda x, shape=shape: x * Twister().bernoulli(shape, 0.7))
        module(f"nn.{name}Dropout", "0.3", randn(*size), lambda x: 0.7 * x, evaluate=True, no_backward=True)


def white(x):
    draw = Twister()
    return x + 0.1 * draw.fill(x.shape, draw.normal)


module("nn.WhiteNoise", "", randn(2, 4), white)
module("nn.WhiteNoise", "0.5, 2", randn(2, 4), lambda x: x + 0.5, evaluate=True, no_backward=True)


def rrelu(x):
    """A slope is drawn for each number that is not positive, in order."""
    draw = Twister()
    slopes = [1.0 if v > 0 else draw.uniform(1 / 8, 1 / 3) for v in x.reshape(-1).tolist()]
    return x * torch.tensor(slopes).view(x.shape)


module("nn.RReLU", "", randn(2, 4), rrelu)
module("nn.RReLU", "0.25, 0.5", randn(4), lambda x: torch.where(x > 0, x, 0.375 * x), evaluate=True)
module("nn.RReLU", "0.125, 0.3333333333333333, true", randn(2, 4), rrelu, in_place=True)
module("nn.TotalDropout", "0.3", randn(2, 4), lambda x: x * float(Twister().uniform() <= 0.7))
module("nn.TotalDropout", "0.3", randn(2, 4), lambda x: x, evaluate=True)
