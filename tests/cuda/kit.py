"""What is claimed of a device, tried part by part; each part has its time, and none stops the next. A table at the end.

    ./run.sh [--device cuda] [--only doctor,modules] [--out DIR] [--quick]

`--device cpu` rehearses it. All that the programs print is kept in the folder of --out, a file a command.
"""
import argparse
import gzip
import hashlib
import itertools
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

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE / "digits-rs"
PARTS = {}


def part(seconds):
    """A part of the kit, with the time that it may take."""
    return lambda run: PARTS.setdefault(run.__name__, (run, seconds)) and run


class Fault(Exception):
    """What a part found wrong."""


def expect(holds, words):
    if not holds:
        raise Fault(words)


class Kit:
    def __init__(self, arguments):
        self.device, self.quick, self.out = arguments.device, arguments.quick, pathlib.Path(arguments.out).resolve()
        # An unoptimised build trains by its own kernels at a hundredth of their speed.
        self.more = ["--autograd"] if arguments.unoptimised else []
        self.number = 0
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
            process.kill()
            process.wait()
            raise Fault(f"not done in its time: {log.name}") from None
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
    """What the program finds; `auto` picks the device, and the run says so."""
    kit.digits("doctor")
    report = json.loads(kit.digits("doctor", "--json").split("\n", 1)[1])
    kit.train("autoencoder.lua", "auto", device="auto")
    log = (kit.out / "auto/log.txt").read_text() + "".join(path.read_text() for path in sorted(kit.out.glob("*run*")))
    if on_cuda(kit):
        expect("cuda:0" in log, "the run with --device auto does not say that it computes on cuda:0")
        why = report["cuda"]["captures_off_because"]
        expect(why is None, f"steps are not captured: {why}")
        expect("captured steps" in log, "the autoencoder's run does not say that its steps are captured")
    return json.dumps(report.get("cuda"))


@part(240)
def modules(kit):
    """Every class of nn, lowered on the device, against the reference's numbers."""
    environment = {**os.environ, "DIGITS_TEST_DEVICE": kit.device, "DIGITS_TEST_ROOT": str(HERE), "OMP_NUM_THREADS": "1"}
    program = kit.out / "it"
    program.write_bytes(gzip.decompress((HERE / "it.gz").read_bytes()))
    program.chmod(0o755)
    test = "modules::every_case_agrees_with_its_numbers_and_does_what_a_module_must"
    status, text = kit.ended(program, test, "--exact", env=environment)
    found = re.search(r"(\d+) cases fail", text)
    expect(status == 0, f"{found.group(1) if found else 'some'} cases differ")
    return "every case agrees"


# Networks that train on the sample or on made colour images, and how far two devices may be apart after so few steps.
NETWORKS = {
    "autoencoder.lua": [], "lenet.lua": [], "lenet-plain.lua": [], "lenet-relu.lua": [], "autoencoder.py": [], "lenet.py": [],
    "alexnet-small.lua": ["colour"], "alexnet.lua": ["colour"], "googlenet.lua": ["colour"],
}


@part(300)
def networks(kit):
    """Networks of the collection, one epoch each on the device and on the processor from one seed."""
    apart = {}
    for name, marks in NETWORKS.items():
        more = ["--seed", "1", "--lr", "0.001"]
        if "colour" in marks:
            more += ["--dataset", colour(kit), "--batch-size", "8"]
        if kit.quick and marks:
            continue
        there, here = (kit.train(name, f"n-{name}-{device}", *more, device=device) for device in (kit.device, "cpu"))
        apart[name] = farthest(losses(there), losses(here))
    worst = max(apart, key=apart.get)
    words = ", ".join(f"{name} {value:.0e}" for name, value in apart.items())
    expect(apart[worst] < 2e-2, words)
    return words


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
    """Thirty epochs of the autoencoder, five of LeNet: where they end here and on the processor."""
    words = []
    for name, epochs in (("autoencoder.lua", 3 if kit.quick else 30), ("lenet.lua", 1 if kit.quick else 5)):
        ends = []
        for device in (kit.device, "cpu"):
            events = kit.train(name, f"c-{name}-{device}", device=device, epochs=epochs)
            ends.append(list(losses(events, "validation").values())[-1])
        words.append(f"{name} {ends[0]:.5g} (processor {ends[1]:.5g})")
        expect(abs(ends[0] - ends[1]) < 0.05 * abs(ends[1]), ", ".join(words))
    return ", ".join(words)


