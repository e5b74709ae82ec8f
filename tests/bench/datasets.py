"""Dataset folders for the figures, made once below build/bench."""
import os
import shutil
import sys

import lmdb
import numpy as np

from measure import WORK

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/peers")
from caffe_lmdb import datum, raw_datum, varint  # noqa: E402


def made(name, make, say):
    """The folder of this name, made by `make(folder)` unless it is there."""
    folder = f"{WORK}/{name}"
    if not os.path.exists(folder):
        say(f"  making {folder}")
        unfinished = f"{folder}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        os.makedirs(unfinished)
        make(unfinished)
        os.rename(unfinished, folder)
    return folder


def records(folder, count=None):
    """(key, value) of the first `count` records."""
    with lmdb.open(folder, readonly=True, lock=False) as env, env.begin() as transaction:
        for number, record in enumerate(transaction.cursor()):
            if number == count:
                return
            yield record


def write(folder, pairs):
    env = lmdb.open(folder, map_size=1 << 33, sync=False)
    with env.begin(write=True) as transaction:
        for key, value in pairs:
            transaction.put(key, value, append=True)
    env.close()


def copy_rest(source, folder):
    for name in ("mean.binaryproto", "labels.txt"):
        if os.path.exists(f"{source}/{name}"):
            shutil.copy(f"{source}/{name}", folder)


def subset(source, count, say):
    """The first `count` train records of a dataset, and a third as many to validate."""

    def make(folder):
        write(f"{folder}/train_db", records(f"{source}/train_db", count))
        write(f"{folder}/val_db", records(f"{source}/val_db", count // 3))
        copy_rest(source, folder)

    return made(f"subset-{count}", make, say)


def raw(source, say):
    """A dataset with its records decoded."""

    def decoded(folder):
        for key, value in records(folder):
            pixels, label = datum(value)
            yield key, raw_datum(pixels.shape, pixels.tobytes(), label)

    def make(folder):
        write(f"{folder}/train_db", decoded(f"{source}/train_db"))
        write(f"{folder}/val_db", decoded(f"{source}/val_db"))
        copy_rest(source, folder)

    return made("raw", make, say)


def generated(count, say):
    """`count` raw 28 x 28 records of noise with a dark border, cheap to make."""

    def pairs():
        random = np.random.default_rng(0)
        noise = random.integers(0, 256, 1 << 20, np.uint8).tobytes()
        for number in range(count):
            start = number * 97 % ((1 << 20) - 784)
            yield b"%08d" % number, raw_datum((1, 28, 28), noise[start : start + 784], number % 10)

    def make(folder):
        write(f"{folder}/train_db", pairs())
        values = np.full(784, 127.5, np.float32).tobytes()
        with open(f"{folder}/mean.binaryproto", "wb") as file:
            file.write(b"\x08\x01\x10\x01\x18\x1c\x20\x1c\x2a" + varint(len(values)) + values)

    return made(f"generated-{count}", make, say)


def photos(count, say):
    """`count` raw records of noise in three colours, 256 x 256, of ten classes: what AlexNet crops its input out of."""

    def make(folder):
        random = np.random.default_rng(0)
        noise = random.integers(0, 256, 1 << 22, np.uint8).tobytes()
        size = 3 * 256 * 256
        records = ((b"%08d" % number, raw_datum((3, 256, 256), noise[number * 97 :][:size], number % 10)) for number in range(count))
        write(f"{folder}/train_db", records)
        with open(f"{folder}/labels.txt", "w") as file:
            file.writelines(f"class {number}\n" for number in range(10))

    return made(f"photos-{count}", make, say)


def pngs(source, count, say):
    """PNG files in one folder a class: the dataset's records, over again until there are enough."""
    from PIL import Image

    def make(folder):
        number = 0
        while number < count:
            for part in ("train_db", "val_db"):
                for _, value in records(f"{source}/{part}", count - number):
                    pixels, label = datum(value)
                    os.makedirs(f"{folder}/{label}", exist_ok=True)
                    Image.fromarray(pixels[0]).save(f"{folder}/{label}/{number:06d}.png")
                    number += 1
                    if number == count:
                        return

    return made(f"png-{count}", make, say)
