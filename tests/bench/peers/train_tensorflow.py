"""The peer: networks/autoencoder.py trained by TensorFlow's graph mode, as DIGITS' tool does, on the same dataset folder.

The network and its loss written out (one `tf.Session`, feeds), the momentum rule at 0.001 without DIGITS' regularisation in
the gradient, batches of 64, step policy, validation and a checkpoint after every epoch, a line of metrics about every 5,000
images. Its data is in memory, decoded once; with `--reader` records are read as DIGITS' tool does it, by six threads that take
keys from a queue and read, decode and batch one record after another (spec section 6).

Writes {job}/metrics.jsonl: a line when the first step is done, then as above.
"""
import argparse
import json
import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import lmdb
import numpy as np
import tensorflow.compat.v1 as tf

from caffe_lmdb import Images, columns, datum, mean

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", required=True)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--job", required=True)
parser.add_argument("--reader", action="store_true", help="read the LMDB as DIGITS does instead of keeping it in memory")
arguments = parser.parse_args()
BATCH, INTERVAL, RATE, DECAY = 64, 5000, 0.001, 0.0005

tf.disable_v2_behavior()
os.makedirs(arguments.job)
average = mean(f"{arguments.dataset}/mean.binaryproto")
databases = [Images(f"{arguments.dataset}/{name}", average) for name in ("train_db", "val_db")]


def batches(database, shuffle):
    """Batches as DIGITS' loader makes them: a tensor that waits for the next one."""
    records = lmdb.open(database.folder, readonly=True, lock=False, readahead=False).begin(buffers=True)

    def read(key):
        pixels, _ = datum(records.get(key))
        return pixels.transpose(1, 2, 0).astype(np.float32) - average.reshape(28, 28, 1)

    key = tf.train.string_input_producer(database.keys, shuffle=shuffle, capacity=10 * BATCH).dequeue()
    image = tf.numpy_function(read, [key], tf.float32)
    image.set_shape([28, 28, 1])
    return tf.train.batch([image], BATCH, num_threads=6, capacity=10 * BATCH)


sizes, any_batch = [len(database) for database in databases], [None, 28, 28, 1]
if arguments.reader:
    train, validation = (batches(database, shuffle) for database, shuffle in zip(databases, (True, False)))
    images = tf.placeholder_with_default(train, any_batch)
else:
    train, validation = (columns(database)[0].transpose(0, 2, 3, 1).copy() for database in databases)
    images = tf.placeholder(tf.float32, any_batch)
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
steps = -(-sizes[0] // BATCH) * arguments.epochs
drop = max(1, round(steps * 0.33))

with tf.Session() as session, open(f"{arguments.job}/metrics.jsonl", "w") as metrics:
    session.run(tf.global_variables_initializer())
    coordinator = tf.train.Coordinator()
    readers = tf.train.start_queue_runners(session, coordinator)  # none when all is in memory
    step, since, running = 0, 0, []

    def note(**event):
        metrics.write(json.dumps({**event, "iteration": step, "time": time.time()}) + "\n")
        metrics.flush()

    for epoch in range(1, arguments.epochs + 1):
        order = np.random.permutation(sizes[0])
        for first in range(0, sizes[0], BATCH):
            feed = {rate: RATE * 0.1 ** (step // drop)}
            if not arguments.reader:
                feed[images] = train[order[first : first + BATCH]]
            running.append(session.run([loss, step_of], feed)[0])
            since += BATCH
            step += 1
            if step == 1 or since >= INTERVAL:
                note(event="train", loss=float(np.mean(running)))
                running, since = [], 0
        losses = []
        for at in range(0, sizes[1], BATCH):
            batch = session.run(validation) if arguments.reader else validation[at : at + BATCH]
            losses.append(session.run(loss, {images: batch}))
        note(event="validation", loss=float(np.mean(losses)))
        saver.save(session, f"{arguments.job}/snapshot_{epoch}.ckpt")
        note(event="snapshot")
    coordinator.request_stop()
    coordinator.join(readers)
