"""Makes numbers.json: 20 training steps of the seed document's autoencoder in float64, independent of the Rust code.

Network  MulConstant(1/256), View, Linear 784-300, ReLU, Linear 300-50, ReLU, Linear 50-300, ReLU, Linear 300-784.
Init     Torch7's nn.Linear: MT19937 (init_genrand), u = 32-bit output * 2^-32, weight row by row, then bias, each
         u * 2s - s with s = 1/sqrt(fan in); layers in order. The generator is written out below.
Data     image i, pixel p: (31 i^2 + 17 p^2 + 7 i p + 3 p) mod 256; 200 images; mean image = sum // 200; batch t holds
         images (64 t + k) mod 200, k = 0..63, minus the mean.
Loss     MSE against the input itself, not scaled. Backward by hand.
SGD      g += 1e-4 x; v = g at first, then 0.9 v + 0.1 g (dampening = momentum); x -= 0.01 v.
Sums     for each parameter in order (weight, bias, next layer): sum x^2, and sum k x^2 with k counted from 1.

Run: python3 make.py (in this folder).
"""
import json, platform
import numpy as np

SEED, IMAGES, STEPS, BATCH = 42, 200, 20, 64
WIDTHS = [784, 300, 50, 300, 784]


def mt19937(seed):
    """Matsumoto and Nishimura's generator: an endless stream of 32-bit numbers."""
    mt = [seed & 0xFFFFFFFF]
    for i in range(1, 624):
        mt.append((1812433253 * (mt[-1] ^ (mt[-1] >> 30)) + i) & 0xFFFFFFFF)
    while True:
        for i in range(624):
            y = (mt[i] & 0x80000000) | (mt[(i + 1) % 624] & 0x7FFFFFFF)
            mt[i] = mt[(i + 397) % 624] ^ (y >> 1) ^ (0x9908B0DF if y & 1 else 0)
        for y in mt:
            y ^= y >> 11
            y ^= (y << 7) & 0x9D2C5680
            y ^= (y << 15) & 0xEFC60000
            yield y ^ (y >> 18)


stream = mt19937(SEED)
check = mt19937(5489)
assert [next(check) for _ in range(10000)][-1] == 4123659995  # the reference implementation's 10000th output


def uniform(count, s):
    return np.array([next(stream) * (1.0 / 4294967296.0) * (s + s) - s for _ in range(count)])


params = []
for fan_in, fan_out in zip(WIDTHS, WIDTHS[1:]):
    s = 1.0 / np.sqrt(float(fan_in))
    params.append(uniform(fan_out * fan_in, s).reshape(fan_out, fan_in))
    params.append(uniform(fan_out, s))


def sums():
    out = []
    for x in params:
        x = x.reshape(-1)
        out += [float(np.sum(x * x)), float(np.sum(x * x * np.arange(1, x.size + 1)))]
    return out


i, p = np.arange(IMAGES, dtype=np.int64)[:, None], np.arange(784, dtype=np.int64)[None, :]
images = (31 * i * i + 17 * p * p + 7 * i * p + 3 * p) % 256
data = (images - images.sum(0) // IMAGES).astype(np.float64)

start, losses, velocity = sums(), [], None
for t in range(STEPS):
    target = data[(t * BATCH + np.arange(BATCH)) % IMAGES]
    layers = list(zip(params[::2], params[1::2]))
    xs = [target * 0.00390625]
    for k, (w, b) in enumerate(layers):
        y = xs[-1] @ w.T + b
        xs.append(np.maximum(y, 0) if k < len(layers) - 1 else y)
    error = xs.pop() - target
    losses.append(float(np.mean(error**2)))
    delta, grads = 2.0 * error / error.size, []
    for k in reversed(range(len(layers))):
        grads = [delta.T @ xs[k], delta.sum(0)] + grads
        delta = (delta @ layers[k][0]) * (xs[k] > 0)
    grads = [g + 1e-4 * x for g, x in zip(grads, params)]
    velocity = grads if velocity is None else [0.9 * v + (1.0 - 0.9) * g for v, g in zip(velocity, grads)]
    params = [x - 0.01 * v for x, v in zip(params, velocity)]

with open("numbers.json", "w") as f:
    json.dump({
        "made_by": "tests/golden/autoencoder20/make.py", "numpy": np.__version__, "python": platform.python_version(),
        "seed": SEED, "images": IMAGES, "losses": losses, "sums_at_start": start, "sums_at_end": sums(),
    }, f, indent=1)
