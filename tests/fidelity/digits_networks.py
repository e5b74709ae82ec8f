#!/usr/bin/env python3
"""Runs DIGITS' own networks, unchanged, on small data of the right kind, and prints what happened to each: its Lua ones, or
with --tensorflow its Python ones.

    tests/fidelity/digits_networks.py --digits target/release/digits-rs --checkout DIGITS [--toolbox DIR] [--tensorflow] [NAME ...]

DIGITS is a checkout of DIGITS 6.1.1: its standard networks, its examples, the snippets of its documentation and the
networks of its tests are read out of it. --toolbox is a folder with weight-init.lua of e-lab/torch-toolbox, which one
snippet requires. Each network is given to `digits-rs check`, then trained with `digits-rs run` and DIGITS' own solver.
The table says the parameters, the validation loss before and after, and the steps between. It needs numpy, lmdb, protobuf,
Pillow and h5py.
"""
import argparse
import dataclasses
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Callable, Optional

import digits_records as data

STANDARD, EXAMPLES, GUIDE = "digits/standard-networks/torch", "examples", "docs/GettingStartedTorch.md"
TENSORFLOW = "digits/standard-networks/tensorflow"
CLASSIFY, GENERIC = (f"digits/model/images/{kind}/test_views.py" for kind in ("classification", "generic"))
LENET_END = "\nreturn function(p) return {model = lenet, loss = nn.ClassNLLCriterion(), trainBatchSize = 64} end\n"
SMALL_NET = "nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 10)):add(nn.LogSoftMax())"


@dataclasses.dataclass
class Case:
    """A network and what it is run on."""
    path: str                                   # below the checkout
    make: Callable                              # records: digits_records
    count: int = 1280
    classes: Optional[int] = None
    run: str = "--epochs 10"                     # beside DIGITS' defaults
    block: Optional[int] = None                 # which fenced block of a document
    after: Optional[str] = None                 # the string that follows this word in a test of DIGITS
    around: tuple = ("", "")                    # what a snippet lacks to be a whole file
    page: Optional[str] = None                  # the error page that DIGITS' users would meet
    first: Optional[str] = None                 # the case whose job gives the weights
    hdf5: bool = False
    toolbox: bool = False
    learns: bool = True                         # whether its loss is one that falls

    def text(self, checkout):
        text = (checkout / self.path).read_text()
        if self.block is not None:
            text = re.findall(r"```lua\n(.*?)```", text, re.DOTALL)[self.block]
        if self.after is not None:
            text = text[text.index(self.after):]
            text = re.search(r'"""\n(\s*(?:return function|local model).*?)"""', text, re.DOTALL)[1]
        return self.around[0] + text + self.around[1]


AUGMENT = ("--aug-flip fliplrud --aug-quad-rot rotall --aug-rot 45 --aug-scale 0.07 --aug-noise 0.03 "
           "--aug-hsv-h 0.02 --aug-hsv-s 0.04 --aug-hsv-v 0.06")
INIT = ("local model = nn.Sequential():add(nn.MulConstant(0.0125)):add(nn.SpatialConvolution(1, 8, 5, 5))"
        ":add(nn.SpatialMaxPooling(2, 2, 2, 2)):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(1152, 10))"
        ":add(nn.LogSoftMax())\n", "return function(p) return {model = model} end\n")
