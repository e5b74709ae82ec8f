"""Caffe's databases read and written by other software than ours: py-lmdb, Google's protobuf, Pillow, numpy.

    caffe_lmdb.py write DIR     databases and a mean as DIGITS' tools write them, beside the pixels they hold
    caffe_lmdb.py read DB OUT   the pixels of a database that we wrote, planes red, green, blue
    caffe_lmdb.py mean FILE OUT the values of a mean that we wrote, as they stand in the file
    caffe_lmdb.py images DIR    image files of many kinds, and what DIGITS' load_image and resize_image make of them
"""

import io
import json
import os
import sys

import lmdb
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image


def caffe_messages():
    """Datum and BlobProto, with the field numbers and types of Caffe's caffe.proto."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")

    def message(name, fields):
        new = file.message_type.add(name=name)
        for number, field_name, kind, repeated, packed in fields:
            label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            made = new.field.add(name=field_name, number=number, type=kind, label=label)
            if packed:
                made.options.packed = True

    numbers = (field.TYPE_INT32, False, False)
    message("Datum", [
        (1, "channels", *numbers), (2, "height", *numbers), (3, "width", *numbers),
        (4, "data", field.TYPE_BYTES, False, False), (5, "label", *numbers),
        (6, "float_data", field.TYPE_FLOAT, True, False), (7, "encoded", field.TYPE_BOOL, False, False),
    ])
    message("BlobProto", [
        (1, "num", *numbers), (2, "channels", *numbers), (3, "height", *numbers), (4, "width", *numbers),
        (5, "data", field.TYPE_FLOAT, True, True), (6, "diff", field.TYPE_FLOAT, True, True),
    ])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    get = lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe." + name))
    return get("Datum"), get("BlobProto")


Datum, BlobProto = caffe_messages()


def encoded(array, kind):
    """A [h, w] or [h, w, 3] array as a PNG or JPEG file."""
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return out.getvalue()


def planes(array):
    """[h, w] or [h, w, c] to [c, h, w]."""
    return array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)


def datum(array, label, encoding):
    chw = planes(array)
    record = Datum(channels=chw.shape[0], height=chw.shape[1], width=chw.shape[2], label=label)
    if encoding == "raw":
        record.data = (chw[::-1] if chw.shape[0] == 3 else chw).tobytes()
    else:
        record.data = encoded(array, encoding)
        record.encoded = True
    return record


def write_database(path, records):
    env = lmdb.open(path, map_async=True, max_dbs=0, map_size=64 << 20)
    with env.begin(write=True) as transaction:
        for key, record in records:
            transaction.put(key.encode("ascii"), record.SerializeToString())
    env.close()


def write(folder):
    rng = np.random.RandomState(5)
    for name, shape, encoding in [
        ("grey_raw", (6, 5), "raw"), ("grey_png", (6, 5), "PNG"), ("colour_raw", (4, 7, 3), "raw"),
        ("colour_png", (4, 7, 3), "PNG"), ("grey_jpg", (16, 16), "JPEG"), ("colour_jpg", (16, 16, 3), "JPEG"),
    ]:
        arrays, records = [], []
        for i in range(25):
            array = rng.randint(0, 256, shape).astype("uint8")
            if encoding == "JPEG":  # smooth, so that decoders agree
                y, x = np.mgrid[0:16, 0:16]
                array = (x * 8 + y * 4 + i).astype("uint8")
                array = np.stack([array, array[::-1], array[:, ::-1]], axis=2) if len(shape) == 3 else array
            records.append(("%08d_%d" % (i, i % 3), datum(array, i % 3, encoding)))
            if encoding == "JPEG":
                array = np.asarray(Image.open(io.BytesIO(records[-1][1].data)))
            arrays.append(planes(array))
        write_database(os.path.join(folder, name), records)
        np.stack(arrays).tofile(os.path.join(folder, name + ".pixels"))
    # A generic dataset: float vectors as labels, keys that sort otherwise than their numbers.
    images, labels = [], []
    for i in range(12):
        array = np.full((2, 2), i, "uint8")
        images.append((str(i), datum(array, 0, "raw")))
        labels.append((str(i), Datum(channels=1, height=1, width=2, float_data=[i, i / 8])))
    write_database(os.path.join(folder, "images"), images)
    write_database(os.path.join(folder, "labels"), labels)
    mean = np.arange(3 * 4 * 7, dtype="float32").reshape(3, 4, 7)
    blob = BlobProto(num=1, channels=3, height=4, width=7, data=mean[::-1].flatten().tolist())
    with open(os.path.join(folder, "mean.binaryproto"), "wb") as file:
        file.write(blob.SerializeToString())
    mean.tofile(os.path.join(folder, "mean.values"))


def read(path, out):
    env = lmdb.open(path, readonly=True, lock=False)
    pixels = []
    with env.begin() as transaction:
        for key, value in transaction.cursor():
            record = Datum()
            record.ParseFromString(value)
            index, label = key.decode("ascii").split("_")
            assert len(index) == 8 and int(index) == len(pixels) and int(label) == record.label, key
            if record.encoded:
                array = planes(np.asarray(Image.open(io.BytesIO(record.data))))
            else:
                array = np.frombuffer(record.data, "uint8").reshape(record.channels, record.height, record.width)
                array = array[::-1] if record.channels == 3 else array
            assert array.shape == (record.channels, record.height, record.width), key
            pixels.append(array)
    np.stack(pixels).tofile(out)


def read_mean(path, out):
    blob = BlobProto()
    with open(path, "rb") as file:
        blob.ParseFromString(file.read())
    assert blob.num == 1 and len(blob.data) == blob.channels * blob.height * blob.width
    np.array(blob.data, "float32").tofile(out)


def load(path):
    """DIGITS' load_image: what mode becomes what."""
    image = Image.open(path)
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "LA":
        new = Image.new("L", image.size, 255)
        new.paste(image.convert("L"), mask=image.split()[1])
        return new
    if image.mode in ("P", "RGBA"):
        image = image.convert("RGBA")
        new = Image.new("RGB", image.size, (255, 255, 255))
        new.paste(image.convert("RGB"), mask=image.split()[3])
        return new
    return image.convert("RGB")