@part(120)
def repeats(kit):
    """The same seed twice: the same bits."""
    words = []
    for name in ("autoencoder.lua", "lenet.lua"):
        for job in ("r-one", "r-two"):
            kit.train(name, job, "--seed", "3")
        same = kit.weights("r-one") == kit.weights("r-two")
        words.append(f"{name} {'the same bits' if same else 'DIFFERS'}")
    expect("DIFFERS" not in " ".join(words), ", ".join(words))
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
    kit.digits("export", f"x-{kit.device.replace(':', '')}", "--format", "onnx", "--out", kit.out / "there.onnx")
    return "; ".join(words)


@part(400)
def speed(kit):
    """Against PyTorch eager and PyTorch's captured graph: images a second, in turn."""
    words = []
    for network, exactness in itertools.product(("autoencoder", "lenet"), ([], ["--tf32"]) if on_cuda(kit) else ([],)):
        sample = kit.out / "datasets/mnist-sample"
        if not sample.is_dir():
            kit.train("autoencoder.lua", "unpacks")
        more = ["--rounds", "1" if kit.quick else "3", "--epochs", "3" if kit.quick else "12", "--device", "cuda" if on_cuda(kit) else "cpu"]
        command = [sys.executable, HERE / "speed.py", "--digits", PROGRAM, "--dataset", sample, "--arrays", HERE / "sample.npz", "--network", network, *exactness]
        status, text = kit.ended(*command, *more, cwd=HERE)
        expect(status == 0, last_line(text))
        words += [line.strip() for line in text.splitlines() if "images/s" in line]
    return "\n".join(words)


@part(240)
def processes(kit):
    """Two processes, a GPU each, summed by NCCL: the numbers of one process with the whole batch, twice the same bits; a third is a page."""
    count = len(json.loads(kit.digits("doctor", "--json").split("\n", 1)[1])["cuda"]["devices"]) if on_cuda(kit) else 2
    if count < 2:
        return "skipped: NCCL wants two cards, and there is one"
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


def colour(kit):
    """A dataset of made colour images of 256 by 256, four classes: stripes of a colour and a direction."""
    folder = kit.out / "datasets/colour"
    if folder.is_dir():
        return folder
    draw, pictures = random.Random(7), kit.out / "colour"
    for label in range(4):
        (pictures / f"class{label}").mkdir(parents=True, exist_ok=True)
        for number in range(16):
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
            good, words = True, run(kit)
        except Fault as fault:
            good, words = False, str(fault)
        except Exception as error:  # a part that breaks must not take the others with it
            good, words = False, f"{type(error).__name__}: {error}"
        took = time.monotonic() - began
        rows.append((name, good, took, words))
        print(f"    {'ok' if good else 'FAULT'} ({took:.0f} s) {words}", flush=True)
    table = ["| part | | seconds | what came |", "|---|---|---:|---|"]
    table += [f"| {name} | {'ok' if good else 'FAULT'} | {took:.0f} | {words.replace(chr(10), '; ')} |" for name, good, took, words in rows]
    text = "\n".join([f"On {arguments.device}, {time.monotonic() - begun:.0f} s.", "", *table, ""])
    (kit.out / "table.md").write_text(text)
    print(f"\n{text}")
    sys.exit(any(not good for _, good, _, _ in rows))


if __name__ == "__main__":
    main()
