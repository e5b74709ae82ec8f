"""Containers, decorators, composites, graphs: each with children, whose parameters come in the order of the tree."""
import math
import torch
import torch.nn.functional as F
from recipe import *

LINEAR = [(3, 4), (3,)]


def linear(x, w, b):
    return x @ w.T + b


for x in randn(2, 4), randn(4):
    module("nn.Sequential", "", x, lambda x, w, b: torch.tanh(linear(x, w, b)), params=LINEAR,
           make="CLASS():add(nn.Linear(4, 3)):add(nn.Tanh())")
    module("nn.ConcatTable", "", x, lambda x, w, b: [linear(x, w, b), torch.tanh(x)], params=LINEAR,
           make="CLASS():add(nn.Linear(4, 3)):add(nn.Tanh())")
    module(["nn.Decorator", "nn.Profile", "nn.NaN", "nn.Serial"], "nn.Linear(4, 3)", x, linear, params=LINEAR)
    module("nn.DontCast", "nn.Linear(4, 3), true", x, linear, params=LINEAR, keeps_type=True)
    module("nn.GPU", "nn.Linear(4, 3), 1", x, linear, params=LINEAR)
module("nn.Sequential", "", randn(2, 4), lambda x: x, looks_at_input=True)
PAIR = [randn(2, 4), randn(2, 4)]
module("nn.ParallelTable", "", PAIR, lambda x, w, b: [linear(x[0], w, b), torch.tanh(x[1])], params=LINEAR,
       make="CLASS():add(nn.Linear(4, 3)):add(nn.Tanh())")
module("nn.MapTable", "nn.Linear(4, 3)", PAIR, lambda x, w, b: [linear(x[0], w, b), linear(x[1], w, b)], params=LINEAR,
       clones=2)
module("nn.Concat", "2", randn(2, 4), lambda x, w, b: torch.cat([linear(x, w, b), torch.tanh(x)], 1), params=LINEAR,
       make="CLASS(2):add(nn.Linear(4, 3)):add(nn.Tanh())")
module("nn.Concat", "1", randn(4), lambda x, w, b: torch.cat([linear(x, w, b), torch.tanh(x)], 0), params=LINEAR,
       make="CLASS(1):add(nn.Linear(4, 3)):add(nn.Tanh())")
module("nn.DepthConcat", "2", randn(2, 1, 3, 4),
       lambda x, w, b: torch.cat([F.pad(F.conv2d(x, w, b), (0, 1, 1, 1)), torch.tanh(x)], 1), params=[(2, 1, 3, 2), (2,)],
       make="CLASS(2):add(nn.SpatialConvolution(1, 2, 2, 3)):add(nn.Tanh())")
module("nn.Parallel", "2, 2", randn(3, 2, 4),
       lambda x, w, b: torch.cat([linear(x[:, 0], w, b), torch.tanh(x[:, 1])], 1), params=LINEAR,
       make="CLASS(2, 2):add(nn.Linear(4, 3)):add(nn.Tanh())")
module("nn.Bottle", "nn.Linear(4, 3)", randn(2, 5, 4), linear, params=LINEAR)
module("nn.Bottle", "nn.Linear(4, 3)", randn(2, 4), linear, params=LINEAR)
module("nn.WeightNorm", "nn.Linear(4, 3)", randn(2, 4),
       lambda x, v, g, b: linear(x, v * g / ((v * v).sum(1, keepdim=True) + 1e-4).sqrt(), b),
       params=[(3, 4), (3, 1), (3,)], not_shared=2)
module("nn.ModuleFromCriterion", "", PAIR, lambda x: ((x[0] - x[1]) ** 2).mean()[None],
       rule=lambda x, g: [g * 2 * (x[0] - x[1]) / 8, torch.zeros(2, 4)], make="(function() require 'nngraph' return CLASS(nn.MSECriterion()) end)()")
GRAPH = "(function() require 'nngraph'; local x = nn.Linear(4, 3)(); return {x}, {nn.Tanh()(x), x} end)()"
module("nn.DepthConcat", "2", randn(2, 4), lambda x, w, b: torch.cat([linear(x, w, b), torch.tanh(x)], 1), params=LINEAR,
       make="CLASS(2):add(nn.Linear(4, 3)):add(nn.Tanh())")
module("nn.gModule", GRAPH, randn(2, 4), lambda x, w, b: [torch.tanh(linear(x, w, b)), linear(x, w, b)], params=LINEAR)
module("nngraph.JustElement", "", [randn(2, 4)], lambda x: x[0], looks_at_input=True)
module("nngraph.JustTable", "", randn(2, 4), lambda x: [x], looks_at_input=True)


def relu(x):
    return torch.where(x > 0, x, torch.zeros_like(x))


def fire(x, ws, bs, w1, b1, w3, b3):
    squeezed = relu(F.conv2d(x, ws, bs))
    return relu(torch.cat([F.conv2d(squeezed, w1, b1), F.conv2d(squeezed, w3, b3, padding=1)], 1))


def inception(x, r1, rb1, c1, cb1, r2, rb2, c2, cb2, p, pb, q, qb):
    """Reduced then 5x5, reduced then 3x3, pooled then reduced (and centred), reduced alone; joined."""
    fives = relu(F.conv2d(relu(F.conv2d(x, r1, rb1)), c1, cb1, padding=2))
    threes = relu(F.conv2d(relu(F.conv2d(x, r2, rb2)), c2, cb2, padding=1))
    pooled = F.pad(relu(F.conv2d(F.max_pool2d(x, 3, 1), p, pb)), (1, 1, 1, 1))
    return torch.cat([fives, threes, pooled, relu(F.conv2d(x, q, qb))], 1)


module("nn.Inception", "{inputSize = 2, outputSize = {2, 1}, reduceSize = {1, 1, 2, 1}, batchNorm = false}",
       randn(1, 2, 4, 4), inception,
       params=[(1, 2, 1, 1), (1,), (2, 1, 5, 5), (2,), (1, 2, 1, 1), (1,), (1, 1, 3, 3), (1,),
               (2, 2, 1, 1), (2,), (1, 2, 1, 1), (1,)])
module("nn.FireModule", "2, 1, 2, 1", randn(1, 2, 3, 3), fire,
       params=[(1, 2, 1, 1), (1,), (2, 1, 1, 1), (2,), (1, 1, 3, 3), (1,)])
