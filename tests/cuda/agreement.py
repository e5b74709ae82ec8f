"""Parts that compare numbers: the device's with the processor's, captured steps with steps one by one, a seed with itself."""
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import children
import made
import traces
from part import HERE, PROGRAM, Fault, Partly, Skip, expect, farthest, last_line, losses, on_cuda


def modules(kit):
    """Every class of nn, lowered on the device in f64 and in f32, against the reference's numbers."""
    program = kit.out / "it"
    program.write_bytes(gzip.decompress((HERE / "it.gz").read_bytes()))
    program.chmod(0o755)
    test, words = "modules::every_case_agrees_with_its_numbers_and_does_what_a_module_must", []
    for kind in ("f64", "f32"):
        environment = {**os.environ, "DIGITS_TEST_DEVICE": kit.device, "DIGITS_TEST_KIND": kind, "DIGITS_TEST_ROOT": str(HERE), "OMP_NUM_THREADS": "1"}
        status, text = kit.ended(program, test, "--exact", env=environment)
        found = re.search(r"(\d+) cases fail", text)
        cases = re.findall(r"^((?:nn|cudnn|inn|nngraph)\.\S+.*) with ", text, re.MULTILINE)
        differ = f"{found.group(1) if found else 'some'} cases differ: {', '.join(cases)[:600] or last_line(text)}"
        words.append(f"{kind}: {'every case agrees' if status == 0 else differ}")
    expect("differ" not in " ".join(words), "; ".join(words))
    return "; ".join(words)


def suites(kit):
    """Torch7's suites in their :cuda() forms, cunn's and cutorch's own tests, from checkouts of torch/cunn and torch/cutorch."""
    if kit.checkouts is None:
        raise Skip("no checkouts of torch/cunn and torch/cutorch were named (--checkouts DIR)")
    words, half, whole = [], kit.left() / 2, True
    for suite, file in (("cunn", "test.lua"), ("cutorch", "test/test.lua")):
        path = kit.checkouts / suite / file
        if not path.is_file():
            words.append(f"{suite}: not tried, {path} is not there")
            whole = False
            continue
        results = kit.out / f"suite-{suite}.txt"
        results.unlink(missing_ok=True)
        process, log = kit.start(PROGRAM, "th", "--trusted", HERE / "driver.lua", suite, path, results, 1, cwd=path.parent)
        try:
            status = process.wait(half)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            children.end(process)
        rows = [line.split("\t") for line in results.read_text().splitlines()] if results.is_file() else []
        good = [row for row in rows if row[1] != "0" and row[2] == "0" and row[3] == "0"]
        expect(status is None or status >= 0, f"{suite} ended by signal {-(status or 0)}: {log.name}")
        expect(rows, f"{suite}: no test ran: {last_line(log.read_text(errors='replace'))}")
        words.append(f"{suite}: {len(good)} of {len(rows)} tests pass{', stopped by its time' if status is None else ''} ({results.name})")
        whole = whole and status is not None
    if not whole:
        raise Partly("; ".join(words))
    return "; ".join(words)


# Every network of the collection, and what it is trained on: the sample of digits, records of the kit (records.py), made texts
# or made photographs. The dear ones come last.
NETWORKS = {
    **dict.fromkeys(["autoencoder.lua", "lenet.lua", "lenet-plain.lua", "lenet-relu.lua", "autoencoder.py", "lenet.py"], "sample"),
    "gan.py": "sample", "fine-tuning.lua": "sample",
    "siamese.lua": "siamese", "siamese.py": "siamese", "regression.lua": "regression", "regression.py": "regression",
    "binary-segmentation.lua": "segmentation", "binary-segmentation.py": "segmentation", "text-classification.lua": "texts",
    "alexnet-small.lua": "colour", "alexnet.lua": "colour", "googlenet.lua": "colour",
}
# These draw noise (dropout, the generator's input), which two devices draw differently: their losses only stay near each other.
NOISY = {"gan.py": 0.5, "alexnet-small.lua": 0.3, "alexnet.lua": 0.3, "text-classification.lua": 0.3}
NEAR = 2e-2
# Losses of the first 50 steps are compared. The sample has some hundred steps an epoch, the other sets six or eight.
STEPS, EPOCHS, EPOCHS_OF_A_SMALL_SET = 50, {"sample": 1}, 9
# A dozen steps in a rehearsal of those whose steps may take seconds on a processor.
EPOCHS_ON_A_PROCESSOR = {"colour": 2, "segmentation": 2, "texts": 2}


