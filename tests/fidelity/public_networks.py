#!/usr/bin/env python3
"""Runs public Torch7 networks that we did not write, and prints what happened to each.

    tests/fidelity/public_networks.py --digits target/release/digits-rs --checkouts DIR [NAME ...]

DIR holds checkouts of the repositories under their own names: fb.resnet.torch, imagenet-multiGPU.torch,
wide-residual-networks, DenseNet. Each network is built by its own, unchanged file under `digits-rs th --trusted`,
printed, counted and trained for one step of optim.sgd on two samples of noise (public_networks.lua). Then it is pasted:
copied beside a network file of three lines and given to `digits-rs check`, in the sandbox, which lowers it to a native
network. The table says the parameters counted both ways, the published number, and the loss before and after the step.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

IMAGENET, RESNET, WIDE, DENSE = "imagenet-multiGPU.torch", "fb.resnet.torch", "wide-residual-networks", "DenseNet"
TYPE = "tensorType = 'torch.FloatTensor', cudnn = 'fastest'"


def multi_gpu(name):
    return (f"nClasses = 1000; opt = {{backend = 'nn', nGPU = 1, GPU = 1}}; function makeDataParallel(m) return m end; "
            f"require 'models.{name}'; local model = createModel(1)")


def resnet(options, file="resnet"):
    return f"local model = require 'models.{file}'({{{options}, {TYPE}}})"


def wide(options):
    return f"require 'paths'; opt = {{{options}, dropout = 0, imageSize = 32}}; local model = require 'models.wide-resnet'(opt)"


def dense(options):
    return f"local model = require 'models.densenet'({{{options}, dropRate = 0, optMemory = 0, {TYPE}}})"


# name: repository, pasted form, side, classes, published number of parameters, whose number that is
CASES = {
    "alexnet": (IMAGENET, multi_gpu("alexnet"), 224, 1000, "60 M", "Krizhevsky 2012"),
    "alexnetowt": (IMAGENET, multi_gpu("alexnetowt"), 224, 1000, 61_100_840, "torchvision alexnet"),
    "alexnetowtbn": (IMAGENET, multi_gpu("alexnetowtbn"), 224, 1000, None, ""),
    "googlenet": (IMAGENET, multi_gpu("googlenet"), 224, 1000, None, ""),
    "googlenetbn": (IMAGENET, multi_gpu("googlenetbn"), 224, 1000, None, ""),
    "ninbn": (IMAGENET, multi_gpu("ninbn"), 224, 1000, "7.6 M", "Lin 2013, Caffe zoo"),
    "overfeat": (IMAGENET, multi_gpu("overfeat"), 221, 1000, "145 M", "Sermanet 2013, fast model"),
    "squeezenet": (IMAGENET, multi_gpu("squeezenet"), 224, 1000, 1_248_424, "torchvision squeezenet1_0"),
    "vgg": (IMAGENET, multi_gpu("vgg"), 224, 1000, 132_863_336, "torchvision vgg11; Simonyan 2014, A: 133 M"),
    "vggbn": (IMAGENET, multi_gpu("vggbn"), 224, 1000, None, ""),
    "resnet-18": (RESNET, resnet("depth = 18, dataset = 'imagenet', nClasses = 1000"), 224, 1000, 11_689_512, "torchvision"),
    "resnet-34": (RESNET, resnet("depth = 34, dataset = 'imagenet', nClasses = 1000"), 224, 1000, 21_797_672, "torchvision"),
    "resnet-50": (RESNET, resnet("depth = 50, dataset = 'imagenet', nClasses = 1000"), 224, 1000, 25_557_032, "torchvision"),
    "resnet-101": (RESNET, resnet("depth = 101, dataset = 'imagenet', nClasses = 1000"), 224, 1000, 44_549_160, "torchvision"),
    "resnet-20-cifar": (RESNET, resnet("depth = 20, dataset = 'cifar10', shortcutType = 'A', nClasses = 10"), 32, 10, "0.27 M", "He 2015"),
    "resnet-110-cifar": (RESNET, resnet("depth = 110, dataset = 'cifar10', shortcutType = 'A', nClasses = 10"), 32, 10, "1.7 M", "He 2015"),
    "preresnet-110-cifar": (RESNET, resnet("depth = 110, dataset = 'cifar10', shortcutType = 'A', nClasses = 10", "preresnet"), 32, 10, "1.7 M", "He 2016"),
    "wrn-16-4": (WIDE, wide("depth = 16, num_classes = 10, widen_factor = 4"), 32, 10, "2.7 M", "Zagoruyko 2016"),
    "wrn-28-10": (WIDE, wide("depth = 28, num_classes = 10, widen_factor = 10"), 32, 10, "36.5 M", "Zagoruyko 2016"),
    "wrn-nin": (WIDE, "require 'paths'; local model = require 'models.nin'({num_classes = 10})", 32, 10, None, ""),
    "wrn-vgg": (WIDE, "require 'paths'; local model = require 'models.vgg'({num_classes = 10})", 32, 10, None, ""),
    "densenet-40-12": (DENSE, dense("depth = 40, growthRate = 12, reduction = 1, bottleneck = false, dataset = 'cifar10', nClasses = 10"), 32, 10, "1.0 M", "Huang 2016"),
    "densenet-bc-100-12": (DENSE, dense("depth = 100, growthRate = 12, reduction = 0.5, bottleneck = true, dataset = 'cifar10', nClasses = 10"), 32, 10, "0.8 M", "Huang 2016"),
    "densenet-121": (DENSE, dense("depth = 121, growthRate = 32, reduction = 0.5, bottleneck = true, dataset = 'imagenet', nClasses = 1000"), 224, 1000, 7_978_856, "torchvision"),
}


def last_words(run):
    lines = [line for line in (run.stderr + run.stdout).strip().splitlines() if line.strip()]
    pages = [line for line in lines if "error" in line or "limit" in line]
    return (pages or lines or ["no output"])[0][:100]


def eager(digits, name, checkout):
    run = subprocess.run([digits, "th", "--trusted", HERE / "public_networks.lua", name], cwd=checkout, text=True,
                         capture_output=True, check=False)
    result = [line for line in run.stdout.splitlines() if line.startswith("RESULT")]
    if not result:
        return None, last_words(run)
    count, before, after, _ = result[0].split()[1:]
    return int(count), f"{float(before):.3f} → {float(after):.3f}" + ("" if float(after) < float(before) else " (no descent)")


def pasted(digits, case, checkout):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(checkout / "models", folder / "models")
        for lua in (checkout / "models").glob("*.lua"):
            shutil.copy(lua, folder)
        loss = "nn.CrossEntropyCriterion()"
        (folder / "net.lua").write_text(f"require 'cudnn'\nreturn function(params)\n  {case[1]}\n  return {{model = model, loss = {loss}}}\nend\n")
        run = subprocess.run([digits, "check", "net.lua", "--json", "--batch", "2", "--input-shape", f"3x{case[2]}x{case[2]}",
                              "--nclasses", str(case[3])], cwd=folder, text=True, capture_output=True, check=False)
    if run.returncode != 0:
        return last_words(run)
    return json.loads(run.stdout)


def parameters(answer):
    """The total in `digits-rs check --json`, wherever it stands."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            if key == "parameters" and isinstance(value, int):
                return value
        for value in answer.values():
            if isinstance(value, dict) and (found := parameters(value)) is not None:
                return found
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", required=True, type=pathlib.Path)
    parser.add_argument("--checkouts", required=True, type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=list(CASES))
    args = parser.parse_args()
    digits, failed = args.digits.resolve(), 0
    print("| network | repository | parameters | published | loss before → after one step | lowered by `check` |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in args.names or list(CASES):
        case = CASES[name]
        checkout = args.checkouts.resolve() / case[0]
        count, step = eager(digits, name, checkout)
        answer = pasted(digits, case, checkout)
        lowered = answer if isinstance(answer, str) else f"{parameters(answer):,}"
        published = f"{case[4]:,}" if isinstance(case[4], int) else case[4] or "·"
        source = f" ({case[5]})" if case[5] else ""
        wrong = count is None or (isinstance(case[4], int) and count != case[4]) or isinstance(answer, str)
        failed += wrong
        shown = f"{count:,}" if count is not None else "·"
        print(f"| {name} | {case[0]} | {shown} | {published}{source} | {step} | {lowered} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
