"""Runs whole processes and looks at them: seconds, processor seconds, first step, peak memory, waiting for data."""
import json
import os
import platform
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
    """A process that has ended well; `metrics` are the lines of its job's metrics.jsonl."""

    def __init__(self, seconds, usage, first_step, anonymous, metrics):
        self.seconds, self.first_step, self.metrics = seconds, first_step, metrics
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak_mib = usage.ru_maxrss / 1024
        self.anonymous_mib = anonymous

    def after_first_step(self):
        """Seconds from the first step's end to the process' end."""
        return self.seconds - self.first_step

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
    """A process with a job folder of its own, which goes away with it. `{job}` in the command is that folder."""

    def __init__(self, command, environment=None, samples_memory=False):
        os.makedirs(WORK, exist_ok=True)
        self.folder = tempfile.TemporaryDirectory(dir=WORK)
        self.job = f"{self.folder.name}/job"
        self.command = [word.format(job=self.job) for word in command]
        self.output = open(f"{self.folder.name}/output", "wb")
        self.first_step, self.anonymous, self.ended = None, 0, False
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
            env={**os.environ, **(environment or {})},
        )
        self.watcher = threading.Thread(target=self._watch, args=(samples_memory,))
        self.watcher.start()

    def _watch(self, samples_memory):
        """Sees the first whole line that tells of a training loss, to about 2 ms; then samples memory if asked to."""
        while not self.ended and self.first_step is None:
            try:
                with open(f"{self.job}/metrics.jsonl") as file:
                    if any('"train"' in line and line.endswith("\n") for line in file):
                        self.first_step = time.monotonic() - self.started
            except FileNotFoundError:
                pass
            time.sleep(0.002)
        while samples_memory and not self.ended:
            try:
                with open(f"/proc/{self.process.pid}/status") as status:
                    found = [int(line.split()[1]) for line in status if line.startswith("RssAnon")]
                    self.anonymous = max([self.anonymous, *found])
            except OSError:
                pass
            time.sleep(0.02)

    def finish(self):
        _, status, usage = os.wait4(self.process.pid, 0)
        seconds = time.monotonic() - self.started
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.ended = True
        self.watcher.join()
        self.output.close()
        if self.process.returncode != 0:
            with open(f"{self.folder.name}/output", errors="replace") as output:
                sys.exit(f"{' '.join(self.command)}\nended with status {self.process.returncode}:\n{output.read()[-4000:]}")
        metrics = []
        if os.path.exists(f"{self.job}/metrics.jsonl"):
            with open(f"{self.job}/metrics.jsonl") as file:
                metrics = [json.loads(line) for line in file]
        self.folder.cleanup()
        return Finished(seconds, usage, self.first_step, self.anonymous / 1024, metrics)


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


def ratios(ours, theirs):
    """Per round: how many times as much is `ours` of `theirs`."""
    return [a / b for a, b in zip(ours, theirs)]


def ours(arguments, network, dataset, *options):
    """Our training command; network is a file's name below networks/."""
    start = [arguments.digits, "run", f"networks/{network}.lua", "--dataset", dataset, "--job", "{job}"]
    return [*start, "--seed", "1", "--device", "cpu", *options]


def torch(network, dataset, *options):
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
