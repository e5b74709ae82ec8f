"""Parts that look at how the program behaves: what it opens, how it ends, what it says, how it goes on."""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import time

import children
from machine import WANTED
from part import HERE, PROGRAM, Fault, NoDevice, Skip, expect, farthest, first_error, losses, on_cuda


def check_device(kit):
    """Ends all where the device that was asked for is not there."""
    if not on_cuda(kit):
        return
    cuda, number = kit.machine()["cuda"], int(kit.device.partition(":")[2] or 0)
    if number >= len(cuda["devices"]):
        why = cuda["off_because"] or f"the program sees {len(cuda['devices'])} devices"
        raise NoDevice(f"there is no {kit.device}: {why}; a rehearsal on the processor: --device cpu")


def doctor(kit):
    """What the program finds and opens; `auto` picks the device, and the run says so."""
    kit.digits("doctor")
    report = kit.machine()
    expect(report["libtorch"]["version"].startswith(WANTED), f"libtorch {report['libtorch']['version']} was opened, {WANTED} is wanted")
    check_device(kit)
    asked = kit.device if ":" in kit.device else "auto"
    process, output = kit.start(PROGRAM, *kit.run("autoencoder.lua", "auto", asked, 1))
    opened = set()
    try:
        while process.poll() is None and kit.left() > 1:
            try:
                maps = pathlib.Path(f"/proc/{process.pid}/maps").read_text()
                opened |= {line.split(None, 5)[5] for line in maps.splitlines() if ".so" in line and re.search("torch|c10|cuda|cudnn|cublas|cupti", line)}
            except OSError:
                pass
            time.sleep(0.02)
        status = process.poll()
    finally:
        children.end(process)
    expect(status == 0, f"the run with --device {asked} does not end well in its time: {output.name}")
    (kit.out / "libraries.txt").write_text("\n".join(sorted(opened)) + "\n")
    folder = next((pathlib.Path(path).parent for path in sorted(opened) if "libtorch_cpu" in path), None)
    expect(folder, "the run opened no libtorch_cpu.so (libraries.txt)")
    wanted = kit.libraries
    expect(wanted is None or folder.resolve() == wanted.resolve(), f"libtorch was opened from {folder}, wanted was {wanted}")
    if on_cuda(kit):
        log, device = (kit.out / "auto/log.txt").read_text() + output.read_text().partition("\n")[2], kit.device if ":" in kit.device else "cuda:0"
        expect(device in log, f"the run with --device {asked} does not say that it computes on {device}")
        why = report["cuda"]["captures_off_because"]
        expect(why is None, f"steps are not captured: {why}")
        expect("captured steps" in log, "the autoencoder's run does not say that its steps are captured")
        expect(any("libtorch_cuda" in path for path in opened), "libtorch_cuda.so was not opened")
    return f"{json.dumps(report['cuda'])}; {len(opened)} libraries of libtorch and CUDA, from {folder} (libraries.txt)"


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
    children.end(process)
    expect(killed, "the run was over before it could be killed")
    kit.digits("run", "--resume", "k-killed", "--device", kit.device)
    expect(kit.weights("k-whole") == kit.weights("k-killed"), "the resumed run ends in other bits")
    return "the same bits"


def stops(kit):
    """Ctrl-C saves, says how to go on, and ends with 130."""
    shutil.rmtree(kit.out / "stopped", ignore_errors=True)
    process, log = kit.start(PROGRAM, *kit.run("autoencoder.lua", "stopped", None, 5000))
    while not (kit.out / "stopped/snapshots/snapshot_1.safetensors").is_file() and process.poll() is None:
        expect(kit.left() > 10, "no first snapshot came")
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    try:
        status = process.wait(kit.left())
    except subprocess.TimeoutExpired:
        raise Fault("Ctrl-C does not end it in its time") from None
    finally:
        children.end(process)
    expect(status == 130 and "--resume" in log.read_text(), f"ended with {status}")
    return "saved, 130"


def pages(kit):
    """A device that is not there, and more than its memory holds: pages, no signal."""
    count = len(kit.devices())
    absent = f"cuda:{count}"
    missing = first_error(kit.page("run", HERE / "networks/autoencoder.lua", "--job", "absent", "--device", absent))
    wanted = f"there is no CUDA device {count}" if count else "CUDA was asked for and is off"
    expect(wanted in missing, f"the page of {absent} does not say that {wanted}: {missing}")
    if not on_cuda(kit):
        return f"{absent}: {missing[:80]}"
    greedy = kit.out / "greedy.lua"
    greedy.write_text(
        "local net = nn.Sequential():add(nn.SpatialConvolution(1, 512, 3, 3, 1, 1, 1, 1))\n"
        "for i = 1, 16 do net:add(nn.ReLU()):add(nn.SpatialConvolution(512, 512, 3, 3, 1, 1, 1, 1)) end\n"
        "net:add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(512 * 28 * 28, 10)):add(nn.LogSoftMax())\n"
        "return function() return {model = net, loss = nn.ClassNLLCriterion(), trainBatchSize = 7000} end\n"
    )
    began = time.monotonic()
    text = kit.page("run", greedy, "--job", "greedy", "--device", kit.device)
    took = time.monotonic() - began
    expect("memory" in text, f"the page does not speak of memory: {first_error(text)}")
    fits = re.search(r"a batch that fits +(\d+)", text)
    expect(fits, "the page does not say which batch would fit")
    kit.digits("run", greedy, "--job", "smaller", "--device", kit.device, "--batch-size", fits.group(1), "--epochs", 1)
    return f"{absent}: {missing[:80]}; memory: {first_error(text)[:80]}; found that {fits.group(1)} images fit, {took:.1f} s from the start to the page"


def processes(kit):
    """Two processes, a GPU each, summed by NCCL: the numbers of one process with the whole batch, twice the same bits; a third is a page."""
    count = len(kit.devices()) if on_cuda(kit) else 2
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
