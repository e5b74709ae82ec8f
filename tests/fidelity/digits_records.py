"""Databases of the right kind for each of DIGITS' own networks, made small and by DIGITS' own recipes (digits_networks.py).

Records are written by py-lmdb and Google's protobuf, in DIGITS' layout: no code of ours is between DIGITS' form and the test.
"""
import gzip
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))
from caffe_lmdb import BlobProto, Datum, write_database  # noqa: E402


def image(planes, label=0):
    """An unencoded record of [c, h, w] bytes; three channels are stored blue first."""
    c, h, w = planes.shape
    return Datum(channels=c, height=h, width=w, data=(planes[::-1] if c == 3 else planes).tobytes(), label=int(label))


def numbers(values):
    return Datum(channels=1, height=1, width=len(values), float_data=[float(value) for value in values])


def digits(count):
    """The first digits of the sample that ships here, inverted as DIGITS' download_data inverts them."""
    with gzip.open(ROOT / "networks/mnist-sample/images-idx3-ubyte.gz") as pixels:
        images = np.frombuffer(pixels.read(), "uint8", offset=16).reshape(-1, 1, 28, 28)[:count]
    with gzip.open(ROOT / "networks/mnist-sample/labels-idx1-ubyte.gz") as classes:
        return 255 - images, np.frombuffer(classes.read(), "uint8", offset=8)[:count]


def mnist(count, rng):
    return [(pixels, int(label)) for pixels, label in zip(*digits(count))]


def even_or_odd(count, rng):
    return [(pixels, int(label) % 2) for pixels, label in zip(*digits(count))]


def gratings(count, rng, side=256, classes=2):
    """Coloured waves in the size of photographs: the class is their direction."""
    y, x = np.mgrid[0:side, 0:side] / side
    made = []
    for i in range(count):
        angle = np.pi * (i % classes) / classes
        wave = np.sin(2 * np.pi * (8 * (x * np.cos(angle) + y * np.sin(angle)) + rng.random()))
        planes = np.stack([128 + (60 + 60 * rng.random()) * wave for _ in range(3)]) + rng.normal(0, 6, (3, side, side))
        made.append((planes.clip(0, 255).astype("uint8"), i % classes))
    return made


def coloured(count, rng):
    """DIGITS' own test set for classifiers: 10 x 10, a colour a class."""
    planes = lambda c: np.stack([np.full((10, 10), 200 if plane == c else 30) for plane in range(3)])
    return [((planes(i % 3) + rng.integers(0, 25, (3, 10, 10))).astype("uint8"), i % 3) for i in range(count)]


def gradients(count, rng, side=10):
    """test_lmdb_creator.py: linear images and their two slopes."""
    y, x = np.mgrid[0:side, 0:side].astype("float")
    made = []
    for gx, gy in rng.random((count, 2)) - 0.5:
        plane = gx * 255 / side * (x - side / 2) + gy * 255 / side * (y - side / 2) + 127.5
        made.append((plane.astype("uint8")[np.newaxis], numbers([gx, gy])))
    return made


def pairs(count, rng):
    """examples/siamese/create_db.py: the first digit in the blue plane, the second in the green one, red empty."""
    pixels, labels = digits(2000)
    of = {c: np.flatnonzero(labels == c) for c in range(10)}
    made = []
    for i in range(count):
        first = rng.integers(0, 10)
        second = first if i % 2 == 0 else (first + rng.integers(1, 10)) % 10
        a, b = (pixels[rng.choice(of[c])][0] for c in (first, second))
        made.append((np.stack([np.zeros_like(a), b, a]), numbers([1 - i % 2])))
    return made


def triangles(count, rng):
    """examples/binary-segmentation/create_images.py: a triangle's outline, and the same triangle filled."""
    from PIL import Image, ImageDraw

    made = []
    for _ in range(count):
        points = [tuple(int(v) for v in rng.integers(0, 32, 2)) for _ in range(3)]
        both = []
        for fill in (None, 0):
            canvas = Image.new("L", (32, 32), 255)
            ImageDraw.Draw(canvas).polygon(points, outline=0, fill=fill)
            both.append(np.asarray(canvas)[np.newaxis])
        made.append((both[0], image(both[1])))
    return made


def texts(count, rng):
    """examples/text-classification/create_dataset.py: 1,024 bytes as 32 x 32, letters from 2, padding 1."""
    made = []
    for i in range(count):
        letters = 2 + (i % 14) * 4 + rng.integers(0, 8, 1024)
        letters[rng.integers(200, 1024):] = 1
        made.append((letters.astype("uint8").reshape(1, 32, 32), i % 14))
    return made


def same_images(count, rng):
    """The image-processing extension on one folder twice: the label is the image."""
    return [(pixels, image(pixels)) for pixels in rng.integers(0, 256, (count, 1, 10, 10)).astype("uint8")]


def write(folder, make, count, classes, hdf5=False):
    """`train_db`, `val_db`, their label databases, `mean.binaryproto` and `labels.txt`; the arguments that name them."""
    records = make(count + count // 4, np.random.default_rng(3))
    parts = {"train": records[:count], "val": records[count:]}
    generic = classes is None and isinstance(records[0][1], Datum)
    for part, chosen in parts.items():
        if hdf5:
            import h5py

            (folder / f"{part}_db").mkdir()
            with h5py.File(folder / f"{part}_db/0.h5", "w") as file:
                file["data"] = np.stack([pixels for pixels, _ in chosen]).astype("float32")
                file["label"] = np.array([label for _, label in chosen], "float32")
            (folder / f"{part}_db/list.txt").write_text(f"../job/{part}_db/0.h5\n")
            continue
        label = lambda value: 0 if generic else value
        write_database(str(folder / f"{part}_db"), [("%08d" % i, image(p, label(v))) for i, (p, v) in enumerate(chosen)])
        if generic:
            write_database(str(folder / f"{part}_labels"), [("%08d" % i, v) for i, (_, v) in enumerate(chosen)])
    mean = np.stack([pixels for pixels, _ in parts["train"]]).mean(0).round()
    c, h, w = mean.shape
    blob = BlobProto(num=1, channels=c, height=h, width=w, data=(mean[::-1] if c == 3 else mean).flatten().tolist())
    (folder / "mean.binaryproto").write_bytes(blob.SerializeToString())
    arguments = "--train-db train_db --val-db val_db --mean mean.binaryproto"
    if generic:
        arguments += " --train-labels-db train_labels --val-labels-db val_labels"
    if classes:
        (folder / "labels.txt").write_text("".join(f"class {c}\n" for c in range(classes)))
        arguments += " --labels labels.txt"
    return arguments.split(), (c, h, w), len(parts["train"])
