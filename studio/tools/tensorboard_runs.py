"""Writes event files with the runs and points of scale.js: FOLDER JOBS POINTS MANY."""

import math
import struct
import sys
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c


def record(event: Event) -> bytes:
    """One record of an event file, framed as TensorFlow does."""
    data = event.SerializeToString()
    head = struct.pack("<Q", len(data))
    return b"".join([head, struct.pack("<I", masked_crc32c(head)), data, struct.pack("<I", masked_crc32c(data))])


def scalar(step: int, count: int) -> Event:
    """A point of the same falling curve."""
    loss = 400 + 4000 * math.exp(-8 * step / count) + 30 * math.sin(step * 12.9898) * math.cos(step * 78.233)
    value = Summary.Value(tag="loss", simple_value=loss)
    return Event(wall_time=1767225600 + step * 0.01, step=step, summary=Summary(value=[value]))


def write(folder: Path, count: int) -> bytes:
    """A run of so many points; answers its bytes."""
    version = record(Event(wall_time=1767225600, file_version="brain.Event:2"))
    data = version + b"".join(record(scalar(step, count)) for step in range(1, count + 1))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.out.tfevents.1767225600.machine").write_bytes(data)
    return data


root, jobs, points, many = Path(sys.argv[1]), *map(int, sys.argv[2:])
run = write(root / "run0000", points)
for number in range(1, jobs):
    folder = root / f"run{number:04}"
    folder.mkdir()
    (folder / "events.out.tfevents.1767225600.machine").write_bytes(run)
write(root / "long", many)
