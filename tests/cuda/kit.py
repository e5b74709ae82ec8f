"""What is claimed of a device, tried part by part; each part has its time, and none stops the next. A table at the end.

    ./run.sh [--device cuda] [--only doctor,modules] [--out DIR] [--quick]

`--device cpu` rehearses it. All that the programs print is kept in the folder of --out, a file a command.
"""
import argparse
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zlib

import traces

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE / "digits-rs"
PARTS = {}


def part(seconds):
    """A part of the kit, with the time that it may take."""
    return lambda run: PARTS.setdefault(run.__name__, (run, seconds)) and run


class Fault(Exception):
    """What a part found wrong."""


class Skip(Exception):
    """Why a part is not tried here."""


def expect(holds, words):
    if not holds:
        raise Fault(words)


class Kit:
    def __init__(self, arguments):
        self.device, self.quick, self.out = arguments.device, arguments.quick, pathlib.Path(arguments.out).resolve()
        # An unoptimised build trains by its own kernels at a hundredth of their speed.
        self.more = ["--autograd"] if arguments.unoptimised else []
        self.checkouts = pathlib.Path(arguments.checkouts).resolve() if arguments.checkouts else None
        self.seconds = arguments.speed_seconds
        self.number = 0
        # What is too long for a cell of the table.
        self.appendix = []
        self.until = 0.0
        self.out.mkdir(parents=True, exist_ok=True)

    def left(self):
        """Seconds until the part has to end."""
        return max(1.0, self.until - time.monotonic())

    def start(self, *command, **more):
        """A program whose output goes to a file of its own; the process and the file."""
        self.number += 1
        name = re.sub(r"[^A-Za-z0-9.=-]+", "_", " ".join(str(word) for word in command[1:4]))[:60]
        log = self.out / f"{self.number:03}-{name}.txt"
        with open(log, "w") as file:
            file.write(f"$ {' '.join(map(str, command))}\n")
            file.flush()
            more = {"cwd": self.out, "stdin": subprocess.DEVNULL, **more}
            process = subprocess.Popen([str(word) for word in command], stdout=file, stderr=subprocess.STDOUT, **more)
        return process, log

    def ended(self, *command, **more):
        """Runs to the end: exit status and text. A process that outlives the part is killed."""
        process, log = self.start(*command, **more)
        try:
            status = process.wait(self.left())
        except subprocess.TimeoutExpired:
            raise Fault(f"not done in its time: {log.name}") from None
        finally:
            process.kill()
            process.wait()
        expect(status >= 0, f"ended by signal {-status}: {log.name}")
        return status, log.read_text(errors="replace")

    def digits(self, *words, **more):
        """A run of the program that must end well; what it printed."""
        status, text = self.ended(PROGRAM, *words, **more)
        expect(status == 0, f"digits-rs {' '.join(map(str, words))}: {last_line(text)}")
        return text

    def page(self, *words):
        """The error page of a command that must fail."""
        status, text = self.ended(PROGRAM, *words)
        expect(status not in (0, 101), f"digits-rs {' '.join(map(str, words))} ended with {status}")
        return text

    def train(self, network, job, *words, device=None, epochs=1):
        """Trains a network of the kit; the events of its metrics."""
        shutil.rmtree(self.out / job, ignore_errors=True)
        self.digits(*self.run(network, job, device, epochs), *words)
        return self.events(job)

    def run(self, network, job, device, epochs):
        """The words of a run."""
        words = ["run", HERE / "networks" / network, "--job", job, "--epochs", epochs, "--device", device or self.device]
        return words + self.more

    def events(self, job):
        return [json.loads(line) for line in (self.out / job / "metrics.jsonl").read_text().splitlines()]

    def weights(self, job):
        """A digest of the last snapshot's weights."""
        file = self.out / f"{job}.safetensors"
        self.digits("export", job, "--snapshot", "last", "--format", "safetensors", "--out", file)
        content = file.read_bytes()
        # The header names the job.
        return hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[-1] if lines else "it printed nothing")


def first_error(text):
    """The head of an error page."""
    return next((line for line in text.splitlines() if re.match(r"[a-z ]+(error|reached|mismatch): ", line)), last_line(text))


def losses(events, kind="train"):
    return {event["iteration"]: event["loss"] for event in events if event["event"] == kind and event.get("loss") is not None}


def farthest(one, other):
    """The largest relative difference at steps that both have."""
    both = one.keys() & other.keys()
    expect(both, "the two runs have no step in common")
    return max(abs(one[step] - other[step]) / max(1e-12, abs(other[step])) for step in both)


def on_cuda(kit):
    return kit.device.startswith("cuda")


