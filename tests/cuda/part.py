"""What a part is written with: runs of the program with their output kept, and the ways in which a part ends."""
import contextlib
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import time

import children

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE / "digits-rs"


class Fault(Exception):
    """What a part found wrong."""


class Skip(Exception):
    """Why a part is not tried here."""


class Partly(Exception):
    """What a part found right, and what it could not try."""


class Missed(Exception):
    """What a part found right, and which goals were missed."""


class NoDevice(Fault):
    """Why there is nothing to try the other parts on."""


def expect(holds, words):
    if not holds:
        raise Fault(words)


class Kit:
    def __init__(self, arguments, out, libraries):
        self.device, self.quick, self.out = arguments.device, arguments.quick, out
        # Where libtorch's libraries have to come from; None: wherever the program was built to look.
        self.libraries = libraries
        # An unoptimised build trains by its own kernels at a hundredth of their speed.
        self.more = ["--autograd"] if arguments.unoptimised else []
        self.checkouts = pathlib.Path(arguments.checkouts).resolve() if arguments.checkouts else None
        self.seconds = arguments.speed_seconds
        self.number = 0
        # What is too long for a cell of the table.
        self.appendix = []
        self.until = 0.0
        self.report = None

    def left(self):
        """Seconds until the part has to end."""
        return max(1.0, self.until - time.monotonic())

    @contextlib.contextmanager
    def within(self, seconds):
        """A bound of its own for something inside a part."""
        before, self.until = self.until, min(self.until, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.until = before

    def start(self, *command, **more):
        """A program whose output goes to a file of its own; the process and the file."""
        self.number += 1
        name = re.sub(r"[^A-Za-z0-9.=-]+", "_", " ".join(str(word) for word in command[1:4]))[:60]
        log = self.out / f"{self.number:03}-{name}.txt"
        with open(log, "w") as file:
            file.write(f"$ {' '.join(map(str, command))}\n")
            file.flush()
            process = children.start(command, stdout=file, **{"cwd": self.out, **more})
        return process, log

    def ended(self, *command, **more):
        """Runs to the end: exit status and what was printed. A process that outlives its time is killed."""
        process, log = self.start(*command, **more)
        try:
            status = process.wait(self.left())
        except subprocess.TimeoutExpired:
            raise Fault(f"not done in its time: {log.name}") from None
        finally:
            children.end(process)
        expect(status >= 0, f"ended by signal {-status}: {log.name}")
        # Without the line of the command itself.
        return status, log.read_text(errors="replace").partition("\n")[2]

    def digits(self, *words, **more):
        """A run of the program that must end well; what it printed."""
        status, text = self.ended(PROGRAM, *words, **more)
        expect(status == 0, f"digits-rs {' '.join(map(str, words))}: {last_line(text)}")
        return text

    def page(self, *words):
        """The error page of a command that must fail."""
        status, text = self.ended(PROGRAM, *words)
        expect(status not in (0, 101), f"digits-rs {' '.join(map(str, words))} ended with {status}")
        expect(PAGE.search(text), f"digits-rs {' '.join(map(str, words))} prints no error page: {last_line(text)}")
        return text

    def devices(self):
        """The CUDA devices that the program sees."""
        return self.machine()["cuda"]["devices"]

    def machine(self):
        """What `doctor --json` says."""
        if self.report is None:
            self.report = json.loads(self.digits("doctor", "--json"))
        return self.report

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


# The head of an error page.
PAGE = re.compile(r"^[a-z ]+(error|reached|mismatch): .*", re.MULTILINE)


def first_error(text):
    """The head of an error page."""
    found = PAGE.search(text)
    return found.group(0) if found else last_line(text)


def losses(events, kind="train"):
    return {event["iteration"]: event["loss"] for event in events if event["event"] == kind and event.get("loss") is not None}


def farthest(one, other):
    """The largest relative difference at steps that both have."""
    both = one.keys() & other.keys()
    expect(both, "the two runs have no step in common")
    return max(abs(one[step] - other[step]) / max(1e-12, abs(other[step])) for step in both)


def on_cuda(kit):
    return kit.device.startswith("cuda")
