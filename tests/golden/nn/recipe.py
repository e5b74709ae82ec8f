"""What a row of a recipe is: a Lua expression, its input, and the formula that the outputs come from.

Both sides compute the same inputs: `torch.randn(2, 4)` in a row means the numbers of `wave` below, not random ones; tests/lua/nn/every.lua
has the same function. Torch7's generator is a Mersenne twister, so noise can be computed too.
"""
import math
import numpy as np
import torch

# Where the waves of each kind of tensor start, so that no two tensors of a case hold the same numbers.
INPUT, MAKE, TARGET, GRADIENT, PARAMETER = 0, 100, 200, 300, 400
SEED = 7
CASES = []


def wave(size, k):
    """Deterministic numbers in (-1, 1)."""
    count = math.prod(size)
    return torch.from_numpy(np.sin(1 + 1.7 * np.arange(count) + 0.9 * k)).reshape(size)


class Leaf:
    """A tensor of an input: its Lua text, and its numbers once its place in the expression is known."""

    def __init__(self, text, numbers, is_wave):
        self.text, self.numbers, self.is_wave = text, numbers, is_wave


def randn(*size):
    return Leaf(f"torch.randn({', '.join(map(str, size))})", lambda k: 1.3 * wave(size, k), True)


def rand(*size):
    return Leaf(f"torch.rand({', '.join(map(str, size))})", lambda k: 0.5 + 0.45 * wave(size, k), True)


def nested(values):
    if isinstance(values, (list, tuple)):
        return "{" + ", ".join(map(nested, values)) + "}"
    return f"{values}"


def exactly(values):
    return Leaf("torch.Tensor" + nested(values), lambda k: torch.tensor(values, dtype=torch.double), False)


def long(values):
    return Leaf("torch.LongTensor" + nested(values), lambda k: torch.tensor(values), False)


def mask(values):
    return Leaf("torch.ByteTensor" + nested(values), lambda k: torch.tensor(values, dtype=torch.bool), False)


def number(value):
    return Leaf(str(value), lambda k: torch.tensor([value]), False)


def text_of(tree):
    return "{" + ", ".join(map(text_of, tree)) + "}" if isinstance(tree, (list, tuple)) else tree.text


def numbers_of(tree, k):
    """The tensors of a tree; each wave takes the next k."""
    counter = [k]

    def walk(tree):
        if isinstance(tree, (list, tuple)):
            return [walk(entry) for entry in tree]
        value = tree.numbers(counter[0])
        counter[0] += tree.is_wave
        return value

    return walk(tree)


def given(leaf, k=0):
    """The numbers of a tensor among the constructor's arguments; k counts the waves before it."""
    return leaf.numbers(MAKE + k)


def leaves(tree):
    return [leaf for entry in tree for leaf in leaves(entry)] if isinstance(tree, (list, tuple)) else [tree]


def like(tree, found):
    """The tree's structure with each leaf replaced by what `found` yields next."""
    if isinstance(tree, (list, tuple)):
        return [like(entry, found) for entry in tree]
    return next(found)


def written(tree):
    if tree is None:
        return None
    if isinstance(tree, (list, tuple)):
        return [written(entry) for entry in tree]
    tree = tree.detach()
    numbers = [float(f"{v:.13g}") for v in tree.double().reshape(-1).tolist()]
    return {"size": list(tree.shape), "numbers": [int(v) if v == int(v) else v for v in numbers]}


class Twister:
    """Torch7's random numbers after torch.manualSeed(SEED): MT19937, 32 bits a draw."""

    def __init__(self):
        self.bits = np.random.RandomState(SEED)
        self.kept = None

    def uniform(self, a=0.0, b=1.0):
        return int(self.bits.randint(0, 2**32, dtype=np.uint32)) * 2.0**-32 * (b - a) + a

    def normal(self):
        if self.kept is not None:
            turn, radius = self.kept
            self.kept = None
            return radius * math.sin(2 * math.pi * turn)
        turn = self.uniform()
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        self.kept = (turn, radius)
        return radius * math.cos(2 * math.pi * turn)

    def fill(self, size, draw):
        return torch.tensor([draw() for _ in range(math.prod(size))], dtype=torch.double).reshape(size)

    def bernoulli(self, size, p):
        return self.fill(size, lambda: float(self.uniform() <= p))


def parameters(sizes):
    return [(0.6 * wave(size, PARAMETER + j)).requires_grad_() for j, size in enumerate(sizes)]


def module(classes, arguments, input, formula, params=(), make=None, evaluate=False, rule=None, learns=None,
           notes=None, **flags):
    """One case of each class. `formula(x, *params)` gives the output; the gradients are its derivatives, or what
    `rule(x, g, *params)` gives for the input (a gradient that is a rule, not a derivative).

    `make` is Lua with CLASS in it, for modules that are more than a constructor. `learns(x, g, *params)`: the gradients
    of the parameters, if they are a rule too. `flags` go into the case: see tests/lua/nn/every.lua.
    """
    for name in [classes] if isinstance(classes, str) else classes:
        x = numbers_of(input, INPUT)
        real = [t.requires_grad_() for t in leaves(x) if t.dtype == torch.double]
        learned = parameters(params)
        y = formula(x, *learned)
        outputs = [t for t in leaves(y)]
        g = [wave(t.shape, GRADIENT + k) for k, t in enumerate(outputs)]
        sum_ = sum((t * v).sum() for t, v in zip(outputs, g) if t.requires_grad)
        wanted = real + learned
        if torch.is_tensor(sum_) and sum_.requires_grad:
            found = torch.autograd.grad(sum_, wanted, allow_unused=True)
            found = [torch.zeros_like(t) if f is None else f for t, f in zip(wanted, found)]
        else:
            found = [torch.zeros_like(t) for t in wanted]
        grads = iter(found[:len(real)])
        grad_input = like(x, (next(grads) if t.dtype == torch.double else None for t in leaves(x)))
        tree = like(y, iter(g))
        if rule is not None:
            grad_input = rule(x, tree, *learned)
        grad_params = found[len(real):]
        if learns is not None:
            grad_params = learns(x, tree, *learned)
        case = {"class": name, "make": (make or "CLASS(%s)" % arguments).replace("CLASS", name),
                "input": text_of(input)}
        if evaluate:
            case["evaluate"] = True
        # Whole numbers have no derivative.
        if rule is not None or not all(t.is_floating_point() for t in outputs):
            case["is_rule"] = True
        case |= flags
        case |= {"parameters": [list(size) for size in params], "output": written(y),
                 "gradInput": written(grad_input), "gradParameters": [written(t) for t in grad_params]}
        CASES.append(case)


def criterion(classes, arguments, input, target, formula, make=None, rule=None, **flags):
    """One case of each criterion: `formula(x, t)` gives the loss."""
    for name in [classes] if isinstance(classes, str) else classes:
        x = numbers_of(input, INPUT)
        real = [t.requires_grad_() for t in leaves(x) if t.dtype == torch.double]
        t = numbers_of(target, TARGET) if target is not None else None
        loss = formula(x, t)
        found = torch.autograd.grad(loss, real, allow_unused=True)
        found = iter(torch.zeros_like(t) if f is None else f for t, f in zip(real, found))
        grad_input = like(x, found) if rule is None else rule(x, t)
        case = {"class": name, "make": (make or "CLASS(%s)" % arguments).replace("CLASS", name),
                "input": text_of(input), "target": text_of(target) if target is not None else "nil"}
        if rule is not None:
            case["is_rule"] = True
        case |= flags
        case |= {"loss": float(f"{loss.item():.13g}"), "gradInput": written(grad_input)}
        CASES.append(case)
