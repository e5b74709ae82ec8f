"""Losses."""
import torch
from recipe import *

X, T, SIGNS = randn(2, 3), rand(2, 3), exactly([[1, -1, 1], [-1, 1, 1]])
LABELS = long([4, 1, 2])


def hinge(x):
    return torch.where(x > 0, x, torch.zeros_like(x))


def both(name, arguments, x, t, formula, sums="false", **more):
    """Averaged and summed; `formula` gives the loss of each number."""
    criterion(name, arguments, x, t, lambda x, t: formula(x, t).mean(), **more)
    # Some constructors do not take the flag, but all have the field.
    make = f"with(CLASS({arguments}), function(c) c.sizeAverage = false end)" if sums is None else None
    arguments = ", ".join(filter(None, [arguments, sums]))
    criterion(name, arguments, x, t, lambda x, t: formula(x, t).sum(), make=make, **more)


both("nn.MSECriterion", "", randn(2, 4), randn(2, 4), lambda x, t: (x - t) ** 2)
both("nn.AbsCriterion", "", X, T, lambda x, t: (x - t).abs())
both("nn.SmoothL1Criterion", "", X, T,
     lambda x, t: torch.where((x - t).abs() < 1, (x - t) ** 2 / 2, (x - t).abs() - 0.5))
both("nn.SoftMarginCriterion", "", X, SIGNS, lambda x, t: torch.log(1 + (-x * t).exp()), sums=None)
both("nn.MarginCriterion", "", X, SIGNS, lambda x, t: hinge(1 - x * t), sums=None)
criterion("nn.MarginCriterion", "0.5", X, SIGNS, lambda x, t: hinge(0.5 - x * t).mean())
both("nn.HingeEmbeddingCriterion", "", X, SIGNS, lambda x, t: torch.where(t > 0, x, hinge(1 - x)), sums=None)
both("nn.DistKLDivCriterion", "", X, T, lambda x, t: t * (t.log() - x), sums=None)
criterion("nn.DistKLDivCriterion", "", randn(3), exactly([0.5, 0, 0.5]),
          lambda x, t: (t[::2] * (t[::2].log() - x[::2])).sum() / 3)
both("nn.MultiLabelSoftMarginCriterion", "", X, exactly([[1, 0, 1], [0, 1, 1]]),
     lambda x, t: -(t * torch.sigmoid(x).log() + (1 - t) * (1 - torch.sigmoid(x)).log()), sums="nil, false")
criterion("nn.MultiLabelSoftMarginCriterion", "torch.rand(3)", X, exactly([[1, 0, 1], [0, 1, 1]]),
          lambda x, t: (-(t * torch.sigmoid(x).log() + (1 - t) * (1 - torch.sigmoid(x)).log()) * given(rand(3))).mean())
criterion("nn.WeightedMSECriterion", "torch.rand(2, 3)", X, T, lambda x, t: ((x - t * given(rand(2, 3))) ** 2).mean())
criterion("nn.SpatialAutoCropMSECriterion", "", randn(2, 1, 2, 3), randn(2, 1, 4, 4),
          lambda x, t: ((x - t[:, :, 1:3, 0:3]) ** 2).mean())


def bce(x, t):
    return -(t * (x + 1e-12).log() + (1 - t) * (1 - x + 1e-12).log())


PROBABLE, BITS = exactly([[0.2, 0.7], [0.5, 0.9]]), exactly([[0, 1], [1, 0]])
both("nn.BCECriterion", "", PROBABLE, BITS, bce, sums="nil, false")
criterion("nn.BCECriterion", "torch.rand(2)", PROBABLE, BITS, lambda x, t: (bce(x, t) * given(rand(2))).mean())


def picked(x, t):
    return x.gather(1, (t - 1)[:, None])[:, 0] if x.dim() == 2 else x[t - 1]


def log_soft(x, dim=-1):
    return x - x.exp().sum(dim, keepdim=True).log()


W = given(rand(4))
for name, f in ("nn.ClassNLLCriterion", lambda x: x), ("nn.CrossEntropyCriterion", log_soft):
    criterion(name, "", randn(3, 4), LABELS, lambda x, t: -picked(f(x), t).mean())
    criterion(name, "nil, false", randn(3, 4), LABELS, lambda x, t: -picked(f(x), t).sum())
    criterion(name, "torch.rand(4)", randn(3, 4), LABELS,
              lambda x, t: -(picked(f(x), t) * W[t - 1]).sum() / W[t - 1].sum())
    criterion(name, "", randn(4), number(2), lambda x, t: -f(x)[1])
IMAGE, PLACES = randn(1, 3, 2, 2), long([[[1, 3], [2, 1]]])


def planes(x, t):
    return x.gather(1, (t - 1)[:, None])


criterion("nn.SpatialClassNLLCriterion", "", IMAGE, PLACES, lambda x, t: -planes(x, t).mean())
criterion("nn.SpatialClassNLLCriterion", "nil, false", IMAGE, PLACES, lambda x, t: -planes(x, t).sum())
criterion("cudnn.SpatialCrossEntropyCriterion", "", IMAGE, PLACES, lambda x, t: -planes(log_soft(x, 1), t).mean())