@part(60)
def doctor(kit):
    """What the program finds and opens; `auto` picks the device, and the run says so."""
    kit.digits("doctor")
    report = json.loads(kit.digits("doctor", "--json").split("\n", 1)[1])
    shutil.rmtree(kit.out / "auto", ignore_errors=True)
    process, _ = kit.start(PROGRAM, *kit.run("autoencoder.lua", "auto", "auto", 1))
    opened = set()
    while process.poll() is None and kit.left() > 1:
        try:
            maps = pathlib.Path(f"/proc/{process.pid}/maps").read_text()
            opened |= {line.split(None, 5)[5] for line in maps.splitlines() if ".so" in line and re.search("torch|c10|cuda|cudnn|cublas|cupti", line)}
        except OSError:
            pass
        time.sleep(0.02)
    status = process.poll()
    process.kill()
    process.wait()
    expect(status == 0, "the run with --device auto does not end well in its time")
    (kit.out / "libraries.txt").write_text("\n".join(sorted(opened)) + "\n")
    log = (kit.out / "auto/log.txt").read_text() + "".join(path.read_text() for path in sorted(kit.out.glob("*run*")))
    libraries = f"{len(opened)} libraries of libtorch and CUDA (libraries.txt)"
    if on_cuda(kit):
        expect("cuda:0" in log, "the run with --device auto does not say that it computes on cuda:0")
        why = report["cuda"]["captures_off_because"]
        expect(why is None, f"steps are not captured: {why}")
        expect("captured steps" in log, "the autoencoder's run does not say that its steps are captured")
        expect(any("libtorch_cuda" in path for path in opened), "libtorch_cuda.so was not opened")
    return f"{json.dumps(report.get('cuda'))}; {libraries}"


@part(300)
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


@part(400)
def suites(kit):
    """Torch7's suites in their :cuda() forms, cunn's and cutorch's own tests, from checkouts of torch/cunn and torch/cutorch."""
    if kit.checkouts is None:
        raise Skip("no checkouts of torch/cunn and torch/cutorch were named (--checkouts DIR)")
    words, half = [], kit.left() / 2
    for suite, file in (("cunn", "test.lua"), ("cutorch", "test/test.lua")):
        path = kit.checkouts / suite / file
        if not path.is_file():
            words.append(f"{suite}: skipped, {path} is not there")
            continue
        results = kit.out / f"suite-{suite}.txt"
        results.unlink(missing_ok=True)
        process, log = kit.start(PROGRAM, "th", "--trusted", HERE / "driver.lua", suite, path, results, 1, cwd=path.parent)
        try:
            status = process.wait(half)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            process.kill()
            process.wait()
        rows = [line.split("\t") for line in results.read_text().splitlines()] if results.is_file() else []
        good = [row for row in rows if row[1] != "0" and row[2] == "0" and row[3] == "0"]
        expect(status is None or status >= 0, f"{suite} ended by signal {-(status or 0)}: {log.name}")
        expect(rows, f"{suite}: no test ran: {last_line(log.read_text(errors='replace'))}")
        words.append(f"{suite}: {len(good)} of {len(rows)} tests pass{', stopped by its time' if status is None else ''} ({results.name})")
    return "; ".join(words)


# Every network of the collection, and what it is trained on for 50 steps: the sample of digits, made photographs, made texts, or
# records of the kit (records.py).
NETWORKS = {
    **dict.fromkeys(["autoencoder.lua", "lenet.lua", "lenet-plain.lua", "lenet-relu.lua", "autoencoder.py", "lenet.py"], "sample"),
    "gan.py": "sample", "fine-tuning.lua": "sample", "alexnet-small.lua": "colour", "alexnet.lua": "colour", "googlenet.lua": "colour",
    "siamese.lua": "siamese", "siamese.py": "siamese", "regression.lua": "regression", "regression.py": "regression",
    "binary-segmentation.lua": "segmentation", "binary-segmentation.py": "segmentation", "text-classification.lua": "texts",
}
# These draw noise (dropout, the generator's input), which two devices draw differently: their losses only stay near each other.
NOISY = {"gan.py": 0.5, "alexnet-small.lua": 0.3, "alexnet.lua": 0.3, "text-classification.lua": 0.3}
# The sample has some hundred steps an epoch, the other sets six or eight: 50 steps are compared.
EPOCHS, STEPS = {"sample": 1}, 64