def networks(kit):
    """Every network of the collection, 50 steps on the device and on the processor from one seed; each in a time of its own."""
    apart, absent, wrong, undone = {}, [], [], []
    names = [name for name, kind in NETWORKS.items() if not (kit.quick and kind in ("colour", "sample"))]
    for place, name in enumerate(names):
        kind = NETWORKS[name]
        # Up to three equal shares of what is left, but not more than half of it before the last: the cheap ones leave theirs.
        others = len(names) - place - 1
        bound, began = kit.left() * min(3 / (others + 1), 0.5 if others else 1.0), time.monotonic()
        try:
            expect(kit.left() > 2, "not reached")
            with kit.within(bound):
                value = two_devices(kit, name, kind)
        except Fault as fault:
            (undone if kit.left() <= 2 or time.monotonic() - began >= bound else wrong).append(f"{name}: {fault}")
            print(f"    {name}: {fault}", flush=True)
            continue
        if value is None:
            absent.append(name)
            continue
        apart[name], most = value, NOISY.get(name, NEAR)
        if value > most:
            wrong.append(f"{name}: {value:.0e} apart, at most {most} is right")
        print(f"    {name}: {value:.0e} apart ({time.monotonic() - began:.0f} s)", flush=True)
    words = ", ".join(f"{name} {value:.0e}" for name, value in apart.items())
    words += f"; without their data: {', '.join(absent)}" if absent else ""
    words += f"; not compared: {'; '.join(undone)}" if undone else ""
    expect(not wrong, f"{'; '.join(wrong)}; {words}")
    if undone or absent:
        raise Partly(words)
    return words


def two_devices(kit, name, kind):
    """How far the losses of a network are apart on the two devices; None where the kit does not hold its data."""
    data, before = records(kit, kind), kit.out / "n-lenet-plain.lua-cpu"
    if data is None or name == "fine-tuning.lua" and not before.is_dir():
        return None
    more = [*data, "--seed", "1", "--lr", "0.001", "--snapshot-interval", "0", "--validation-interval", "0", "--batch-size", "8" if kind == "colour" else "16"]
    more += ["--weights", before] if name == "fine-tuning.lua" else ["--subtract-mean", "none"] if name == "gan.py" else []
    epochs = EPOCHS.get(kind, EPOCHS_OF_A_SMALL_SET)
    if not on_cuda(kit):
        epochs = EPOCHS_ON_A_PROCESSOR.get(kind, epochs)
    there, here = (
        {step: loss for step, loss in losses(kit.train(name, f"n-{name}-{place}", *more, device=device, epochs=epochs)).items() if step <= STEPS}
        for place, device in (("there", kit.device), ("cpu", "cpu"))
    )
    return farthest(there, here)


def records(kit, kind):
    """The words that name data of a kind; None where the kit holds none."""
    if kind == "sample":
        return []
    if kind == "colour":
        return ["--dataset", made.colour(kit, 64)]
    folder = HERE / "records" / kind
    if not folder.is_dir():
        return None
    words = (folder / "arguments.txt").read_text().split()
    return [word if word.startswith("--") else folder / word for word in words] + (["--subtract-mean", "none"] if kind == "texts" else [])


DROPOUT = """
local net = nn.Sequential():add(nn.MulConstant(0.00390625)):add(nn.SpatialConvolution(1, 8, 5, 5)):add(nn.ReLU())
net:add(nn.SpatialMaxPooling(2, 2)):add(nn.SpatialBatchNormalization(8)):add(nn.View(-1):setNumInputDims(3))
net:add(nn.Dropout(0.5)):add(nn.Linear(8 * 12 * 12, 10)):add(nn.LogSoftMax())
return function() return {model = net, loss = nn.ClassNLLCriterion(), trainBatchSize = 64} end
"""


def captured(kit):
    """Captured steps against steps one by one, with every solver, dropout and running statistics, and in TF32."""
    (kit.out / "dropout.lua").write_text(DROPOUT)
    apart = {}
    cases = [(kit.out / "dropout.lua", []), *(("autoencoder.lua", ["--solver", solver]) for solver in TORCH)]
    cases += [("lenet.lua", []), ("lenet.lua", ["--tf32"])]
    for network, words in cases[:2] if kit.quick else cases:
        words = [*words, "--lr", "0.001", "--seed", "2"]
        epochs = 1 if kit.quick else 2
        ours = kit.train(network, "g-captured", *words, epochs=epochs)
        weights = kit.weights("g-captured")
        one_by_one = kit.train(network, "g-plain", *words, *({"--autograd"} - set(kit.more)), epochs=epochs)
        name = " ".join([pathlib.Path(network).stem, *words[:-4]])
        apart[name] = farthest(losses(ours), losses(one_by_one))
        if on_cuda(kit):
            log = (kit.out / "g-captured/log.txt").read_text() + ours[0]["message"]
            expect("captured steps" in log and "not captured" not in log, f"{name}: {ours[0]['message']}")
            name += ", the same bits" if weights == kit.weights("g-plain") else ", other bits"
            print(f"    {name}", flush=True)
    words = ", ".join(f"{name} {value:.0e}" for name, value in apart.items())
    # The processor's own kernels round in another order than libtorch's; dropout draws anew there.
    expect(max(apart.values()) < (1e-4 if on_cuda(kit) else 2e-2), words)
    return words


