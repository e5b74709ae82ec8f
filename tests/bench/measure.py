"""Runs whole processes and looks at them: seconds, processor seconds, first step, peak memory, waiting for data."""
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = f"{ROOT}/build/bench"
PEERS = f"{HERE}/peers"


class Finished:
    """A process that has ended well; `metrics` are the lines of its job's metrics.jsonl, `printed` is what it wrote."""

    def __init__(self, seconds, usage, first_step, memory, metrics, printed):
        self.seconds, self.first_step, self.metrics, self.printed = seconds, first_step, metrics, printed
        self.cpu = usage.ru_utime + usage.ru_stime
        # Not ru_maxrss: a process begins with the peak of the one that started it, here hundreds of MiB.
        self.peak_mib, self.anonymous_mib = memory["VmHWM"] / 1024, memory["RssAnon"] / 1024

    def after_first_step(self):
        """Seconds from the first step's end to the process' end."""
        return self.seconds - self.first_step

    def train_rate(self):
        """Images a second over all train events but the first, validations and snapshots left out."""
        events = [event for event in self.metrics if event["event"] == "train" and event.get("images_per_second")]
        steps = [after["iteration"] - before["iteration"] for before, after in zip(events, events[1:])]
        return sum(steps) / sum(count / event["images_per_second"] for count, event in zip(steps, events[1:]))

    def wait_share(self):
        """Share of the training time spent waiting for data, over all train events."""
        waited = total = 0.0
        before = 0
        for event in self.metrics:
            if event["event"] == "train" and event.get("images_per_second"):
                seconds = (event["iteration"] - before) / event["images_per_second"]  # in batches: a common factor
                before = event["iteration"]
                waited, total = waited + event["data_wait"] * seconds, total + seconds
        return waited / total


class Running:
    """A process with a job folder of its own, which goes away with it. `{job}` in the command is that folder.

    `lines` ends a run by Ctrl-C's signal once it has reported that many training losses.
    """

    def __init__(self, command, lines=None):
        os.makedirs(WORK, exist_ok=True)
        self.folder = tempfile.TemporaryDirectory(dir=WORK)
        self.job = f"{self.folder.name}/job"
        self.tells = any("{job}" in word for word in command)
        self.command = [word.format(job=self.job) for word in command]
        self.output = open(f"{self.folder.name}/output", "wb")
        self.first_step, self.ended, self.stopped = None, False, False
        self.memory = {"VmHWM": 0, "RssAnon": 0}
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)
        self.watcher = threading.Thread(target=self._watch, args=(lines,))
        self.watcher.start()

    def _watch(self, lines):
        """Sees the first whole line that tells of a training loss, to about 2 ms; looks at memory every 20 ms."""
        rounds = 0
        while not self.ended:
            starting = self.tells and self.first_step is None
            if starting and self._losses() > 0:
                self.first_step = time.monotonic() - self.started
            if rounds % 10 == 0 or not starting:
                self._look_at_memory()
                if lines and not self.stopped and self._losses() >= lines:
                    self.stopped = True
                    self.process.send_signal(signal.SIGINT)
            rounds += 1
            time.sleep(0.002 if starting else 0.02)

    def _losses(self):
        """How many training losses the run has reported."""
        try:
            with open(f"{self.job}/metrics.jsonl") as file:
                return sum('"train"' in line and line.endswith("\n") for line in file)
        except FileNotFoundError:
            return 0

    def _look_at_memory(self):
        try:
            with open(f"/proc/{self.process.pid}/status") as status:
                facts = dict(line.split(":", 1) for line in status)
        except OSError:
            return
        for name in self.memory:
            if name in facts:  # not in a process that has just ended
                self.memory[name] = max(self.memory[name], int(facts[name].split()[0]))

    def finish(self):
        _, status, usage = os.wait4(self.process.pid, 0)
        seconds = time.monotonic() - self.started
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.ended = True
        self.watcher.join()
        self.output.close()
        with open(f"{self.folder.name}/output", errors="replace") as output:
            printed = output.read()
        if self.process.returncode not in ((0, 130) if self.stopped else (0,)):
            sys.exit(f"{' '.join(self.command)}\nended with status {self.process.returncode}:\n{printed[-4000:]}")
        metrics = []
        if os.path.exists(f"{self.job}/metrics.jsonl"):
            with open(f"{self.job}/metrics.jsonl") as file:
                metrics = [json.loads(line) for line in file]
        self.folder.cleanup()
        return Finished(seconds, usage, self.first_step, self.memory, metrics, printed)


