"""Modules that take or make tables of tensors."""
import functools
import torch
from recipe import *

PAIR = [randn(2, 3), rand(2, 3)]
SIGNED = exactly([[1, 2, -3], [4, 5, -6]])
THREE = [randn(2, 3), rand(2, 3), SIGNED]
TWO = [randn(2, 3), SIGNED]

module("nn.CAddTable", "", THREE, lambda x: x[0] + x[1] + x[2])
module("nn.CAddTable", "true", THREE, lambda x: x[0] + x[1] + x[2], in_place=True)
module("nn.CMulTable", "", THREE, lambda x: x[0] * x[1] * x[2])
module("nn.CSubTable", "", TWO, lambda x: x[0] - x[1])
module("nn.CDivTable", "", TWO, lambda x: x[0] / x[1])
module("nn.CMaxTable", "", THREE, lambda x: functools.reduce(torch.maximum, x))
module("nn.CMinTable", "", THREE, lambda x: functools.reduce(torch.minimum, x))
module("nn.CAddTensorTable", "", [randn(3), [rand(3), rand(3)]], lambda x: [x[0] + y for y in x[1]])
module("nn.SelectTable", "-1", PAIR, lambda x: x[1], looks_at_input=True)
module("nn.SelectTable", "1", [[randn(2), randn(3)], rand(2)], lambda x: x[0], looks_at_input=True)
module("nn.NarrowTable", "1, 2", PAIR, lambda x: x, looks_at_input=True)
module("nn.NarrowTable", "2", THREE, lambda x: [x[1]], looks_at_input=True)
module("nn.FlattenTable", "", PAIR, lambda x: x, looks_at_input=True)
module("nn.FlattenTable", "", [randn(2), [randn(3), [rand(2)]]], lambda x: [x[0], x[1][0], x[1][1][0]], looks_at_input=True)
module("nn.ReverseTable", "", PAIR, lambda x: [x[1], x[0]], looks_at_input=True)
module("nn.ZipTable", "", [[randn(2), randn(2)], [rand(3), rand(3)]], lambda x: [list(pair) for pair in zip(*x)], looks_at_input=True)
module("nn.ZipTableOneToMany", "", [randn(2), [rand(3), rand(3)]], lambda x: [[x[0], y] for y in x[1]], looks_at_input=True)
module("nn.SplitTable", "2", randn(2, 3), lambda x: [x[:, 0], x[:, 1], x[:, 2]], looks_at_input=True)
module("nn.SplitTable", "1, 1", randn(2, 3), lambda x: [x[:, 0], x[:, 1], x[:, 2]], looks_at_input=True)
module("nn.SplitTable", "-1", randn(2, 2), lambda x: [x[:, 0], x[:, 1]], looks_at_input=True)
module("nn.JoinTable", "2", PAIR, lambda x: torch.cat(x, 1))
module("nn.JoinTable", "1, 1", PAIR, lambda x: torch.cat(x, 1))
module("nn.JoinTable", "1, 1", [randn(2), rand(3)], lambda x: torch.cat(x))
module("nn.MixtureTable", "", [rand(2, 2), [randn(2, 3), randn(2, 3)]],
       lambda x: x[0][:, :1] * x[1][0] + x[0][:, 1:] * x[1][1])
module("nn.MixtureTable", "", [rand(2), [randn(3), randn(3)]], lambda x: x[0][0] * x[1][0] + x[0][1] * x[1][1])
module("nn.MixtureTable", "2", [rand(2, 2), randn(2, 2, 3)], lambda x: torch.einsum("nk,nkf->nf", *x))
module("nn.CriterionTable", "nn.MSECriterion()", PAIR, lambda x: ((x[0] - x[1]) ** 2).mean()[None],
       rule=lambda x, g: [2 * (x[0] - x[1]) / 6], ignores_gradient=True)
