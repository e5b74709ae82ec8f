"""Makes rules.json and schedules.json: optimiser rules and learning rate policies, from the formulas alone.

Independent of the Rust code: written from Torch7's optim formulas and DIGITS' policy table, with numpy in float64.
Run: python3 make.py (in this folder).
"""
import json, math, platform, sys
import numpy as np

HEADER = {"made_by": "tests/golden/optim/make.py", "numpy": np.__version__, "python": platform.python_version()}
N, STEPS = 7, 12
X0 = np.array([0.5, -1.25, 2.0, 0.0, -0.03125, 3.5, -0.75])


def gradient(x, t):
    """Gradient of a made-up loss that changes with t: curved, one coordinate without any slope."""
    c = np.array([1.0, 0.3, 2.0, 0.7, 5.0, 0.0, 0.01])
    return c * (x - np.sin(np.arange(N) + t)) + 0.1 * x**3 * (c > 0)


def rate_at(t):
    return 0.05 if t < 6 else 0.005


def sgd(s):
    x, v, out = X0.copy(), None, []
    for t in range(STEPS):
        lr = rate_at(t) / (1 + t * s["learning_rate_decay"])
        g = gradient(x, t) + s["weight_decay"] * x
        m, d = s["momentum"], s["momentum"] if s["dampening"] is None else s["dampening"]
        if m:
            v = g.copy() if v is None else m * v + (1 - d) * g
            g = v
        x = x - lr * g
        out.append(x.tolist())
    return out


def nag(s):
    x, v, out = X0.copy(), None, []
    for t in range(STEPS):
        lr = rate_at(t) / (1 + t * s["learning_rate_decay"])
        if v is not None:
            x = x + s["momentum"] * v
        g = gradient(x, t)
        g = g + s["weight_decay"] * x
        v = np.zeros(N) if v is None else s["momentum"] * v
        x = x - lr * g
        v = v - lr * g
        out.append(x.tolist())
    return out


def adagrad(s):
    x, var, out = X0.copy(), np.zeros(N), []
    for t in range(STEPS):
        g = gradient(x, t) + s["weight_decay"] * x
        var = var + g**2
        x = x - rate_at(t) / (1 + t * s["learning_rate_decay"]) * g / (np.sqrt(var) + 1e-10)
        out.append(x.tolist())
    return out


def rmsprop(s):
    x, m, out = X0.copy(), np.zeros(N), []
    for t in range(STEPS):
        g = gradient(x, t) + s["weight_decay"] * x
        m = 0.99 * m + 0.01 * g**2
        x = x - rate_at(t) * g / (np.sqrt(m) + 1e-8)
        out.append(x.tolist())
    return out


def adadelta(s):
    x, var, acc, out = X0.copy(), np.zeros(N), np.zeros(N), []
    for t in range(STEPS):
        g = gradient(x, t) + s["weight_decay"] * x
        var = 0.9 * var + 0.1 * g**2
        delta = np.sqrt(acc + 1e-6) / np.sqrt(var + 1e-6) * g
        x = x - delta
        acc = 0.9 * acc + 0.1 * delta**2
        out.append(x.tolist())
    return out


def adam(s):
    x, m, v, out = X0.copy(), np.zeros(N), np.zeros(N), []
    for t in range(STEPS):
        lr = rate_at(t) / (1 + t * s["learning_rate_decay"])
        g = gradient(x, t) + s["weight_decay"] * x
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        step = lr * math.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1))
        x = x - step * m / (np.sqrt(v) + 1e-8)
        out.append(x.tolist())
    return out


def tf_adagrad(s):
    x, a, out = X0.copy(), np.full(N, 0.1), []
    for t in range(STEPS):
        g = gradient(x, t)
        a = a + g**2
        x = x - rate_at(t) * g / np.sqrt(a)
        out.append(x.tolist())
    return out


def tf_adadelta(s):
    x, a, d, out = X0.copy(), np.zeros(N), np.zeros(N), []
    for t in range(STEPS):
        g = gradient(x, t)
        a = 0.95 * a + 0.05 * g**2
        u = np.sqrt(d + 1e-8) / np.sqrt(a + 1e-8) * g
        d = 0.95 * d + 0.05 * u**2
        x = x - rate_at(t) * u
        out.append(x.tolist())
    return out


def tf_ftrl(s):
    x, a, l, out = X0.copy(), np.full(N, 0.1), np.zeros(N), []
    for t in range(STEPS):
        g = gradient(x, t)
        new = a + g**2
        l = l + g - (np.sqrt(new) - np.sqrt(a)) / rate_at(t) * x
        a = new
        x = -l / (np.sqrt(a) / rate_at(t))
        out.append(x.tolist())
    return out


