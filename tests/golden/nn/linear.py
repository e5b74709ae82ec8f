"""Linear maps, products, distances, embeddings."""
import torch
from recipe import *


def norm(x, dim=-1):
    return (x * x).sum(dim).sqrt()


for x in randn(2, 4), randn(4):
    module("nn.Linear", "4, 3", x, lambda x, w, b: x @ w.T + b, params=[(3, 4), (3,)])
    module("nn.Linear", "4, 3, false", x, lambda x, w: x @ w.T, params=[(3, 4)])
    module("nn.Euclidean", "4, 3", x, lambda x, w: norm(x[..., None] - w, -2), params=[(4, 3)], nearly=1e-6)
    module("nn.WeightedEuclidean", "4, 3", x, lambda x, w, c: norm(c * (x[..., None] - w), -2),
           params=[(4, 3), (4, 3)], nearly=1e-6)
    module("nn.Cosine", "4, 3", x, lambda x, w: x @ w.T / (norm(x)[..., None] + 1e-12) / (norm(w) + 1e-12), params=[(3, 4)],
           nearly=1e-8)
    module("nn.LinearWeightNorm", "4, 3", x,
           lambda x, v, g, b: x @ (v * g / norm(v)[:, None].clamp(min=1e-16)).T + b, params=[(3, 4), (3, 1), (3,)])
    module("nn.LinearWeightNorm", "4, 3, false", x,
           lambda x, v, g: x @ (v * g / norm(v)[:, None].clamp(min=1e-16)).T, params=[(3, 4), (3, 1)])
    module("nn.Maxout", "4, 3, 2", x,
           lambda x, w, b: (x @ w.T + b).reshape(*x.shape[:-1], 2, 3).max(-2)[0], params=[(6, 4), (6,)])
    module("nn.Add", "4", x, lambda x, b: x + b, params=[(4,)])
    module("nn.Add", "4, true", x, lambda x, b: x + b, params=[(1,)])
    module("nn.Mul", "", x, lambda x, w: x * w, params=[(1,)])
    module("nn.CMul", "4", x, lambda x, w: x * w, params=[(4,)])
    module("nn.CAdd", "4", x, lambda x, b: x + b, params=[(4,)])
module("nn.Linear", "", randn(2, 4), lambda x, w: x @ w.T, params=[(3, 4)], make="CLASS(4, 3):noBias()")
# The weight is in a module that the class keeps to itself: sharing does not reach it.
module("nn.PartialLinear", "4, 3", randn(2, 4), lambda x, w, b: x @ w.T + b[0], params=[(3, 4), (1, 3)], not_shared=1)
module("nn.PartialLinear", "4, 3", randn(2, 4), lambda x, w, b: (x @ w.T + b[0])[..., [2, 0]], params=[(3, 4), (1, 3)],
       make="with(CLASS(4, 3), function(m) m:setPartition(torch.LongTensor{3, 1}) end)", not_shared=1)
module("nn.CAdd", "1, 4", randn(2, 4), lambda x, b: x + b, params=[(1, 4)])
module("nn.CMul", "1, 2, 1", randn(3, 2, 2), lambda x, w: x * w, params=[(1, 2, 1)])
module("nn.CMul", "1, 2, 1, 1", randn(2, 2, 2, 2), lambda x, w: x * w, params=[(1, 2, 1, 1)])

module("nn.Bilinear", "2, 3, 2", [randn(2, 2), randn(2, 3)],
       lambda x, w, b: torch.einsum("ni,oij,nj->no", x[0], w, x[1]) + b, params=[(2, 2, 3), (2,)])
module("nn.Bilinear", "2, 3, 2, false", [randn(2, 2), randn(2, 3)],
       lambda x, w: torch.einsum("ni,oij,nj->no", x[0], w, x[1]), params=[(2, 2, 3)])
