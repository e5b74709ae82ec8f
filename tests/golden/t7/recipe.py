#!/usr/bin/env python3
"""Writes the .t7 files of this folder, byte by byte after the format's description and without digits-rs.

snapshot_1_Model.t7 is what DIGITS saved of a run on two GPUs: CUDA types, cudnn's convolution with its parameters in one
flat storage, SpatialConvolutionMM with a weight of two dimensions, the whole in a DataParallelTable, which writes its
GPUs before its fields. The other files: a Linear(3 -> 2) whose weight and bias lie in one storage, in a Sequential, with a string, a boolean, a nested table and
a reference to the Sequential itself; as Torch7 wrote such a file in 2016 (net.t7), on a 32-bit machine (net_b32.t7),
as text (net_ascii.t7), and in its first years, when classes had no versions (net_old.t7).
"""

import math
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

    def klass(self, name, version=1):
        if self.versions:
            self.string(f"V {version}")
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


class DataParallelTable(Object):
    def write(self, out):
        if out.new(4, id(self)):
            out.klass(self.name, 3)
            out.value(self.fields["gpuAssignments"])
            out.value(self.fields)


class Storage:
    def __init__(self, values, kind="Float"):
        self.values, self.kind = values, kind

    def write(self, out):
        if out.new(4, id(self)):
            out.klass(f"torch.{self.kind}Storage")
            out.longs(len(self.values))
            out.put("<f", *self.values, text="%.9g")


class Tensor:
    def __init__(self, storage, offset, size, stride, kind="Float"):
        self.storage, self.offset, self.size, self.stride, self.kind = storage, offset, size, stride, kind

    def write(self, out):
        if out.new(4, id(self)):
            out.klass(f"torch.{self.kind}Tensor")
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

numbers = [i / 8 for i in range(1, 1 + 2 * 4 + 2 + 3 * 2 * 4 + 3 + 2 * 3 + 2)]
flat = Storage(numbers, "Cuda")


def layer(name, offset, size, **fields):
    """A layer whose weight and bias lie in the flat storage from `offset`, counted from 1."""
    stride = tuple(math.prod(size[i + 1:]) for i in range(len(size)))
    count = size[0] * stride[0]
    empty = lambda: Tensor(None, 1, (), (), "Cuda")
    return Object(name, {"weight": Tensor(flat, offset, size, stride, "Cuda"), "output": empty(), "gradInput": empty(),
                         "bias": Tensor(flat, offset + count, (size[0],), (1,), "Cuda"), "_type": "torch.CudaTensor",
                         "train": True, **fields})


planes = lambda into, out, side: dict(nInputPlane=into, nOutputPlane=out, kW=side, kH=side, dW=1, dH=1, padW=0, padH=0)
inner = Object("nn.Sequential", {"modules": {
    1: Object("nn.MulConstant", {"constant_scalar": 0.5, "inplace": False}),
    2: layer("cudnn.SpatialConvolution", 1, (2, 1, 2, 2), groups=1, **planes(1, 2, 2)),
    3: layer("nn.SpatialConvolutionMM", 11, (3, 8), **planes(2, 3, 2)),
    4: Object("nn.View", {"size": {1: -1}, "numElements": -1, "numInputDims": 3}),
    5: layer("nn.Linear", 38, (2, 3)),
}, "_type": "torch.CudaTensor"})
snapshot = DataParallelTable("nn.DataParallelTable", {
    "modules": {1: inner}, "gpuAssignments": {1: 1, 2: 2}, "dimension": 1, "typeStr": "torch.CudaTensor", "train": True,
    "flattenParams": True, "usenccl": True, "inputGpu": {}, "outputGpu": {},
})
writer = Writer()
writer.value(snapshot)
(HERE / "snapshot_1_Model.t7").write_bytes(writer.out)
