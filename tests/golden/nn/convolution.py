"""Convolutions of lines, images and volumes, plain, transposed, local and mapped."""
import torch
import torch.nn.functional as F
from recipe import *


def batched(f, rank):
    """f for a batch; a single sample of this rank goes in and out alone."""
    def run(x, *more):
        return f(x[None], *more)[0] if x.dim() == rank else f(x, *more)
    return run


def conv(dims, **more):
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[dims]
    return batched(lambda x, w, b=None: function(x, w, b, **more), dims + 1)


def full(dims, **more):
    function = {2: F.conv_transpose2d, 3: F.conv_transpose3d}[dims]
    return batched(lambda x, w, b=None: function(x, w, b, **more), dims + 1)


IMAGE, ALONE = randn(2, 2, 5, 4), randn(2, 5, 4)
for x in IMAGE, ALONE:
    # Torch7's arguments are width first: kW, kH, dW, dH, padW, padH.
    ARGS, SETTINGS = "2, 3, 3, 2, 2, 1, 1, 0", dict(stride=(1, 2), padding=(0, 1))
    module(["nn.SpatialConvolution", "cudnn.SpatialConvolution"], ARGS, x, conv(2, **SETTINGS),
           params=[(3, 2, 2, 3), (3,)])
    module("nn.SpatialConvolutionMM", ARGS, x,
           lambda x, w, b: conv(2, stride=(1, 2), padding=(0, 1))(x, w.view(3, 2, 2, 3), b), params=[(3, 12), (3,)])
    module("nn.SpatialDilatedConvolution", "2, 3, 2, 2, 1, 1, 0, 0, 2, 2", x, conv(2, dilation=2),
           params=[(3, 2, 2, 2), (3,)])
    module(["nn.SpatialConvolution", "cudnn.SpatialConvolution"], "", x, conv(2, stride=(1, 2), padding=1),
           make="CLASS(2, 3, 3, 2, 2, 1, 1):noBias()", params=[(3, 2, 2, 3)])
module("cudnn.SpatialConvolution", "2, 4, 2, 2, 1, 1, 0, 0, 2", IMAGE, conv(2, groups=2), params=[(4, 1, 2, 2), (4,)])

VOLUME = randn(1, 2, 3, 3, 4)
for x in VOLUME, randn(2, 3, 3, 4):
    # kT, kW, kH, dT, dW, dH, padT, …
    module(["nn.VolumetricConvolution", "cudnn.VolumetricConvolution"], "2, 2, 2, 3, 2, 1, 1, 1, 1", x,
           conv(3, padding=1), params=[(2, 2, 2, 2, 3), (2,)])
    module("nn.VolumetricConvolution", "2, 2, 2, 3, 2, 2, 1, 1, 1, 0, 1", x,
           conv(3, stride=(2, 1, 1), padding=(1, 1, 0)), params=[(2, 2, 2, 2, 3), (2,)])
for x in randn(1, 1, 4, 3, 3), randn(1, 4, 3, 3):
    module("nn.VolumetricDilatedConvolution", "1, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 1, 1", x, conv(3, dilation=(2, 1, 1)),
           params=[(2, 1, 2, 2, 2), (2,)])

for x in randn(2, 2, 3, 2), randn(2, 3, 2):
    module(["nn.SpatialFullConvolution", "cudnn.SpatialFullConvolution"], "2, 3, 3, 2, 2, 2, 1, 0, 1, 0", x,
           full(2, stride=2, padding=(0, 1), output_padding=(0, 1)), params=[(2, 3, 2, 3), (3,)])
# A second input lends its size: adj is what is missing. Its gradient is one zero.
module("nn.SpatialFullConvolution", "2, 3, 3, 2, 2, 2, 1, 0", [randn(2, 2, 3, 2), rand(2, 2, 7, 4)],
       lambda x, w, b: F.conv_transpose2d(x[0], w, b, stride=2, padding=(0, 1), output_padding=(1, 1)),
       params=[(2, 3, 2, 3), (3,)], rule=lambda x, g, w, b: [F.conv2d(g, w, stride=2, padding=(0, 1)), torch.zeros(1)],
       entries_without_gradient=1)
for x in randn(1, 1, 2, 2, 2), randn(1, 2, 2, 2):
    module(["nn.VolumetricFullConvolution", "cudnn.VolumetricFullConvolution"], "1, 2, 2, 2, 2, 2, 1, 1", x,
           full(3, stride=(2, 1, 1)), params=[(1, 2, 2, 2, 2), (2,)])


