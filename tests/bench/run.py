"""Times whole processes in turn: this program and PyTorch, training the same network on the same dataset folder.

    build/venv-bench/bin/python tests/bench/run.py --digits target/release/digits-rs --dataset datasets/mnist

A round starts every contender once (A B C, A B C, …), so that a machine whose clock floats or whose other work comes and
goes treats them alike; what is compared is the ratio within a round, and its median over the rounds. The first round
warms the disk cache and is not counted. Writes src/docs/bench/autoencoder.{md,json}.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from caffe_lmdb import Images

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OURS = "digits-rs"


def contenders(arguments):
    """Name → command; `{job}` is a folder that does not exist yet."""
    ours = [arguments.digits, "run", "networks/autoencoder.lua", "--seed", "1", "--device", "cpu"]
    peer = [sys.executable, f"{HERE}/autoencoder_torch.py"]
    rest = ["--dataset", arguments.dataset, "--epochs", str(arguments.epochs), "--job", "{job}"]
    return {
        OURS: ours + rest,
        "PyTorch, in memory": peer + ["--data", "memory"] + rest,
        "PyTorch, DataLoader": peer + ["--data", "loader"] + rest,
    }


REACH = {"PyTorch, in memory": 2.5, "PyTorch, DataLoader": 5.0}


def first_step(metrics, started, process, answer):
    """Watches for the first whole line that tells of a training loss: seconds from start, to about 2 ms."""
    while process.poll() is None:
        try:
            with open(metrics) as file:
                if any('"loss"' in line and '"validation"' not in line and line.endswith("\n") for line in file):
                    answer.append(time.monotonic() - started)
                    return
        except FileNotFoundError:
            pass
        time.sleep(0.002)


def time_process(command):
    """Runs one process to its end: seconds in all, seconds to the first step, peak resident MiB."""
    with tempfile.TemporaryDirectory(dir=f"{ROOT}/build") as folder:
        job = f"{folder}/job"
        command = [word.format(job=job) for word in command]
        with open(f"{folder}/output", "wb") as output:
            started = time.monotonic()
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            answer = []
            watcher = threading.Thread(target=first_step, args=(f"{job}/metrics.jsonl", started, process, answer))
            watcher.start()
            peak = 0
            while process.poll() is None:
                peak = max(peak, resident_peak(process.pid))
                time.sleep(0.02)
            seconds = time.monotonic() - started
        watcher.join()
        if process.returncode != 0:
            with open(f"{folder}/output", errors="replace") as output:
                sys.exit(f"{' '.join(command)}\nended with status {process.returncode}:\n{output.read()[-4000:]}")
        if not answer:
            sys.exit(f"{' '.join(command)}\nwrote no training loss into its metrics.jsonl")
        return {"seconds": seconds, "first_step_seconds": answer[0], "peak_mib": peak}


def resident_peak(pid):
    """VmHWM of the process itself (a DataLoader's workers come on top and are not counted), in MiB."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def machine(digits):
    """Where it was measured, in words and versions."""
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    import torch

    doctor = subprocess.run([digits, "doctor", "--json"], capture_output=True, text=True, check=True).stdout
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "pytorch": torch.__version__,
        "kernel": platform.release(),
        "date": time.strftime("%Y-%m-%d"),
        "doctor": json.loads(doctor),
    }


def spread(values, digits):
    """`median (smallest – largest)`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} – {high:,.{digits}f})"


def table(result):
    rounds, images, where = result["rounds"], result["images"], result["machine"]
    lines = [
        "# The autoencoder, whole processes",
        "",
        f"`networks/autoencoder.lua`, {result['epochs']} epochs of {images // result['epochs']:,} images, batch 64, validation, metrics and snapshots",
        f"on. {len(rounds)} rounds, the contenders started in turn; median (smallest – largest). Made by `make bench`.",
        "",
        f"{where['date']}: {where['processor']}, {where['cores']} cores, Linux {where['kernel']}, Python {where['python']}, PyTorch {where['pytorch']};",
        f"load before the start {where['load_before']}.",
        "",
        "| | images/s, process start to end | ours is faster by (per round) | wanted | first step done after, s | peak resident, MiB |",
        "|---|---|---|---|---|---|",
    ]
    for name in rounds[0]:
        rates = [images / round[name]["seconds"] for round in rounds]
        ratios = [round[name]["seconds"] / round[OURS]["seconds"] for round in rounds]
        ratio, wanted = ("", "") if name == OURS else (spread(ratios, 2), f"≥ {REACH[name]}")
        first = spread([round[name]["first_step_seconds"] for round in rounds], 2)
        peak = spread([round[name]["peak_mib"] for round in rounds], 0)
        lines.append(f"| {name} | {spread(rates, 0)} | {ratio} | {wanted} | {first} | {peak} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", default="target/release/digits-rs")
    parser.add_argument("--dataset", default="datasets/mnist")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default=f"{ROOT}/src/docs/bench")
    arguments = parser.parse_args()
    arguments.digits, arguments.dataset = os.path.abspath(arguments.digits), os.path.abspath(arguments.dataset)
    os.makedirs(f"{ROOT}/build", exist_ok=True)
    os.makedirs(arguments.out, exist_ok=True)

    images = len(Images(f"{arguments.dataset}/train_db", None)) * arguments.epochs
    where = machine(arguments.digits)
    rounds = []
    for number in range(arguments.rounds + 1):
        this = {}
        for name, command in contenders(arguments).items():
            this[name] = time_process(command)
            print(f"round {number}{' (warm-up)' if number == 0 else ''}: {name}: {this[name]['seconds']:.2f} s", flush=True)
        if number > 0:
            rounds.append(this)

    result = {"machine": where, "epochs": arguments.epochs, "images": images, "rounds": rounds}
    with open(f"{arguments.out}/autoencoder.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    with open(f"{arguments.out}/autoencoder.md", "w") as file:
        file.write(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