# The rules of a TensorFlow file; Torch's are the solvers of `captured`.
TENSORFLOW = ["sgd", "momentum", "adagrad", "adadelta", "adam", "ftrl", "rmsprop"]
TORCH = ["sgd", "nag", "adagrad", "rmsprop", "adadelta", "adam"]


def solvers(kit):
    """Every solver's rule on the device beside the processor's, Torch's and TensorFlow's."""
    cases = [("autoencoder.lua", solver) for solver in TORCH] + [("autoencoder.py", solver) for solver in TENSORFLOW]
    apart = {}
    for network, solver in [cases[0], cases[-2]] if kit.quick else cases:
        words = ["--solver", solver, "--lr", "0.001", "--seed", "6", "--batch-size", "256"]
        there, here = (losses(kit.train(network, f"s-{place}", *words, device=device)) for place, device in (("there", kit.device), ("cpu", "cpu")))
        apart[f"{network} {solver}"] = farthest(there, here)
    words = ", ".join(f"{name} {value:.0e}" for name, value in apart.items())
    expect(max(apart.values()) < NEAR, words)
    return words


def curves(kit):
    """Thirty epochs of the autoencoder and of LeNet: where they end here and on the processor."""
    words = []
    for name, epochs in (("autoencoder.lua", 3 if kit.quick else 30), ("lenet.lua", 1 if kit.quick else 30)):
        ends = []
        for device in (kit.device, "cpu"):
            events = kit.train(name, f"c-{name}-{device}", device=device, epochs=epochs)
            ends.append(list(losses(events, "validation").values())[-1])
        words.append(f"{name} {ends[0]:.5g} (processor {ends[1]:.5g})")
        expect(abs(ends[0] - ends[1]) < 0.05 * abs(ends[1]), ", ".join(words))
    return ", ".join(words)


def repeats(kit):
    """The same seed twice: the same bits; where not, the first line of losses that differs and what its steps call."""
    words = []
    for name in ("autoencoder.lua", "lenet.lua"):
        runs = [kit.train(name, job, "--seed", "3") for job in ("r-one", "r-two")]
        if kit.weights("r-one") == kit.weights("r-two"):
            words.append(f"{name} the same bits")
            continue
        one, other = map(losses, runs)
        first = next((step for step in sorted(one) if one[step] != other.get(step)), "none")
        kit.train(name, "r-profile", "--seed", "3", "--profile", "5")
        parts = traces.figures(kit.out / "r-profile/profile/trace.json")["parts"]
        suspects = [traces.short(part, 48) for part, *_ in parts if re.search("atomic|splitk|scatter|index_put|backward|wgrad|dgrad", part, re.IGNORECASE)]
        words.append(f"{name} DIFFERS from the line at step {first}; its kernels that may add in another order: {', '.join(suspects) or 'none by name'}")
    expect("DIFFERS" not in " ".join(words), "; ".join(words))
    return ", ".join(words)


def crosses(kit):
    """A snapshot made there tested on the processor, and the reverse; the export is the same file."""
    words = []
    sample = kit.out / "datasets/mnist-sample"
    for made in (kit.device, "cpu"):
        job = f"x-{made.replace(':', '')}"
        kit.train("lenet.lua", job, device=made)
        seen = []
        for device in (kit.device, "cpu"):
            text = kit.digits("test", job, "--db", sample / "val_db", "--device", device, "--json", "--out", kit.out / f"{job}-{device.replace(':', '')}")
            report = json.loads(text[text.index("{"):])
            seen.append(report["result"]["classification"])
        accuracy = [one["accuracy"] for one in seen]
        expect(abs(accuracy[0] - accuracy[1]) < 2e-3, f"made on {made}: {accuracy}")
        words.append(f"made on {made}: {accuracy[0]:.4f} there, {accuracy[1]:.4f} on the processor")
    job = f"x-{kit.device.replace(':', '')}"
    kit.digits("test", job, "--db", sample / "val_db", "--record", "7", "--device", kit.device, "--out", kit.out / "x-record")
    expect((kit.out / "x-record/index.html").is_file(), "test --record left no page")
    for form in ("onnx", "safetensors", "t7"):
        kit.digits("export", job, "--format", form, "--out", kit.out / f"there.{form}")
    return "; ".join(words)