CASES = {
    "lenet": Case(f"{STANDARD}/lenet.lua", data.mnist, classes=10),
    "lenet, HDF5": Case(f"{STANDARD}/lenet.lua", data.mnist, classes=10, hdf5=True),
    "lenet of the guide": Case(GUIDE, data.mnist, classes=10, block=0),
    "alexnet": Case(f"{STANDARD}/ImageNet-Training/alexnet.lua", data.gratings, 32, 2, "--epochs 6 --batch-size 8"),
    "googlenet": Case(f"{STANDARD}/ImageNet-Training/googlenet.lua", data.gratings, 32, 2, "--epochs 6 --batch-size 8"),
    "autoencoder": Case(f"{EXAMPLES}/autoencoder/README.md", data.mnist, 2560, run="--epochs 40", block=0),
    "siamese": Case(f"{EXAMPLES}/siamese/mnist_siamese.lua", data.pairs, 512, run="--epochs 5"),
    "binary segmentation": Case(f"{EXAMPLES}/binary-segmentation/segmentation-model.lua", data.triangles, 64, run="--epochs 3"),
    "text classification": Case(f"{EXAMPLES}/text-classification/text-classification-model.lua", data.texts, 56, 14,
                                "--epochs 3 --batch-size 14 --subtract-mean none --lr-policy exp --lr-gamma 0.98"),
    "fine-tuning": Case(f"{EXAMPLES}/fine-tuning/lenet-fine-tune.lua", data.even_or_odd, 160, 2, "--epochs 5",
                        first="lenet of the guide"),
    "regression": Case(f"{EXAMPLES}/regression/README.md", data.gradients, 100, run="--epochs 15", block=0),
    "weight-init": Case(f"{EXAMPLES}/weight-init/README.md", data.mnist, classes=10, block=0, around=INIT, toolbox=True),
    "guide: linear, as printed": Case(GUIDE, data.mnist, classes=10, block=1, page="bad argument #2 (outputSize) to nn.Linear"),
    "guide: linear, mended": Case(GUIDE, data.mnist, classes=10, block=1, run="--epochs 5 --lr 0.0001",
                                  around=("nclasses = 10\n", "")),
    "guide: backends, as printed": Case(GUIDE, data.mnist, classes=10, block=2, around=("", LENET_END), page="lenet"),
    "guide: backends, mended": Case(GUIDE, data.mnist, classes=10, block=2,
                                    around=("lenet = nn.Sequential():add(nn.MulConstant(0.0125))\n", LENET_END)),
    "guide: regression": Case(GUIDE, data.gradients, 100, run="--epochs 5 --lr 0.00001", block=3),
    "guide: multi-GPU, no GPU": Case(GUIDE, data.mnist, classes=10, block=4, run="--epochs 5 --lr 0.0001", around=(
        f"return function(p)\nlocal ngpus, net = p.ngpus, {SMALL_NET}\n", "return {model = model} end\n")),
    "guide: multi-GPU, two": Case(GUIDE, data.mnist, classes=10, block=4, run="--epochs 5 --lr 0.0001", around=(
        f"require 'cunn'\nreturn function(p)\nlocal ngpus, net = 2, {SMALL_NET}\n", "return {model = model} end\n")),
    "test: linear classifier": Case(CLASSIFY, data.coloured, 60, 3, "--epochs 3 --batch-size 10 --shuffle sequential", after="TORCH_NETWORK"),
    "test: augmented": Case(CLASSIFY, data.coloured, 60, 3, f"--epochs 2 --batch-size 10 {AUGMENT}", after="TORCH_NETWORK"),
    "test: crop in the form": Case(CLASSIFY, data.coloured, 60, 3, "--epochs 3 --batch-size 10 --crop 8", after="TORCH_NETWORK"),
    "test: crop in the network": Case(CLASSIFY, data.coloured, 60, 3, "--epochs 3 --batch-size 10", after="CropInNetwork"),
    "test: bogus": Case(CLASSIFY, data.coloured, 60, 3, after="test_bad_network_definition", page="BogusCode"),
    "test: linear regression": Case(GENERIC, data.gradients, 100, run="--epochs 3 --batch-size 10", after="TORCH_NETWORK"),
    "test: regression, crop in the network": Case(GENERIC, data.gradients, 100, run="--epochs 3 --batch-size 10", after="CropInNetwork"),
    "test: identity": Case(GENERIC, data.same_images, 100, run="--epochs 3 --batch-size 10 --subtract-mean none",
                           after="ImageProcessingExtension"),
    "test: table output": Case(GENERIC, data.gradients, 100, run="--epochs 3 --batch-size 10", after="TestTorchTableOutput"),
    "test: N-D output": Case(GENERIC, data.gradients, 100, run="--epochs 3 --batch-size 10 --crop 8", after="TestTorchNDOutput"),
}


