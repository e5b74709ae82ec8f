"""Runs ONNX models in onnxruntime: `onnx_run.py MODEL INPUT OUTPUT...` where INPUT and each OUTPUT name a raw file of
float32 numbers and its shape, such as image.raw:4x1x28x28. Prints the largest difference of each output from its file,
relative to the file's largest number. The model is first checked by ONNX's own checker where that is installed."""

import sys

import numpy as np
import onnxruntime


def array(text):
    path, shape = text.rsplit(":", 1)
    return np.fromfile(path, "float32").reshape([int(extent) for extent in shape.split("x")])


def main(model, image, *wanted):
    try:
        import onnx

        onnx.checker.check_model(model, full_check=True)
    except ImportError:
        pass
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    found = session.run(None, {"image": array(image)})
    assert len(found) == len(wanted), (len(found), len(wanted))
    for ours, theirs in zip(map(array, wanted), found):
        assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
        print(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-6))


if __name__ == "__main__":
    main(*sys.argv[1:])
