"""Functions of one number, softmaxes, and gates."""
import torch
from recipe import *

X, LINE = randn(2, 4), randn(5)


def both(classes, arguments, formula, batch=X, one=LINE, **more):
    """A batch and a single sample."""
    module(classes, arguments, batch, formula, **more)
    module(classes, arguments, one, formula, **more)


def relu(x):
    return torch.where(x > 0, x, torch.zeros_like(x))


both(["nn.ReLU", "cudnn.ReLU"], "", relu)
module("nn.ReLU", "true", X, relu, in_place=True)
both("nn.Threshold", "0.1, -1", lambda x: torch.where(x > 0.1, x, torch.full_like(x, -1.0)))
module("nn.Threshold", "", X, lambda x: torch.where(x > 1e-6, x, torch.zeros_like(x)))
module("nn.Threshold", "0.1, -1, true", X, lambda x: torch.where(x > 0.1, x, torch.full_like(x, -1.0)), in_place=True)
module("nn.ReLU6", "", randn(3, 4), lambda x: torch.minimum(relu(x), torch.tensor(6.0)))
both("nn.ReLU6", "", lambda x: torch.minimum(relu(x), torch.tensor(6.0)), batch=exactly([[-1, 0.5, 7, 5], [2, -3, 6.5, 1]]))
module("nn.ReLU6", "true", exactly([[-1, 0.5, 7], [2, -3, 6.5]]), lambda x: torch.minimum(relu(x), torch.tensor(6.0)),
       in_place=True)
both("nn.HardTanh", "", lambda x: x.clamp(-1, 1), batch=randn(3, 4))
module("nn.HardTanh", "-0.5, 0.75", randn(3, 4), lambda x: x.clamp(-0.5, 0.75))
module("nn.HardTanh", "-0.5, 0.75, true", randn(3, 4), lambda x: x.clamp(-0.5, 0.75), in_place=True)
WIDE = randn(3, 4)
both("nn.Clamp", "-0.5, 0.8", lambda x: x.clamp(-0.5, 0.8), batch=WIDE)
both("nn.Clip", "-0.5, 0.8", lambda x: x.clamp(-0.5, 0.8), batch=WIDE, rule=lambda x, g: g)
module("cudnn.ClippedReLU", "1.5", randn(3, 4), lambda x: x.clamp(0, 1.5))
both("cudnn.ClippedReLU", "1.5", lambda x: x.clamp(0, 1.5), batch=exactly([[-1, 0.5, 7, 1.2], [2, -3, 1.4, 1]]))
both(["nn.ELU", "cudnn.ELU"], "", lambda x: torch.where(x > 0, x, x.exp() - 1), batch=randn(3, 4))
module("nn.ELU", "0.3", randn(3, 4), lambda x: torch.where(x > 0, x, 0.3 * (x.exp() - 1)))
module("nn.ELU", "0.3, true", randn(3, 4), lambda x: torch.where(x > 0, x, 0.3 * (x.exp() - 1)), in_place=True)
both("nn.LeakyReLU", "", lambda x: torch.where(x > 0, x, 0.01 * x), batch=randn(3, 4))
module("nn.LeakyReLU", "0.2", randn(3, 4), lambda x: torch.where(x > 0, x, 0.2 * x))
module("nn.LeakyReLU", "0.2, true", randn(3, 4), lambda x: torch.where(x > 0, x, 0.2 * x), in_place=True)
both("nn.Sigmoid", "", lambda x: 1 / (1 + (-x).exp()))
both("cudnn.Sigmoid", "", lambda x: 1 / (1 + (-x).exp()))
both(["nn.Tanh", "cudnn.Tanh"], "", lambda x: 2 / (1 + (-2 * x).exp()) - 1)
both("nn.LogSigmoid", "", lambda x: -torch.log(1 + (-x).exp()))
both("nn.SoftSign", "", lambda x: x / (1 + x.abs()))
both("nn.TanhShrink", "", lambda x: x - torch.tanh(x))
both("nn.Exp", "", torch.exp)
both("nn.Log", "", torch.log, batch=rand(2, 4), one=exactly([0.5, 1, 3]))
both("nn.Abs", "", torch.abs)
both("nn.Square", "", lambda x: x * x)
both("nn.Sqrt", "", torch.sqrt, batch=rand(2, 4), one=exactly([0.5, 1, 3]))
module("nn.Sqrt", "", exactly([4, 0]), torch.sqrt, rule=lambda x, g: torch.stack([g[0] / 4, torch.tensor(0.0)]))
both("nn.Power", "3", lambda x: x ** 3, batch=randn(3, 4))
module("nn.Power", "0.5", rand(2, 4), lambda x: x ** 0.5)
both("nn.SoftPlus", "2", lambda x: torch.log(1 + (2 * x).exp()) / 2, batch=randn(3, 4))
module("nn.SoftPlus", "2", exactly([3, 11, -4]),
       lambda x: torch.stack([torch.log(1 + (2 * x[0]).exp()) / 2, x[1], torch.log(1 + (2 * x[2]).exp()) / 2]))
