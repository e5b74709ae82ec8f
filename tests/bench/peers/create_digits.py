"""The peer: a dataset from a folder of images the way DIGITS makes it, in Python: a list of files, shuffled; four
threads that open, resize and encode with PIL; Datum messages written to LMDB in transactions of 100; the mean image.

    create_digits.py FOLDER OUT    FOLDER holds one subfolder a class; OUT gets train_db, val_db, mean.binaryproto
"""
import io
import os
import queue
import random
import sys
import threading

import lmdb
import numpy as np
from PIL import Image

from caffe_lmdb import varint

WIDTH = HEIGHT = 28
THREADS, TRANSACTION = 4, 100


def encoded(pixels, label):
    """A Datum that holds a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    data = buffer.getvalue()
    head = b"".join(bytes([tag]) + varint(extent) for tag, extent in ((8, 1), (16, HEIGHT), (24, WIDTH)))
    return head + b"\x22" + varint(len(data)) + data + b"\x28" + varint(label) + b"\x38\x01"


def work(files, done):
    while True:
        try:
            path, label = files.get_nowait()
        except queue.Empty:
            return
        image = Image.open(path).convert("L")
        if image.size != (WIDTH, HEIGHT):
            image = image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
        pixels = np.asarray(image)
        done.put((pixels, encoded(pixels, label)))


def create(entries, folder, wants_mean):
    files, done = queue.Queue(), queue.Queue(1000)
    for entry in entries:
        files.put(entry)
    threads = [threading.Thread(target=work, args=(files, done)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    total = np.zeros((HEIGHT, WIDTH), np.float64)
    env = lmdb.open(folder, map_size=1 << 32)
    for first in range(0, len(entries), TRANSACTION):
        with env.begin(write=True) as transaction:
            for number in range(first, min(first + TRANSACTION, len(entries))):
                pixels, record = done.get()
                if wants_mean:
                    total += pixels
                transaction.put(b"%08d" % number, record)
    env.close()
    for thread in threads:
        thread.join()
    return total / max(1, len(entries))


def main(folder, out):
    os.makedirs(out)
    train, validation = [], []
    for label, name in enumerate(sorted(os.listdir(folder))):
        paths = sorted(os.listdir(f"{folder}/{name}"))
        cut = len(paths) // 4
        random.shuffle(paths)
        validation += [(f"{folder}/{name}/{path}", label) for path in paths[:cut]]
        train += [(f"{folder}/{name}/{path}", label) for path in paths[cut:]]
    random.shuffle(train)
    random.shuffle(validation)
    mean = create(train, f"{out}/train_db", True)
    create(validation, f"{out}/val_db", False)
    values = mean.astype(np.float32).tobytes()
    with open(f"{out}/mean.binaryproto", "wb") as file:
        file.write(b"\x08\x01\x10\x01\x18" + varint(HEIGHT) + b"\x20" + varint(WIDTH) + b"\x2a" + varint(len(values)) + values)


random.seed(0)
main(sys.argv[1], sys.argv[2])