SMALL = "--epochs 3 --lr-policy fixed"
PHOTOS = "--batch-size 4 --lr-policy fixed --seed 1"
GAN = "--epochs 2 --batch-size 16 --lr-policy fixed --lr 0.0002 --solver adam"
photos = lambda count, rng: data.gratings(count, rng, side=64)
faces = lambda count, rng: [(pixels, 0) for pixels, _ in data.gratings(count, rng, side=64)]
TENSORFLOW_CASES = {
    "LeNet": Case(f"{TENSORFLOW}/lenet.py", data.mnist, 640, classes=10, run=SMALL),
    "AlexNet": Case(f"{TENSORFLOW}/alexnet.py", data.gratings, 32, 2, f"{PHOTOS} --crop 224 --lr 0.0001 --epochs 4"),
    "VGG-16": Case(f"{TENSORFLOW}/vgg16.py", photos, 32, 2, f"{PHOTOS} --lr 0.001 --epochs 4"),
    "GoogLeNet": Case(f"{TENSORFLOW}/googlenet.py", data.gratings, 32, 2, f"{PHOTOS} --crop 224 --lr 0.0005 --epochs 5"),
    "autoencoder": Case(f"{EXAMPLES}/autoencoder/autoencoder-TF.py", data.mnist, 1280, run="--epochs 10"),
    "binary segmentation": Case(f"{EXAMPLES}/binary-segmentation/binary_segmentation-TF.py", data.triangles, 64,
                                run=f"{SMALL} --solver adam --lr 0.001"),
    "LeNet, fine-tuned": Case(f"{EXAMPLES}/fine-tuning/lenet-fine-tune-tf.py", data.even_or_odd, 320, 2, SMALL,
                              first="LeNet"),
    "regression": Case(f"{EXAMPLES}/regression/regression-TF.py", lambda n, rng: data.gradients(n, rng, side=50), 100,
                       run="--epochs 15 --lr 0.001"),
    "siamese": Case(f"{EXAMPLES}/siamese/siamese-TF.py", data.pairs, 512,
                    run=f"{SMALL} --solver adam --lr 0.0005"),
    "GAN of MNIST": Case(f"{EXAMPLES}/gan/network-mnist.py", data.mnist, 320, classes=10, run=GAN, learns=False),
    "GAN of MNIST, encoder": Case(f"{EXAMPLES}/gan/network-mnist-encoder.py", data.mnist, 320, classes=10, run=GAN,
                                  learns=False),
    "GAN of faces": Case(f"{EXAMPLES}/gan/network-celebA.py", faces, 64, run=GAN, learns=False),
    "GAN of faces, encoder": Case(f"{EXAMPLES}/gan/network-celebA-encoder.py", faces, 64, run=GAN, learns=False),
}


def page(run):
    """The first line of an error page, and its place."""
    lines = [line.strip() for line in run.stderr.splitlines() if line.strip()]
    return " · ".join(lines[:2]) if lines else "no output"


def losses(job):
    events = [json.loads(line) for line in (job / "metrics.jsonl").read_text().splitlines()]
    seen = [event for event in events if event["event"] == "validation"]
    return seen[0], seen[-1]


def attempt(digits, checkout, toolbox, case, folder):
    """The cells of the row, and whether it went as it should."""
    net = folder / ("net" + pathlib.Path(case.path).suffix if case.path.endswith(".py") else "net.lua")
    net.write_text(case.text(checkout))
    if case.toolbox:
        shutil.copy(toolbox / "weight-init.lua", folder)
    arguments, shape, _ = data.write(folder, case.make, case.count, case.classes, case.hdf5)
    call = lambda *words: subprocess.run([digits, *words], cwd=folder, text=True, capture_output=True, check=False)
    classes = ["--nclasses", str(case.classes)] if case.classes else []
    check = call("check", net, "--json", "--input-shape", "x".join(map(str, shape)), *classes)
    if case.page:
        return ("·", f"page: {page(check)}", "·"), check.returncode != 0 and case.page in check.stderr
    if case.first:
        (folder / "first").mkdir()
        if not attempt(digits, checkout, toolbox, ALL[case.first], folder / "first")[1]:
            return ("·", f"{case.first} failed before", "·"), False
        arguments += ["--weights", "first/job"]
    run = call("run", net, "--job", "job", *arguments, *case.run.split())
    counted = "·"
    if check.returncode == 0:
        layers = json.loads(check.stdout)
        counted = f"{layers['totals']['parameters']:,}"
    if run.returncode != 0:
        return (counted, page(run), "·"), False
    before, after = losses(folder / "job")
    shown = f"{before['loss']:.4g} → {after['loss']:.4g}"
    if "accuracy" in after:
        shown += f", {100 * after['accuracy']:.0f} %"
    fell = after["loss"] < before["loss"] or after["loss"] == before["loss"] == 0
    good = check.returncode == 0 and math.isfinite(after["loss"]) and (fell or not case.learns)
    return (counted, shown + ("" if fell or not case.learns else " (no descent)"), str(after["iteration"])), good


ALL = {**CASES, **TENSORFLOW_CASES}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", required=True, type=pathlib.Path)
    parser.add_argument("--checkout", required=True, type=pathlib.Path)
    parser.add_argument("--toolbox", type=pathlib.Path)
    parser.add_argument("--tensorflow", action="store_true", help="DIGITS' Python networks")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    print("| network | in DIGITS | parameters | validation loss before → after, accuracy | steps |")
    print("|---|---|---|---|---|", flush=True)
    failed = 0
    cases = TENSORFLOW_CASES if args.tensorflow else CASES
    for name in args.names or [name for name, case in cases.items() if args.toolbox or not case.toolbox]:
        case = cases[name]
        with tempfile.TemporaryDirectory() as folder:
            cells, good = attempt(args.digits.resolve(), args.checkout, args.toolbox, case, pathlib.Path(folder))
        failed += not good
        print(f"| {name}{'' if good else ' **failed**'} | {case.path} | {' | '.join(cells)} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
