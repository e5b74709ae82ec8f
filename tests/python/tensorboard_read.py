"""Reads a folder of event files as TensorBoard does, and prints what it finds as JSON.

tensorboard_read.py FOLDER
"""

import io
import json
import sys

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

sizes = dict.fromkeys(("scalars", "images", "histograms", "tensors"), 0)
events = EventAccumulator(sys.argv[1], size_guidance=sizes)
events.Reload()
tags = events.Tags()


def image(event):
    picture = Image.open(io.BytesIO(event.encoded_image_string)).convert("L")
    assert picture.size == (event.width, event.height)
    pixels = list(picture.getdata())
    return {"step": event.step, "size": picture.size, "mean": sum(pixels) / len(pixels)}


def histogram(event):
    found = event.histogram_value
    return {"step": event.step, "num": found.num, "sum": found.sum, "counted": sum(found.bucket)}


print(json.dumps({
    "scalars": {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags["scalars"]},
    "images": {tag: [image(e) for e in events.Images(tag)] for tag in tags["images"]},
    "histograms": {tag: [histogram(e) for e in events.Histograms(tag)] for tag in tags["histograms"]},
    "texts": {tag: [e.tensor_proto.string_val[0].decode() for e in events.Tensors(tag)] for tag in tags["tensors"]},
    "plugins": {tag: events.SummaryMetadata(tag).plugin_data.plugin_name for tag in tags["tensors"]},
}))
