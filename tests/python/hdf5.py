"""HDF5 files as DIGITS' create_db.py wrote them, by h5py: `hdf5.py write FOLDER` for the tests, `hdf5.py golden FOLDER`
for the small files in tests/golden/errors/."""

import os
import sys

import h5py
import numpy as np

CHANNELS, HEIGHT, WIDTH = 3, 6, 5


def records(count, seed=1):
    random = np.random.RandomState(seed)
    data = random.randint(0, 256, (count, CHANNELS, HEIGHT, WIDTH)).astype("float32")
    return data, random.randint(0, 4, count).astype("float32")


def put(path, data, label, compression=None, dtype="float32", chunks=True, batch=10):
    """In batches that make the datasets grow, as DIGITS did."""
    with h5py.File(path, "w") as file:
        first = min(batch, len(data))
        growing = dict(chunks=True, compression=compression) if chunks else {}
        for name, values in (("data", data), ("label", label)):
            shape = (first if chunks else len(values),) + values.shape[1:]
            if chunks:
                growing["maxshape"] = (None,) + values.shape[1:]
            file.create_dataset(name, shape, dtype=dtype, **growing)
            if not chunks:
                file[name][:] = values
                continue
            file[name][:] = values[:first]
            for at in range(first, len(values), batch):
                part = values[at : at + batch]
                file[name].resize(at + len(part), axis=0)
                file[name][-len(part) :] = part


def write(folder):
    data, label = records(37)
    for name, compression in (("plain", None), ("gzip", "gzip")):
        put(os.path.join(folder, name + ".h5"), data, label, compression)
    put(os.path.join(folder, "contiguous.h5"), data, label, chunks=False)
    put(os.path.join(folder, "bytes.h5"), data, label, dtype="uint8")
    put(os.path.join(folder, "vectors.h5"), data / 7, np.stack([label / 3, label], 1))
    # A dataset folder of two files; the list names them as DIGITS did after moving them.
    split = os.path.join(folder, "digits", "train_db")
    os.makedirs(split)
    put(os.path.join(split, "0.h5"), data[:20], label[:20], "gzip")
    put(os.path.join(split, "20.h5"), data[20:], label[20:], "gzip")
    with open(os.path.join(split, "list.txt"), "w") as file:
        file.write("../20160101-000000-abcd/train_db/0.h5\n../20160101-000000-abcd/train_db/20.h5\n")
    with open(os.path.join(folder, "digits", "labels.txt"), "w") as file:
        file.write("a\nb\nc\nd\n")
    data.tofile(os.path.join(folder, "data.raw"))
    label.tofile(os.path.join(folder, "label.raw"))


def golden(folder):
    data, label = records(4)
    put(os.path.join(folder, "hdf5_cut", "train.h5"), data, label, "gzip")
    with h5py.File(os.path.join(folder, "hdf5_without_labels", "train.h5"), "w") as file:
        file["data"], file["classes"] = data, label
    put(os.path.join(folder, "hdf5_shape", "train.h5"), data, label[:3], chunks=False)


if __name__ == "__main__":
    {"write": write, "golden": golden}[sys.argv[1]](*sys.argv[2:])
