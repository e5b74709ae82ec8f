#!/usr/bin/env python3
"""Writes the .t7 files of this folder, byte by byte after the format's description and without digits-rs.

A Linear(3 -> 2) whose weight and bias lie in one storage, in a Sequential, with a string, a boolean, a nested table and
a reference to the Sequential itself; as Torch7 wrote such a file in 2016 (net.t7), on a 32-bit machine (net_b32.t7),
as text (net_ascii.t7), and in its first years, when classes had no versions (net_old.t7).
"""

import pathlib
import struct

HERE = pathlib.Path(__file__).parent


class Writer:
    def __init__(self, ascii=False, long="<q", versions=True):
        self.out, self.ascii, self.long, self.versions = b"", ascii, long, versions
        self.seen, self.count = {}, 0

    def put(self, form, *values, text="%d"):
        if self.ascii:
            if values:
                self.out += (" ".join(text % value for value in values) + "\n").encode()
        else:
            self.out += b"".join(struct.pack(form, value) for value in values)

    def int(self, *values):
        self.put("<i", *values)

    def longs(self, *values):
        self.put(self.long, *values)

    def string(self, text):
        self.int(len(text))
        self.out += text.encode() + (b"\n" if self.ascii and text else b"")

    def new(self, tag, key):
        self.int(tag)
        if key in self.seen:
            self.int(self.seen[key])
            return False
        self.count += 1
        self.seen[key] = self.count
        self.int(self.count)
        return True

    def klass(self, name):
        if self.versions:
            self.string("V 1")
        self.string(name)

    def value(self, value):
        if value is None:
            self.int(0)
        elif isinstance(value, bool):
            self.int(5, ), self.int(int(value))
        elif isinstance(value, (int, float)):
            self.int(1)
            self.put("<d", float(value), text="%.17g")
        elif isinstance(value, str):
            self.int(2)
            self.string(value)
        elif isinstance(value, dict):
            if self.new(3, id(value)):
                self.int(len(value))
                for key, item in value.items():
                    self.value(key)
                    self.value(item)
        else:
            value.write(self)


class Object:
    def __init__(self, name, fields):
        self.name, self.fields = name, fields

    def write(self, out):
        if out.new(4, id(self)):
            out.klass(self.name)
            out.value(self.fields)


class Storage:
    def __init__(self, values):
        self.values = values

    def write(self, out):
        if out.new(4, id(self)):
            out.klass("torch.FloatStorage")
            out.longs(len(self.values))
            out.put("<f", *self.values, text="%.9g")


class Tensor:
    def __init__(self, storage, offset, size, stride):
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def write(self, out):
        if out.new(4, id(self)):
            out.klass("torch.FloatTensor")
            out.int(len(self.size))
            out.longs(*self.size)
            out.longs(*self.stride)
            out.longs(self.offset)
            out.value(self.storage)


flat = Storage([0.5, -1.25, 2, 3, 4, -5, 0.125, 6])
linear = Object("nn.Linear", {
    "weight": Tensor(flat, 1, (2, 3), (3, 1)), "bias": Tensor(flat, 7, (2,), (1,)),
    "gradWeight": Tensor(None, 1, (), ()), "_type": "torch.FloatTensor", "train": True,
})
net = Object("nn.Sequential", {"modules": {1: linear}, "_type": "torch.FloatTensor", "note": {"sizes": {1: 3, 2: 2}}})
net.fields["own"] = net

for name, writer in [("net", Writer()), ("net_b32", Writer(long="<i")), ("net_ascii", Writer(ascii=True)),
                     ("net_old", Writer(versions=False))]:
    writer.value(net)
    (HERE / f"{name}.t7").write_bytes(writer.out)