def depth_wise(x, w, b):
    """Output plane i·2 + m is input plane i with its m-th kernel."""
    w, b = w.view(3, 2, 2, 2), b.view(3, 2)
    planes = [conv(2)(x[..., i:i + 1, :, :], w[m, i][None, None], b[m, i][None]) for i in range(2) for m in range(3)]
    return torch.cat(planes, -3)


for x in randn(1, 2, 3, 4), randn(2, 3, 4):
    module("nn.SpatialDepthWiseConvolution", "2, 3, 2, 2", x, depth_wise, params=[(3, 8), (3, 2)])


def local(x, w, b):
    """Each place has its own kernels. kW, kH = 3, 2; dW, dH = 1, 1; padW, padH = 1, 0."""
    x = F.pad(x, (1, 1))
    rows = [[torch.einsum("...ihw,oihw->...o", x[..., i:i + 2, j:j + 3], w[i, j]) + b[:, i, j]
             for j in range(w.shape[1])] for i in range(w.shape[0])]
    y = torch.stack([torch.stack(row, -1) for row in rows], -2)
    return y


for x in randn(2, 2, 3, 4), randn(2, 3, 4):
    module("nn.SpatialConvolutionLocal", "2, 3, 4, 3, 3, 2, 1, 1, 1, 0", x, local,
           params=[(2, 4, 3, 2, 2, 3), (3, 2, 4)])

# Pairs (from, to), 1-based.
TABLE = [(1, 1), (2, 1), (2, 2), (1, 3)]
TEXT = "torch.Tensor{{1, 1}, {2, 1}, {2, 2}, {1, 3}}, 2, 3, 1, 1"


def mapped(function, x, w, b, swap):
    dense = torch.zeros(3, 2, *w.shape[1:])
    for kernel, (source, to) in zip(w, TABLE):
        place = torch.zeros(3, 2)
        place[to - 1, source - 1] = 1
        dense = dense + place[..., None, None] * kernel
    return function(x, dense.transpose(0, 1) if swap else dense, b)


for x in randn(2, 2, 4, 3), randn(2, 4, 3):
    module("nn.SpatialConvolutionMap", TEXT, x, lambda x, w, b: mapped(conv(2), x, w, b, False), params=[(4, 3, 2), (3,)])
for x in randn(2, 2, 2, 3), randn(2, 2, 3):
    module("nn.SpatialFullConvolutionMap", TEXT, x, lambda x, w, b: mapped(full(2), x, w, b, True),
           params=[(4, 3, 2), (3,)])


def temporal(x, w, b):
    """x: [time, feature]; w: [out, kW·feature], the window's first step first."""
    windows = [x[..., t:t + 2, :].flatten(-2) for t in range(0, x.shape[-2] - 1, 2)]
    return torch.stack(windows, -2) @ w.T + b


for x in randn(2, 5, 2), randn(5, 2):
    module(["nn.TemporalConvolution", "cudnn.TemporalConvolution"], "2, 3, 2, 2", x, temporal, params=[(3, 4), (3,)])
    module("nn.TemporalRowConvolution", "2, 3", x,
           lambda x, w, b: conv(1, groups=2)(x.transpose(-1, -2), w, b).transpose(-1, -2), params=[(2, 1, 3), (2,)])
module("nn.TemporalRowConvolution", "2, 3, 1, true", randn(2, 2, 5), conv(1, groups=2), params=[(2, 1, 3), (2,)])
module("nn.TemporalRowConvolution", "", randn(2, 5, 2),
       lambda x, w: conv(1, groups=2)(x.transpose(-1, -2), w).transpose(-1, -2), params=[(2, 1, 3)],
       make="CLASS(2, 3):noBias()")
module("nn.TemporalSubSampling", "2, 2, 2", randn(5, 2),
       lambda x, w, b: torch.stack([x[0:2].sum(0), x[2:4].sum(0)]) * w + b, params=[(2,), (2,)])
for x in randn(1, 2, 3, 4), randn(2, 3, 4):
    module("nn.SpatialSubSampling", "2, 2, 2, 2, 1", x,
           lambda x, w, b: batched(lambda x: F.avg_pool2d(x, 2, (1, 2)), 3)(x) * 4 * w[:, None, None] + b[:, None, None],
           params=[(2,), (2,)])