@part(400)
def networks(kit):
    """Every network of the collection, 50 steps on the device and on the processor from one seed."""
    apart, absent, wrong = {}, [], []
    for name, kind in NETWORKS.items():
        if kit.quick and kind in ("colour", "sample"):
            continue
        data, before = records(kit, kind), kit.out / "n-lenet-plain.lua-cpu"
        if data is None or name == "fine-tuning.lua" and not before.is_dir():
            absent.append(name)
            continue
        more = [*data, "--seed", "1", "--lr", "0.001", "--snapshot-interval", "0", "--batch-size", "8" if kind == "colour" else "16"]
        more += ["--weights", before] if name == "fine-tuning.lua" else ["--subtract-mean", "none"] if name == "gan.py" else []
        # A rehearsal on a processor takes a dozen steps of the photographs' networks.
        epochs = 2 if kind == "colour" and not on_cuda(kit) else EPOCHS.get(kind, 8)
        there, here = (
            {step: loss for step, loss in losses(kit.train(name, f"n-{name}-{device}", *more, device=device, epochs=epochs)).items() if step <= STEPS}
            for device in (kit.device, "cpu")
        )
        apart[name] = farthest(there, here)
        if apart[name] > NOISY.get(name, 2e-2):
            wrong.append(name)
    words = ", ".join(f"{name} {value:.0e}" for name, value in apart.items())
    words += f"; without their data: {', '.join(absent)}" if absent else ""
    expect(not wrong, f"too far apart: {', '.join(wrong)}; {words}")
    return words


def records(kit, kind):
    """The words that name data of a kind; None where the kit holds none."""
    if kind == "sample":
        return []
    if kind == "colour":
        return ["--dataset", colour(kit, 64)]
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


@part(240)
def captured(kit):
    """Captured steps against steps one by one, with every solver, dropout and running statistics, and in TF32."""
    (kit.out / "dropout.lua").write_text(DROPOUT)
    apart = {}
    solvers = ["sgd", "nag", "adagrad", "rmsprop", "adadelta", "adam"]
    cases = [(kit.out / "dropout.lua", []), *(("autoencoder.lua", ["--solver", solver]) for solver in solvers)]
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


@part(240)
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


@part(120)
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


@part(180)
def resumes(kit):
    """A run killed with -9 and gone on with ends in the bits of one that was not."""
    kit.train("autoencoder.lua", "k-whole", "--seed", "5", epochs=12)
    shutil.rmtree(kit.out / "k-killed", ignore_errors=True)
    process, _ = kit.start(PROGRAM, *kit.run("autoencoder.lua", "k-killed", None, 12), "--seed", 5)
    snapshots = kit.out / "k-killed/snapshots"
    while not (snapshots.is_dir() and len(list(snapshots.glob("*.safetensors"))) >= 3) and process.poll() is None:
        expect(kit.left() > 1, "no third snapshot came")
        time.sleep(0.005)
    killed = process.poll() is None
    process.kill()
    process.wait()
    expect(killed, "the run was over before it could be killed")
    kit.digits("run", "--resume", "k-killed", "--device", kit.device)
    expect(kit.weights("k-whole") == kit.weights("k-killed"), "the resumed run ends in other bits")
    return "the same bits"