def run(command, **options):
    return Running(command, **options).finish()


def rounds(contenders, count, say):
    """Starts every contender once a round (A B C, A B C, …): {name: [Finished, …]}. A first round of the first
    contender warms the disk cache and is not counted."""
    first = next(iter(contenders.values()))
    run(first)
    results = {name: [] for name in contenders}
    for number in range(count):
        for name, command in contenders.items():
            results[name].append(run(command))
            say(f"  round {number + 1} of {count}: {name}: {results[name][-1].seconds:.2f} s")
    return results


def pairs(first, second, count, say):
    """Starts two commands in pairs, A B, B A, …: a list of Finished of each. A pair that warms the disk cache is not counted."""
    results = [], []
    for number in range(count + 1):
        for which in (0, 1) if number % 2 else (1, 0):
            finished = run((first, second)[which])
            if number:
                results[which].append(finished)
        if number:
            say(f"  pair {number} of {count}: {results[0][-1].seconds:.2f} s, {results[1][-1].seconds:.2f} s")
    return results


def self_timed(contenders, count, say):
    """Starts every contender once a round; each times itself and ends with a line of JSON that has `seconds`: {name: [that line, …]}."""
    told = {name: [] for name in contenders}
    for number in range(count):
        for name, command in contenders.items():
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
            told[name].append(json.loads(done.stdout.strip().splitlines()[-1]))
            say(f"  round {number + 1} of {count}: {name}: {told[name][-1]['seconds']:.2f} s")
    return told


def ratios(first, second):
    """Per round: `first` over `second`."""
    return [a / b for a, b in zip(first, second)]


def digits_command(arguments, network, dataset, *options):
    """The training command of digits-rs; network is a file's name below networks/, `.lua` where it has no other ending, or a path."""
    name = network if "." in network else f"{network}.lua"
    file = name if os.path.isabs(name) else f"networks/{name}"
    start = [arguments.digits, "run", file, "--dataset", dataset, "--job", "{job}"]
    return [*start, "--seed", "1", "--device", "cpu", *options]


def torch_command(network, dataset, *options):
    """The PyTorch peer's command."""
    return [sys.executable, f"{PEERS}/train_torch.py", "--network", network, "--dataset", dataset, "--job", "{job}", *options]


def row(figure, values, reach=None, better="higher", digits=2, note=""):
    """A line of the table: `reach` is the bound that the median should keep."""
    return {"figure": figure, "values": values, "reach": reach, "better": better, "digits": digits, "note": note}


def median(row):
    return statistics.median(row["values"])


def is_met(row):
    if row["reach"] is None:
        return None
    return median(row) >= row["reach"] if row["better"] == "higher" else median(row) <= row["reach"]


def machine(digits):
    """Where it is measured, in words and versions."""
    with open("/proc/cpuinfo") as info:
        lines = [line.split(":", 1) for line in info if ":" in line]
    facts = {key.strip(): value.strip() for key, value in reversed(lines)}
    vector = [name for name in ("avx2", "fma", "avx512f") if name in facts.get("flags", "").split()]
    with open("/proc/meminfo") as info:
        memory = int(next(line for line in info if line.startswith("MemTotal")).split()[1]) // 1024
    import torch as pytorch

    doctor = subprocess.run([digits, "doctor", "--json"], capture_output=True, text=True, check=True).stdout
    return {
        "processor": facts.get("model name", platform.machine()),
        "vector": vector,
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": memory,
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "pytorch": pytorch.__version__,
        "kernel": platform.release(),
        "date": time.strftime("%Y-%m-%d"),
        "doctor": json.loads(doctor),
    }