both("nn.HardShrink", "", lambda x: torch.where(x.abs() > 0.5, x, torch.zeros_like(x)))
both("nn.SoftShrink", "", lambda x: torch.sign(x) * relu(x.abs() - 0.5))
module("nn.HardShrink", "", randn(3, 4), lambda x: torch.where(x.abs() > 0.5, x, torch.zeros_like(x)))
module("nn.SoftShrink", "", randn(3, 4), lambda x: torch.sign(x) * relu(x.abs() - 0.5))
module("nn.HardShrink", "0.9", randn(3, 4), lambda x: torch.where(x.abs() > 0.9, x, torch.zeros_like(x)))
module("nn.SoftShrink", "0.9", randn(3, 4), lambda x: torch.sign(x) * relu(x.abs() - 0.9))
module("nn.PReLU", "3", randn(2, 3, 2), lambda x, w: torch.where(x > 0, x, w[:, None] * x), params=[(3,)])
module("nn.PReLU", "3", randn(3), lambda x, w: torch.where(x > 0, x, w * x), params=[(3,)])
module("nn.PReLU", "", randn(2, 4), lambda x, w: torch.where(x > 0, x, w * x), params=[(1,)])
module("nn.CReLU", "3", randn(2, 3, 2, 2), lambda x: torch.cat([relu(x), relu(-x)], 1))
module("nn.CReLU", "1", randn(4), lambda x: torch.cat([relu(x), relu(-x)], 0))
module("nn.GatedLinearUnit", "2", randn(2, 4, 3), lambda x: x[:, :2] * torch.sigmoid(x[:, 2:]))
module("nn.GatedLinearUnit", "", randn(2, 4), lambda x: x[:, :2] * torch.sigmoid(x[:, 2:]))


def soft(x, dim):
    return x.exp() / x.exp().sum(dim, keepdim=True)


def log_soft(x, dim):
    return x - x.exp().sum(dim, keepdim=True).log()


# The dim that is normalised depends on the rank.
RANKS = [(randn(4), 0), (randn(2, 4), 1), (randn(3, 2, 2), 0), (randn(2, 3, 2, 2), 1)]
for x, dim in RANKS:
    module("nn.SoftMax", "", x, lambda x, dim=dim: soft(x, dim))
    module("nn.LogSoftMax", "", x, lambda x, dim=dim: log_soft(x, dim))
    module("nn.SoftMin", "", x, lambda x, dim=dim: soft(-x, dim))
for x, dim in RANKS[1:]:
    module(["cudnn.SoftMax", "cudnn.SpatialSoftMax", "cudnn.VolumetricSoftMax", "nn.SpatialSoftMax"], "", x,
           lambda x, dim=dim: soft(x, dim))
    module(["cudnn.LogSoftMax", "cudnn.SpatialLogSoftMax", "cudnn.VolumetricLogSoftMax", "nn.SpatialLogSoftMax"], "", x,
           lambda x, dim=dim: log_soft(x, dim))

module("nn.GradientReversal", "0.5", X, lambda x: x, rule=lambda x, g: -0.5 * g)
module("nn.GradientReversal", "", LINE, lambda x: x, rule=lambda x, g: -g)
module("nn.ZeroGrad", "", X, lambda x: x, rule=lambda x, g: 0 * g)
module("nn.L1Penalty", "0.1", X, lambda x: x, rule=lambda x, g: g + 0.1 * torch.sign(x))
module("nn.L1Penalty", "0.1, true", X, lambda x: x, rule=lambda x, g: g + 0.1 / 8 * torch.sign(x))
module("nn.L1Penalty", "0.1, false, false", X, lambda x: x, rule=lambda x, g: 0.1 * torch.sign(x))

module("nn.MulConstant", "0.5", X, lambda x: 0.5 * x)
module("nn.MulConstant", "0.5, true", X, lambda x: 0.5 * x, in_place=True, undoes=True)
module("nn.AddConstant", "-2", X, lambda x: x - 2)
module("nn.AddConstant", "-2, true", X, lambda x: x - 2, in_place=True, undoes=True)
module("nn.AddConstant", "torch.Tensor{1, 2, 3, 4}", X, lambda x: x + torch.arange(1.0, 5.0))