def simplex(n):
    """n unit vectors of n − 1 numbers, all at the same angle, in Torch7's order."""
    a = torch.zeros(n, n - 1)
    for k in range(n - 1):
        a[k, k] = (1 - (a[k, :k] ** 2).sum()).sqrt()
        c = ((a[:, :k] @ a[k, :k])[k + 1:] * 0 + (-1 / (n - 1) - a[k + 1:, :k] @ a[k, :k])) / a[k, k]
        a[k + 1:, k] = c
    return a


criterion("nn.ClassSimplexCriterion", "4", randn(3, 4), LABELS,
          lambda x, t: ((x - torch.cat([simplex(4), torch.zeros(4, 1)], 1)[t - 1]) ** 2).mean())
PAIR = [randn(2, 3), rand(2, 3)]


def cosine(a, b):
    return (a * b).sum(-1) / (((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12)).sqrt()


def cosine_loss(x, t, margin=0.0):
    return torch.where(t > 0, 1 - cosine(*x), hinge(cosine(*x) - margin))


both("nn.CosineEmbeddingCriterion", "", PAIR, exactly([1, -1]), cosine_loss, sums=None)
criterion("nn.CosineEmbeddingCriterion", "-0.9", PAIR, exactly([-1, -1]), lambda x, t: cosine_loss(x, t, -0.9).mean())
criterion("nn.CosineEmbeddingCriterion", "0.1", [randn(3), rand(3)], number(-1),
          lambda x, t: cosine_loss(x, t, 0.1).sum())
ONES = [randn(3), rand(3)]
criterion("nn.L1HingeEmbeddingCriterion", "", ONES, exactly([1]), lambda x, t: (x[0] - x[1]).abs().sum())
criterion("nn.L1HingeEmbeddingCriterion", "9", ONES, number(-1), lambda x, t: hinge(9 - (x[0] - x[1]).abs().sum()))
SCORES = [exactly([1, 2.5, 3]), exactly([0.5, 3, -1])]
both("nn.MarginRankingCriterion", "", SCORES, exactly([1, -1, 1]), lambda x, t: hinge(-t * (x[0] - x[1]) + 1),
     sums=None)
criterion("nn.MarginRankingCriterion", "0.1", [exactly([1]), exactly([2])], number(1),
          lambda x, t: hinge(-(x[0] - x[1]) + 0.1).sum())
for target in (None, exactly([1])):  # it looks at no target
    both("nn.DistanceRatioCriterion", "", SCORES, target,
         lambda x, t: x[0] + torch.log((-x[0]).exp() + (-x[1]).exp()))


def multi_margin(x, t, p, w=None):
    rows = []
    for row, label in zip(x if x.dim() == 2 else x[None], t.reshape(-1)):
        others = [i for i in range(len(row)) if i != label - 1]
        loss = sum(hinge(1 - row[label - 1] + row[i]) ** p for i in others) / len(row)
        rows.append(loss * (1 if w is None else w[label - 1]))
    return torch.stack(rows)


both("nn.MultiMarginCriterion", "2", X, long([3, 1]), lambda x, t: multi_margin(x, t, 2), sums=None)
criterion("nn.MultiMarginCriterion", "", X, long([3, 1]), lambda x, t: multi_margin(x, t, 1).mean())
criterion("nn.MultiMarginCriterion", "1, torch.rand(3)", X, long([3, 1]),
          lambda x, t: multi_margin(x, t, 1, given(rand(3))).mean())
criterion("nn.MultiMarginCriterion", "", randn(3), number(2), lambda x, t: multi_margin(x, t, 1).mean())


def multi_label(x, t):
    """Each label against each class that is no label; a 0 ends the list."""
    rows = []
    for row, labels in zip(x, t.tolist()):
        labels = [l - 1 for l in labels[:labels.index(0)]]
        others = [i for i in range(len(row)) if i not in labels]
        rows.append(sum(hinge(1 - row[l] + row[i]) for l in labels for i in others) / len(row))
    return torch.stack(rows)


both("nn.MultiLabelMarginCriterion", "", X, long([[3, 1, 0], [2, 0, 0]]), multi_label, sums=None)
criterion("nn.L1Cost", "", X, None, lambda x, t: x.abs().sum())  # it looks at no target
criterion("nn.MultiCriterion", "", X, randn(2, 3), lambda x, t: ((x - t) ** 2).mean() + 0.5 * (x - t).abs().mean(),
          make="CLASS():add(nn.MSECriterion()):add(nn.AbsCriterion(), 0.5)")
criterion("nn.ParallelCriterion", "", [randn(2), randn(3)], [randn(2), randn(3)],
          lambda x, t: ((x[0] - t[0]) ** 2).mean() + 0.5 * (x[1] - t[1]).abs().mean(),
          make="CLASS():add(nn.MSECriterion()):add(nn.AbsCriterion(), 0.5)")
criterion("nn.ParallelCriterion", "", [randn(3), rand(3)], randn(3),
          lambda x, t: ((x[0] - t) ** 2).mean() + 0.5 * (x[1] - t).abs().mean(),
          make="CLASS(true):add(nn.MSECriterion()):add(nn.AbsCriterion(), 0.5)")
criterion("nn.ModuleCriterion", "nn.MSECriterion(), nn.Tanh()", randn(2, 4), randn(2, 4),
          lambda x, t: ((torch.tanh(x) - t) ** 2).mean())
