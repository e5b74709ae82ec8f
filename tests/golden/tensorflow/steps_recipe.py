#!/usr/bin/env python3
"""Reference numbers from real TensorFlow for the seed's autoencoder (its text unchanged), under a host that plays DIGITS' tool.

    python3 steps_recipe.py          # with tensorflow-cpu 2.15.1, tf_slim and numpy below 2

writes steps.json.

Weights: RandomState(1234); in the order fc1..fc4 `weights` uniform(-l, l) with l = sqrt(6/(in+out)), as float32; biases 0.
noise:   20 batches of 16 images, RandomState(5678).randint(0, 256, (20, 16, 28, 28, 1)); x = image, nothing subtracted.
blobs:   20 batches of 16 images of three Gaussian blobs each (stored, uint8); x = image - 128.
Every solver starts from the same weights and sees batch 0..19 in order. For step k, `user[k]` is the user loss (mean squared
error) and `logged[k]` what DIGITS logs (user + regularisation loss), both before the update of step k; the gradient is that of
the user loss. `after`: user loss of batch 0 after the 20 steps. momentum = 0.9 for momentum and rmsprop."""
import json, sys, pathlib
here = pathlib.Path(__file__).resolve().parent; sys.path.insert(0, str(here))
import host, numpy as np
tf = host.tf
NET = here.parents[2] / 'networks' / 'autoencoder.py'
SOLVERS = [(s, 0.001) for s in ('sgd', 'momentum', 'adam', 'rmsprop', 'adagrad', 'adadelta', 'ftrl', 'adagradda')] + [('sgd', 0.01), ('momentum', 0.01), ('adam', 0.01), ('adadelta', 1.0)]
noise = np.random.RandomState(5678).randint(0, 256, (20, 16, 28, 28, 1)).astype(np.uint8)
def blobs():
    r = np.random.RandomState(91011); j, i = np.mgrid[0:28, 0:28]; out = np.zeros((20, 16, 28, 28, 1))
    for b in range(20):
        for n in range(16):
            for _ in range(3):
                cy, cx, s, h = r.uniform(4, 24), r.uniform(4, 24), r.uniform(1.5, 5), r.uniform(60, 200)
                out[b, n, :, :, 0] += h * np.exp(-((j - cy) ** 2 + (i - cx) ** 2) / (2 * s * s))
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)
r = np.random.RandomState(1234); w0 = {}
for name, i, o in (('fc1', 784, 300), ('fc2', 300, 50), ('fc3', 50, 300), ('fc4', 300, 784)):
    l = np.sqrt(6.0 / (i + o))
    w0[f'model/{name}/weights:0'] = r.uniform(-l, l, (i, o)).astype(np.float32); w0[f'model/{name}/biases:0'] = np.zeros(o, np.float32)
sets = dict(noise=(noise, 0.0), blobs=(blobs(), 128.0))
out = {}
for kind, (data, sub) in sets.items():
    X = data.astype(np.float32) - np.float32(sub)
    for solver, lr in SOLVERS:
        tf.reset_default_graph()
        U = host.load(str(NET)); x = tf.placeholder(tf.float32, [None, 28, 28, 1], name='batcher')
        m = host.Model('train', U, x, None, [28, 28, 1], 0, solver, 0.9)
        with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)) as s:
            s.run(tf.global_variables_initializer())
            assert sorted(v.name for v in tf.trainable_variables()) == sorted(w0)
            for v in tf.trainable_variables(): v.load(w0[v.name], s)
            user = tf.add_n(m.user_parts); q = dict(lr=lr, user=[], logged=[])
            for k in range(20):
                u, t = s.run([user, m.loss], {x: X[k], m.lr: lr}); q['user'].append(float(u)); q['logged'].append(float(t))
                s.run(m.train, {x: X[k], m.lr: lr})
            q['after'] = float(s.run(user, {x: X[0]})); q['regularisation after'] = float(s.run(tf.add_n(m.reg)))
            q['other variables'] = {v.name: v.shape.as_list() for v in tf.global_variables() if v not in tf.trainable_variables()}
            v64 = {v.name: np.asarray(s.run(v), np.float64) for v in tf.trainable_variables()}
            q['norm after'] = {n: float(np.sqrt((v ** 2).sum())) for n, v in v64.items()}; q['sum after'] = {n: float(v.sum()) for n, v in v64.items()}
            o = s.run(m.tower.inference, {x: X[0]}); q['output of batch 0 after'] = dict(row14_first8=[float(v) for v in o[0, 14, :8, 0]], mean=float(o.mean()), std=float(o.std()))
        out[f'{kind} {solver} {lr}'] = q
def kept(v):
    """The parts that the test reads; not finite is null."""
    if isinstance(v, float): return v if np.isfinite(v) else None
    if isinstance(v, list): return [kept(x) for x in v]
    return {k: kept(x) for k, x in v.items()} if isinstance(v, dict) else v
parts = ('lr', 'user', 'logged', 'after', 'regularisation after', 'norm after', 'sum after')
runs = {k: kept({n: q[n] for n in parts}) for k, q in out.items()}
json.dump(dict(tensorflow=tf.__version__, made_by='steps_recipe.py; not finite is null', runs=runs),
          open(here / 'steps.json', 'w'), separators=(',', ':'))