module("nn.LookupTable", "5, 2", long([[1, 5], [3, 3]]), lambda x, w: w[x - 1], params=[(5, 2)])
module("nn.LookupTable", "5, 2", long([2, 4, 2]), lambda x, w: w[x - 1], params=[(5, 2)])
module("nn.LookupTable", "5, 2, 3", long([[1, 5], [3, 3]]), lambda x, w: w[x - 1], params=[(5, 2)],
       learns=lambda x, g, w: [torch.stack([g[0, 0], 0 * g[0, 0], 0 * g[0, 0], 0 * g[0, 0], g[0, 1]])], is_rule=True)


def sparse(rows, in_size):
    """A dense matrix of pairs (index, value)."""
    x = torch.zeros(len(rows), in_size)
    for i, row in enumerate(rows):
        for index, value in row.detach():
            x[i, int(index) - 1] += value
    return x


module("nn.SparseLinear", "5, 3", [exactly([[1, 0.5], [4, -2]]), exactly([[2, 1]])],
       lambda x, w, b: sparse(x, 5) @ w.T + b, params=[(3, 5), (3,)], no_input_gradient=True)
module("nn.SparseLinear", "5, 3", exactly([[1, 0.5], [4, -2]]),
       lambda x, w, b: sparse([x], 5)[0] @ w.T + b, params=[(3, 5), (3,)], no_input_gradient=True)
KEYS, VALUES = [[1, 4], [2, 5, 3]], [[0.5, -2], [1, 0.25, -1]]


def indexed(w, b):
    rows = [(torch.tensor(v)[:, None] * w[torch.tensor(k) - 1]).sum(0) + b for k, v in zip(KEYS, VALUES)]
    return torch.stack(rows)


module("nn.IndexLinear", "5, 3", [[long(k) for k in KEYS], [exactly(v) for v in VALUES]],
       lambda x, w, b: indexed(w, b), params=[(5, 3), (3,)], no_input_gradient=True, no_parameter_gradient=True, not_flattened=True)
module("nn.Kmeans", "3, 2", randn(4, 2),
       lambda x, w: ((x[:, None] - w) ** 2).sum(-1).argmin(1) + 1, params=[(3, 2)], no_input_gradient=True,
       no_parameter_gradient=True)

PAIR = [randn(2, 3), rand(2, 3)]
module("nn.MM", "false, true", PAIR, lambda x: x[0] @ x[1].T)
module("nn.MM", "true", PAIR, lambda x: x[0].T @ x[1])
module("nn.MM", "", [randn(2, 3, 2), rand(2, 2, 4)], lambda x: torch.bmm(*x))
module("nn.MV", "", [randn(2, 3), rand(3)], lambda x: x[0] @ x[1])
module("nn.MV", "true", [randn(2, 3), rand(2)], lambda x: x[0].T @ x[1])
module("nn.MV", "", [randn(2, 3, 2), rand(2, 2)], lambda x: torch.einsum("nij,nj->ni", *x))
module("nn.DotProduct", "", PAIR, lambda x: (x[0] * x[1]).sum(1))
module("nn.DotProduct", "", [randn(3), rand(3)], lambda x: (x[0] * x[1]).sum()[None])


def cosine(a, b):
    return (a * b).sum(-1) / (((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12)).sqrt()


module("nn.CosineDistance", "", PAIR, lambda x: cosine(*x))
module("nn.CosineDistance", "", [randn(3), rand(3)], lambda x: cosine(*x)[None])
module("nn.PairwiseDistance", "", PAIR, lambda x: norm(x[0] - x[1]), nearly=1e-5)
module("nn.PairwiseDistance", "", [randn(3), rand(3)], lambda x: norm(x[0] - x[1])[None], nearly=1e-5)
module("nn.PairwiseDistance", "1", PAIR, lambda x: (x[0] - x[1]).abs().sum(1))
module("nn.PairwiseDistance", "3", PAIR, lambda x: ((x[0] - x[1]).abs() ** 3).sum(1) ** (1 / 3), nearly=1e-5)