@part(90)
def stops(kit):
    """Ctrl-C saves, says how to go on, and ends with 130."""
    shutil.rmtree(kit.out / "stopped", ignore_errors=True)
    run = kit.run("autoencoder.lua", "stopped", None, 5000)
    process, log = kit.start(PROGRAM, *run, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    while not (kit.out / "stopped/snapshots/snapshot_1.safetensors").is_file() and process.poll() is None:
        expect(kit.left() > 10, "no first snapshot came")
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    try:
        status = process.wait(kit.left())
    finally:
        process.kill()
    expect(status == 130 and "--resume" in log.read_text(), f"ended with {status}")
    return "saved, 130"


@part(120)
def pages(kit):
    """A device that is not there, and more than its memory holds: pages, no signal."""
    missing = kit.page("run", HERE / "networks/autoencoder.lua", "--job", "seven", "--device", "cuda:7")
    expect("cuda" in missing.lower(), f"the page of cuda:7 does not name it: {last_line(missing)}")
    if not on_cuda(kit):
        return f"cuda:7: {first_error(missing)[:80]}"
    greedy = kit.out / "greedy.lua"
    greedy.write_text(
        "local net = nn.Sequential():add(nn.SpatialConvolution(1, 512, 3, 3, 1, 1, 1, 1))\n"
        "for i = 1, 16 do net:add(nn.ReLU()):add(nn.SpatialConvolution(512, 512, 3, 3, 1, 1, 1, 1)) end\n"
        "net:add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(512 * 28 * 28, 10)):add(nn.LogSoftMax())\n"
        "return function() return {model = net, loss = nn.ClassNLLCriterion(), trainBatchSize = 7000} end\n"
    )
    text = kit.page("run", greedy, "--job", "greedy", "--device", kit.device)
    expect("memory" in text, f"the page does not speak of memory: {last_line(text)}")
    fits = re.search(r"a batch that fits +(\d+)", text)
    expect(fits, "the page does not say which batch would fit")
    kit.digits("run", greedy, "--job", "smaller", "--device", kit.device, "--batch-size", fits.group(1), "--epochs", 1)
    return f"cuda:7: {first_error(missing)[:80]}; memory: {first_error(text)[:80]}"


@part(120)
def crosses(kit):
    """A snapshot made there tested on the processor, and the reverse; the export is the same file."""
    words = []
    sample = kit.out / "datasets/mnist-sample"
    for made in (kit.device, "cpu"):
        job = f"x-{made.replace(':', '')}"
        kit.train("lenet.lua", job, device=made)
        seen = []
        for device in (kit.device, "cpu"):
            text = kit.digits("test", job, "--db", sample / "val_db", "--device", device, "--json", "--out", kit.out / f"{job}-{device}")
            report = json.loads(text[text.index("{", text.index("\n")):])
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


@part(180)
def profile(kit):
    """What a step is made of: its kernels (on the processor its operators) and the gaps between them."""
    words = []
    for name in ("autoencoder.lua",) if kit.quick else ("autoencoder.lua", "lenet.lua"):
        # Kernels of our own are one call to libtorch's profiler: nothing to see in them.
        general = [] if on_cuda(kit) else list({"--autograd"} - set(kit.more))
        job = f"p-{name}"
        steps = ["--profile", "5", "--batch-size", "256"] if kit.quick else ["--profile", "200"]
        kit.train(name, job, *steps, *general, epochs=1 if kit.quick else 3)
        found = traces.figures(kit.out / job / "profile/trace.json")
        summary = json.loads((kit.out / job / "profile/summary.json").read_text())
        kit.appendix.append(f"A step of {name}, {summary['engine']}:\n\n{traces.table(found)}\n")
        what = "kernels run" if found["on_device"] else "operators run"
        words.append(f"{name} {summary['seconds_a_step'] * 1e3:.3f} ms, {what} {found['busy_share']:.0%} of it, {found['launches']:.1f} launches, {found['waits_inside']:.1f} waits")
        expect(found["pieces"] > 0, f"{name}: the profile of a step is empty")
        if on_cuda(kit):
            expect(found["on_device"], f"{name}: no kernel is in the profile: CUPTI noted nothing")
            expect(found["waits_inside"] == 0, f"{name}: the host waits in a step: {found['wait_names']}")
    return "; ".join(words)


@part(900)
def speed(kit):
    """Beside PyTorch eager, as a captured graph and compiled; f32 and TF32 alike on both sides."""
    status, text = kit.ended(sys.executable, "-c", "import torch")
    if status != 0:
        raise Skip("this Python has no torch: no peers")
    sample = kit.out / "datasets/mnist-sample"
    if not sample.is_dir():
        kit.train("autoencoder.lua", "unpacks")
    seconds = min(kit.seconds, kit.left() - 30)
    command = [sys.executable, HERE / "speed.py", "--digits", PROGRAM, "--digit-images", sample, "--photos", colour(kit, 1024 if on_cuda(kit) else 64)]
    command += ["--device", "cuda" if on_cuda(kit) else "cpu", "--out", kit.out / "speed", "--seconds", int(seconds), *kit.more]
    if kit.quick or not on_cuda(kit):
        command += ["--steps", "20", "--photo-batch", "2"]
    if kit.more:
        # Sixty million parameters take an unoptimised build twenty seconds a step.
        command += ["--networks", "autoencoder,lenet"]
    status, text = kit.ended(*command, cwd=HERE)
    lines = text.splitlines()
    rows = [line for line in lines if line.startswith("|")]
    kit.appendix.append("\n".join([*rows, "", *(line for line in lines if line.startswith("- "))]))
    expect(status == 0, f"ours was not measured everywhere: {last_line(text) if not rows else 'see the table below'}")
    measured = sum("not measured" not in row for row in rows[2:])
    missed = [line[2:] for line in lines if line.startswith("- ") and "MISSED" in line]
    return f"{measured} of {len(rows) - 2} measured; the table is below" + (f"; {len(missed)} goals missed" if missed else "")


@part(240)
def processes(kit):
    """Two processes, a GPU each, summed by NCCL: the numbers of one process with the whole batch, twice the same bits; a third is a page."""
    count = len(json.loads(kit.digits("doctor", "--json").split("\n", 1)[1])["cuda"]["devices"]) if on_cuda(kit) else 2
    if count < 2:
        raise Skip("NCCL wants two cards, and there is one")
    words = ["--seed", "4", "--lr", "0.001", *({"--autograd"} - set(kit.more)), "--batch-size"]
    whole = losses(kit.train("lenet-plain.lua", "p-one", *words, "64"))
    device, seen = "auto" if on_cuda(kit) else kit.device, []
    for job in ("p-two", "p-again"):
        two = losses(kit.train("lenet-plain.lua", job, *words, "32", "--processes", "2", device=device))
        seen.append(kit.weights(job))
    expect(seen[0] == seen[1], "the same command twice ends in other bits")
    apart = farthest(two, whole)
    log = (kit.out / "p-two/log.txt").read_text()
    if on_cuda(kit):
        expect("from GPU to GPU (NCCL)" in log, "the run's log does not say that NCCL sums")
        text = kit.page("run", HERE / "networks/lenet-plain.lua", "--job", "p-many", "--processes", count + 1)
        expect("has no GPU" in text, f"more processes than GPUs: {first_error(text)[:80]}")
    expect(apart < 2e-2, f"two processes and one are {apart:.0e} apart")
    share = re.search(r"([0-9.]+) % of the time went into sums", log)
    expect(share, "the log does not say what the sums took")
    return f"{apart:.0e} from one process, the same bits twice, {share.group(1)} % of the time in sums"


def colour(kit, count):
    """A dataset of `count` made colour images of 256 by 256, four classes: stripes of a colour and a direction."""
    folder = kit.out / f"datasets/colour-{count}"
    if folder.is_dir():
        return folder
    draw, pictures = random.Random(7), kit.out / f"colour-{count}"
    for label in range(4):
        (pictures / f"class{label}").mkdir(parents=True, exist_ok=True)
        for number in range(count // 4):
            shift, ink = draw.randrange(64), bytes((255, 60, 40) if label < 2 else (40, 60, 255))
            paint = [ink if place // 16 % 2 else b"\xc8\xc8\xc8" for place in range(256 + 64)]
            across = b"".join(paint[shift : shift + 256])
            rows = [b"\0" + (paint[shift + y] * 256 if label % 2 else across) for y in range(256)]
            write_png(pictures / f"class{label}/{number}.png", 256, 256, b"".join(rows))
    kit.digits("dataset", "folder", pictures, "--out", folder)
    return folder


def write_png(path, width, height, rows):
    def chunk(name, body):
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", default="", help="parts, with commas between: " + ", ".join(PARTS))
    parser.add_argument("--out", default="kit-out")
    parser.add_argument("--quick", action="store_true", help="fewer epochs, rounds and networks")
    parser.add_argument("--unoptimised", action="store_true", help="the program is a debug build")
    parser.add_argument("--checkouts", metavar="DIR", help="holds cunn and cutorch, checkouts of torch/cunn and torch/cutorch: their tests run too")
    parser.add_argument("--speed-seconds", type=int, default=600, help="time of the part speed: what it does not reach is named")
    arguments = parser.parse_args()
    wanted = [name for name in arguments.only.split(",") if name] or list(PARTS)
    for name in wanted:
        if name not in PARTS:
            parser.error(f"there is no part {name}: {', '.join(PARTS)}")
    kit, rows, begun = Kit(arguments), [], time.monotonic()
    for name in wanted:
        run, seconds = PARTS[name]
        kit.until, began = time.monotonic() + seconds, time.monotonic()
        print(f"==> {name}: {run.__doc__}", flush=True)
        try:
            how, words = "ok", run(kit)
        except Skip as why:
            how, words = "skipped", str(why)
        except Fault as fault:
            how, words = "FAULT", str(fault)
        except Exception as error:  # a part that breaks must not take the others with it
            how, words = "FAULT", f"{type(error).__name__}: {error}"
        took = time.monotonic() - began
        rows.append((name, how, took, words))
        print(f"    {how} ({took:.0f} s) {words}", flush=True)
    table = ["| part | | seconds | what came |", "|---|---|---:|---|"]
    table += [f"| {name} | {how} | {took:.0f} | {words.replace(chr(10), '; ').replace('|', '/')} |" for name, how, took, words in rows]
    text = "\n".join([f"On {arguments.device}, {time.monotonic() - begun:.0f} s.", "", *table, "", *kit.appendix, ""])
    (kit.out / "table.md").write_text(text)
    print(f"\n{text}")
    sys.exit(any(how == "FAULT" for _, how, _, _ in rows))


if __name__ == "__main__":
    main()
