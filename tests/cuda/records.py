"""Small databases for the networks of networks/ whose labels are numbers, images or texts: records.py FOLDER.

By DIGITS' own recipes (tests/fidelity/digits_records.py). Each folder holds arguments.txt: the words of a run that name it.
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/fidelity"))
import digits_records as data  # noqa: E402

KINDS = {"siamese": (data.pairs, None), "regression": (data.gradients, None), "segmentation": (data.triangles, None), "texts": (data.texts, 14)}

for name, (make, classes) in KINDS.items():
    folder = pathlib.Path(sys.argv[1]) / name
    folder.mkdir(parents=True)
    arguments, _, _ = data.write(folder, make, 112, classes)
    (folder / "arguments.txt").write_text(" ".join(arguments) + "\n")
    for lock in folder.glob("*/lock.mdb"):
        lock.unlink()
