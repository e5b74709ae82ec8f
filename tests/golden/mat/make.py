"""Writes the MAT files of this folder with scipy: `python3 make.py`, with numpy and scipy."""
import numpy as np
from scipy.io import savemat

numbers = np.arange(24, dtype=np.float64).reshape(2, 3, 4)
variables = {
    "matrix": np.array([[1.5, -2, 3], [4, 5, 6e100]]),
    "cube": numbers,
    "single": np.array([[0.25], [1e-3]], dtype=np.float32),
    "bytes": np.array([[0, 255], [7, 8]], dtype=np.uint8),
    "int8": np.array([[-128, 127]], dtype=np.int8),
    "int16": np.array([[-32768, 32767]], dtype=np.int16),
    "uint16": np.array([[1, 2]], dtype=np.uint16),
    "int32": np.array([[-5], [2**31 - 1]], dtype=np.int32),
    "int64": np.array([[-(2**62), 2**62]], dtype=np.int64),
    "flags": np.array([[True, False]]),
    "words": "héllo",
    "lines": np.array(["abc", "def"]),
    "scalar": 7.0,
    "empty": np.zeros((0, 0)),
    "mixed": np.array([[1.5 + 2j, 3 - 4j]]),
    "person": {"name": "Ada", "age": 36.0, "inner": {"list": np.array([[1, 2, 3]])}},
    "people": np.array([("a", 1.0), ("b", 2.0)], dtype=[("name", object), ("value", object)]),
    "cells": np.array(["one", np.array([[2.0, 3.0]]), np.array([[4]], dtype=np.int16)], dtype=object),
}

if __name__ == "__main__":
    savemat("packed.mat", variables, do_compression=True)
    savemat("plain.mat", variables)
    savemat("four.mat", {"matrix": variables["matrix"]}, format="4")
