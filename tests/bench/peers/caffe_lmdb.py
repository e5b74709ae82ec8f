"""Caffe's records read by hand, for the peers: Datum, BlobProto, and a folder of LMDB as a list of images."""
import io

import lmdb
import numpy as np


def fields(message):
    """The (field number, value) pairs of a protobuf message: varints as int, 4-byte values and blocks as memoryview."""
    at, end = 0, len(message)

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while at < end:
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
        else:
            size = {1: 8, 2: None, 5: 4}[kind]
            size = varint() if size is None else size
            yield tag >> 3, message[at : at + size]
            at += size


def datum(record):
    """The pixels of a Datum as u8 [c, h, w], colour planes as they are stored, and its label."""
    found = dict(fields(memoryview(record)))
    label = found.get(5, 0)
    if found.get(7):
        from PIL import Image

        pixels = np.asarray(Image.open(io.BytesIO(found[4])))
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1), label
    return np.frombuffer(found[4], np.uint8).reshape(found[1], found[2], found[3]), label


def varint(number):
    """A number as protobuf writes it."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def raw_datum(shape, pixels, label):
    """A Datum of unencoded bytes."""
    head = b"".join(bytes([tag]) + varint(extent) for tag, extent in zip((8, 16, 24), shape))
    return head + b"\x22" + varint(len(pixels)) + pixels + b"\x28" + varint(label)


def mean(path):
    """The values of a mean.binaryproto, flat, f32: field 5, packed or one by one."""
    with open(path, "rb") as file:
        message = memoryview(file.read())
    blocks = [value for number, value in fields(message) if number == 5]
    return np.frombuffer(b"".join(blocks), np.float32)


class Images:
    """The images of an LMDB folder by index, read on demand; safe to hand to a DataLoader's worker processes."""

    def __init__(self, folder, mean):
        self.folder, self.mean, self.records = folder, mean, None
        with lmdb.open(folder, readonly=True, lock=False) as env, env.begin() as records:
            self.keys = [bytes(key) for key in records.cursor().iternext(values=False)]

    def __len__(self):
        return len(self.keys)

    def __getitem__(self, index):
        """Grey levels less the mean, f32 [c, h, w], and the label."""
        if self.records is None:  # opened in the process that reads
            env = lmdb.open(self.folder, readonly=True, lock=False, readahead=False)
            self.records = env.begin(buffers=True)
        pixels, label = datum(self.records.get(self.keys[index]))
        return pixels.astype(np.float32) - self.mean.reshape(pixels.shape), np.int64(label)


def columns(images):
    """All images of a list and all their labels, an array each."""
    return [np.stack(column) for column in zip(*(images[i] for i in range(len(images))))]
