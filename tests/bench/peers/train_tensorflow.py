"""The peer: networks/autoencoder.py trained by TensorFlow's graph mode, as DIGITS' tool does, on the same dataset folder.

The network and its loss written out (one `tf.Session`, feeds), the momentum rule at 0.001 without DIGITS' regularisation in
the gradient, batches of 64, step policy, validation and a checkpoint after every epoch, a line of metrics about every 5,000
images. Its data is in memory, decoded once: the quick way; DIGITS' own reader threads are slower.

Writes {job}/metrics.jsonl: a line when the first step is done, then as above.
"""
import argparse
import json
import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow.compat.v1 as tf

from caffe_lmdb import Images, columns, mean

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", required=True)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--job", required=True)
arguments = parser.parse_args()
BATCH, INTERVAL, RATE, DECAY = 64, 5000, 0.001, 0.0005

tf.disable_v2_behavior()
os.makedirs(arguments.job)
average = mean(f"{arguments.dataset}/mean.binaryproto")
train, validation = (
    columns(Images(f"{arguments.dataset}/{name}", average))[0].transpose(0, 2, 3, 1).copy() for name in ("train_db", "val_db")
)

images = tf.placeholder(tf.float32, [None, 28, 28, 1])
rate = tf.placeholder(tf.float32, [])
value, fan_in, penalties = tf.reshape(images * 0.00390625, [-1, 784]), 784, []
for number, width in enumerate((300, 50, 300, 784), 1):
    weights = tf.get_variable(f"fc{number}/weights", [fan_in, width])  # Glorot's, as slim's xavier
    biases = tf.get_variable(f"fc{number}/biases", [width], initializer=tf.zeros_initializer())
    penalties.append(DECAY * tf.nn.l2_loss(weights))
    value, fan_in = tf.matmul(value, weights) + biases, width
    value = tf.nn.relu(value) if number < 4 else value
own = tf.reduce_mean(tf.square(tf.reshape(value, [-1, 28, 28, 1]) - images))
loss = own + tf.add_n(penalties)
step_of = tf.train.MomentumOptimizer(rate, 0.9).minimize(own)
saver = tf.train.Saver(max_to_keep=None)
steps = -(-len(train) // BATCH) * arguments.epochs
drop = max(1, round(steps * 0.33))

with tf.Session() as session, open(f"{arguments.job}/metrics.jsonl", "w") as metrics:
    session.run(tf.global_variables_initializer())
    step, since, running = 0, 0, []

    def note(**event):
        metrics.write(json.dumps({**event, "iteration": step, "time": time.time()}) + "\n")
        metrics.flush()

    for epoch in range(1, arguments.epochs + 1):
        order = np.random.permutation(len(train))
        for first in range(0, len(order), BATCH):
            batch = train[order[first : first + BATCH]]
            running.append(session.run([loss, step_of], {images: batch, rate: RATE * 0.1 ** (step // drop)})[0])
            since += len(batch)
            step += 1
            if step == 1 or since >= INTERVAL:
                note(event="train", loss=float(np.mean(running)))
                running, since = [], 0
        losses = [session.run(loss, {images: validation[at : at + BATCH]}) for at in range(0, len(validation), BATCH)]
        note(event="validation", loss=float(np.mean(losses)))
        saver.save(session, f"{arguments.job}/snapshot_{epoch}.ckpt")
        note(event="snapshot")