def tf_rmsprop(s):
    x, ms, m, out = X0.copy(), np.ones(N), np.zeros(N), []
    for t in range(STEPS):
        g = gradient(x, t)
        ms = 0.9 * ms + 0.1 * g**2
        m = s["momentum"] * m + rate_at(t) * g / np.sqrt(ms + 1e-10)
        x = x - m
        out.append(x.tolist())
    return out


def settings(kind, momentum=0.9, dampening=None, weight_decay=1e-2, learning_rate_decay=0.0):
    return dict(kind=kind, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
                learning_rate_decay=learning_rate_decay)


RULES = [
    settings("sgd"), settings("sgd", dampening=0.0), settings("sgd", momentum=0.0, weight_decay=0.0),
    settings("sgd", learning_rate_decay=0.1), settings("sgd", momentum=0.0),
    settings("nag"), settings("nag", momentum=0.5, weight_decay=0.0, learning_rate_decay=0.05),
    settings("adagrad"), settings("adagrad", learning_rate_decay=0.1), settings("rmsprop"),
    settings("rmsprop", weight_decay=0.0), settings("adadelta"), settings("adam"),
    settings("adam", weight_decay=0.0, learning_rate_decay=0.1),
    settings("tf.adagrad", weight_decay=0.0), settings("tf.adadelta", weight_decay=0.0),
    settings("tf.ftrl", weight_decay=0.0), settings("tf.rmsprop", weight_decay=0.0),
    settings("tf.rmsprop", momentum=0.0, weight_decay=0.0),
]
rules = [{"spec": s, "x": globals()[s["kind"].replace(".", "_")](s)} for s in RULES]
with open("rules.json", "w") as f:
    json.dump({**HEADER, "start": X0.tolist(), "runs": rules}, f, indent=1)


def lua_round(x):
    return math.floor(x + 0.5)


def rates(s, total):
    """The policy as DIGITS runs it: one call an iteration, with its memory."""
    b, policy = s["base"], s["policy"]
    steps = [max(1, lua_round(total * p / 100)) for p in s.get("steps", [])]
    if total < len(steps):
        policy, steps = "step", [1]
    k, out = 0, []
    for t in range(total):
        if policy == "fixed": r = b
        elif policy == "step": r = b * s["gamma"] ** (t // steps[0])
        elif policy == "multistep":
            if k < len(steps) and t >= steps[k]: k += 1
            r = b * s["gamma"] ** k
        elif policy == "exp": r = b * s["gamma"] ** (100 * t / total)
        elif policy == "inv": r = b * (1 + s["gamma"] * 100 * t / total) ** -s["power"]
        elif policy == "poly": r = b * (1 - t / total) ** s["power"]
        elif policy == "sigmoid": r = b / (1 + math.exp(s["gamma"] * (100 * t / total - 100 * steps[0] / total)))
        elif policy == "torch_sgd": r = b / (1 + t * s["decay"])
        else: sys.exit(policy)
        out.append(r)
    return out


SCHEDULES = [
    (dict(base=0.01, policy="fixed"), 20),
    (dict(base=0.01, policy="step", gamma=0.1, steps=[33]), 211),
    (dict(base=0.01, policy="step", gamma=0.5, steps=[0.1]), 30),
    (dict(base=0.02, policy="multistep", gamma=0.5, steps=[50, 85]), 211),
    (dict(base=0.02, policy="multistep", gamma=0.5, steps=[10, 10, 10.2, 90]), 101),
    (dict(base=0.02, policy="multistep", gamma=0.5, steps=[0, 0, 60, 30]), 25),
    (dict(base=0.02, policy="multistep", gamma=0.5, steps=[20, 50, 80]), 2),
    (dict(base=0.01, policy="exp", gamma=0.95), 211),
    (dict(base=0.01, policy="inv", gamma=0.1, power=0.5), 211),
    (dict(base=0.01, policy="poly", power=3), 211),
    (dict(base=0.01, policy="sigmoid", gamma=0.1, steps=[50]), 211),
    (dict(base=0.01, policy="sigmoid", gamma=-0.1, steps=[30]), 50),
    (dict(base=0.01, policy="torch_sgd", decay=1e-3), 100),
]
with open("schedules.json", "w") as f:
    json.dump({**HEADER, "runs": [{"schedule": s, "rates": rates(s, n)} for s, n in SCHEDULES]}, f)
