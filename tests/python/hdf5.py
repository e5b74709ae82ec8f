"""HDF5 files as DIGITS' create_db.py wrote them, by h5py: `hdf5.py write FOLDER` and `hdf5.py check FOLDER` for the tests, `hdf5.py golden FOLDER`
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
    with h5py.File(os.path.join(folder, "kinds.h5"), "w") as file:
        for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"):
            file["kinds/" + kind] = np.arange(6).reshape(2, 3).astype(kind)
        file["kinds/be"] = np.arange(6).reshape(2, 3).astype(">f4")
        file["kinds/deep/one"] = np.int32(7)
        file["words"] = "text"
    data.tofile(os.path.join(folder, "data.raw"))
    label.tofile(os.path.join(folder, "label.raw"))


def check(folder):
    """Reads what tests/scripts/hdf5.lua has written."""
    with h5py.File(os.path.join(folder, "written.h5"), "r") as file:
        kinds = dict(Byte="u1", Char="i1", Short="i2", Int="i4", Long="i8", Float="f4", Double="f8")
        for name, kind in kinds.items():
            wanted = np.arange(6).reshape(2, 3) - (0 if name == "Byte" else 2)
            found = file["some/tables"][name]
            assert found.dtype == np.dtype(kind) and (found[:] == wanted).all(), name
            assert (file["some/tables/deep"][name][:] == wanted.T).all(), name
        assert file["some/tables/deep/empty"].shape is None
        assert file["one"][0] == 0.5 and len(file["many"]) == 300
        assert all(file[f"many/a dataset of many, {i}"][0] == i for i in range(1, 301))


def golden(folder):
    data, label = records(4)
    put(os.path.join(folder, "hdf5_cut", "train.h5"), data, label, "gzip")
    with h5py.File(os.path.join(folder, "hdf5_without_labels", "train.h5"), "w") as file:
        file["data"], file["classes"] = data, label
    put(os.path.join(folder, "hdf5_shape", "train.h5"), data, label[:3], chunks=False)


if __name__ == "__main__":
    {"write": write, "check": check, "golden": golden}[sys.argv[1]](*sys.argv[2:])