def resize(image, width, height, mode):
    """DIGITS' resize_image on Pillow's bilinear filter; padding is marked by -1."""
    w, h = image.size
    wr, hr = w / width, h / height
    half_up = lambda x: int(np.floor(x + 0.5))
    scale = lambda a, b: np.asarray(image.resize((a, b), Image.BILINEAR)).astype("int16")
    if mode == "squash" or wr == hr:
        return scale(width, height)
    wide = wr > hr
    if mode == "crop":
        a, b = (half_up(w / hr), height) if wide else (width, half_up(h / wr))
    elif mode == "fill":
        a, b = (width, half_up(h / wr)) if wide else (half_up(w / hr), height)
    else:
        ratio = (wr + hr) / 2
        a, b = half_up(w / ratio), half_up(h / ratio)
    if mode != "crop":
        if wide and (height - b) % 2 == 1:
            b += 1
        if not wide and (width - a) % 2 == 1:
            a += 1
    array = scale(a, b)
    if mode != "fill":
        if wide:
            start = half_up((a - width) / 2)
            array = array[:, start:start + width]
        else:
            start = half_up((b - height) / 2)
            array = array[start:start + height]
    if mode != "crop":
        padding = [((height - b) // 2,) * 2, (0, 0)] if wide else [(0, 0), ((width - a) // 2,) * 2]
        array = np.pad(array, padding + [(0, 0)] * (array.ndim - 2), constant_values=-1)
    return array


def images(folder):
    rng = np.random.RandomState(9)
    y, x = np.mgrid[0:37, 0:53]
    smooth = np.stack([x * 4, y * 6, 255 - x * 2 - y], axis=2).astype("uint8")
    noisy = rng.randint(0, 256, (37, 53, 3)).astype("uint8")
    alpha = rng.randint(0, 256, (37, 53, 1)).astype("uint8")
    rgba = np.concatenate([noisy, alpha], axis=2)
    grey = Image.fromarray(noisy[:, :, 0])
    files = {
        "rgb.png": Image.fromarray(noisy), "grey.png": grey, "rgba.png": Image.fromarray(rgba),
        "la.png": Image.merge("LA", (grey, Image.fromarray(alpha[:, :, 0]))),
        "one.png": grey.convert("1"), "palette.png": Image.fromarray(smooth).quantize(16),
        "rgb.bmp": Image.fromarray(noisy), "rgb.ppm": Image.fromarray(noisy), "grey.pgm": grey,
        "rgb.jpg": Image.fromarray(smooth), "grey.jpg": Image.fromarray(smooth[:, :, 0]), "tall.png": Image.fromarray(noisy.transpose(1, 0, 2)),
    }
    grey.save(os.path.join(folder, "transparent.png"), transparency=int(noisy[0, 0, 0]))
    palette = files["palette.png"]
    palette.save(os.path.join(folder, "palette_transparent.png"), transparency=int(np.asarray(palette)[0, 0]))
    for name, image in files.items():
        image.save(os.path.join(folder, name))
    Image.fromarray((noisy[:, :, 0].astype("uint16") * 257)).save(os.path.join(folder, "refused.png"))
    expected = []

    def expect(name, kind, array, **more):
        array = array[:, :, np.newaxis] if array.ndim == 2 else array
        file = "%03d.values" % len(expected)
        array.astype("int16").tofile(os.path.join(folder, file))
        expected.append(dict(image=name, kind=kind, values=file, shape=list(array.shape), **more))

    for name in sorted(list(files) + ["transparent.png", "palette_transparent.png"]):
        expect(name, "load", np.asarray(load(os.path.join(folder, name))))
    expect("rgb.png", "grey", np.asarray(load(os.path.join(folder, "rgb.png")).convert("L")))
    for name in ("rgb.png", "grey.png", "tall.png"):
        for mode in ("squash", "crop", "fill", "half_crop"):
            for width, height in ((32, 32), (20, 31), (100, 90), (53, 20)):
                array = resize(load(os.path.join(folder, name)), width, height, mode)
                expect(name, "resize", array, mode=mode, width=width, height=height)
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    {"write": write, "read": read, "mean": read_mean, "images": images}[sys.argv[1]](*sys.argv[2:])
