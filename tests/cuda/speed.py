"""This program's training steps beside PyTorch's: one table, a row for each network, precision and way of taking steps.

    python tests/cuda/speed.py --digits target/release/digits-rs --digit-images datasets/mnist-sample --photos DIR

Ours is `digits-rs run --profile`, the peers are peer.py, each in a process of its own: steps timed by the device's own clock,
then a few recorded by libtorch's profiler, from which traces.py reads how much of a step the device computes, how often the
host waits for it, and how many launches there are. Ours reads its images as any run does, the peers' lie on the device.
The peers need a Python whose torch is 2.11; `--device cpu` rehearses it, where there are no captured graphs. Prints Markdown, and
after each figure writes it into speed.md, and all figures with the goals into speed.json; what was not measured is named with
the reason. It has not been run on a GPU yet.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import children
import traces

HERE = pathlib.Path(__file__).resolve().parent
OURS = "digits-rs"
NETWORKS = {"autoencoder": "networks/autoencoder.lua", "lenet": "networks/lenet.lua", "alexnet": "networks/alexnet.lua",
            "googlenet": "networks/googlenet.lua", "resnet-18": "resnet-18.lua"}
SMALL = ["autoencoder", "lenet"]
# The goals of the project, ours against the peer's images a second.
GOALS = {("autoencoder", "eager"): 5.0, ("lenet", "eager"): 5.0, ("autoencoder", "graph"): 1.2, ("lenet", "graph"): 1.2}
GOALS |= {(network, way): 1.0 for network in ("alexnet", "googlenet") for way in ("reduce-overhead", "max-autotune")}
FIRST_STEP_GOAL = 1.5
COMPILED = ("reduce-overhead", "max-autotune")
NOT_REACHED = "not reached in its time"


class Skipped(Exception):
    """Why something was not measured."""


def last_error(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "it printed nothing")[:160]


class Measures:
    def __init__(self, arguments):
        self.arguments = arguments
        self.out = pathlib.Path(arguments.out).resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.until = time.monotonic() + arguments.seconds

    def steps(self, network):
        return self.arguments.steps if network in SMALL else max(2, self.arguments.steps // 20)

    def batch(self, network):
        """The network file's own, or a small one for a rehearsal."""
        return [] if self.arguments.photo_batch == 0 or network in SMALL else ["--batch-size", str(self.arguments.photo_batch)]

    def left(self, most):
        seconds = min(most, self.until - time.monotonic())
        if seconds < 5:
            raise Skipped(NOT_REACHED)
        return seconds

    def ours(self, network, tf32):
        job = self.out / f"job-{network}{'-tf32' if tf32 else ''}"
        shutil.rmtree(job, ignore_errors=True)
        images = self.arguments.digit_images if network in SMALL else self.arguments.photos
        command = [self.arguments.digits, "run", HERE / NETWORKS[network] if (HERE / NETWORKS[network]).exists() else HERE / "../.." / NETWORKS[network]]
        command += ["--dataset", images, "--device", self.arguments.device, "--job", job, "--profile", self.steps(network), "--lr", "1e-6"]
        # It is stopped when the profile is there: epochs without end, nothing else to do.
        command += ["--epochs", "1000000", "--validation-interval", "0", "--snapshot-interval", "0", *self.batch(network)]
        command += ["--tf32"] * tf32 + ["--autograd"] * self.arguments.autograd
        summary, limit = job / "profile/summary.json", time.monotonic() + self.left(120)
        started = time.time()
        with open(f"{job}.txt", "w") as log:
            process = children.start(command, stdout=log, cwd=self.out)
        try:
            while not summary.is_file() and process.poll() is None:
                if time.monotonic() > limit:
                    raise Skipped("not done in its time")
                time.sleep(0.02)
        finally:
            children.end(process)
            children.end_all()
        if not summary.is_file():
            raise Skipped(last_error(pathlib.Path(f"{job}.txt").read_text(errors="replace")))
        return started, json.loads(summary.read_text()), job / "profile/trace.json"

    def peer(self, network, tf32, way):
        name = f"peer-{network}-{way}{'-tf32' if tf32 else ''}"
        trace_file = self.out / f"{name}.json"
        command = [sys.executable, HERE / "peer.py", "--network", network, "--way", way, "--device", self.arguments.device]
        command += ["--steps", self.steps(network), "--trace", trace_file, *self.batch(network), *["--tf32"] * tf32]
        limit, log = self.left(400 if way == "max-autotune" else 180), self.out / f"{name}.txt"
        started = time.time()
        with open(log, "w") as file:
            process = children.start(command, stdout=file)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Skipped("not done in its time") from None
        finally:
            children.end(process)
            # torch.compile has workers of its own, some in groups of their own.
            children.end_all()
        text = log.read_text(errors="replace")
        if status != 0:
            raise Skipped(last_error(text))
        facts = next(line for line in reversed(text.splitlines()) if line.startswith('{"batch_size"'))
        return started, json.loads(facts), trace_file

    def row(self, network, tf32, way):
        row = {"network": network, "tf32": tf32, "way": way}
        try:
            started, facts, trace_file = self.ours(network, tf32) if way == OURS else self.peer(network, tf32, way)
            row |= facts
            row["first_step_seconds"] = facts["first_step_at"] - started
            row["images_a_second"] = facts["batch_size"] / facts["seconds_a_step"]
            try:
                found = traces.figures(trace_file)
                row |= {name: found[name] for name in ("busy_share", "pieces", "launches", "waits", "waits_inside", "wait_names", "step_ms")}
                (self.out / f"{trace_file.stem}-{network}{'-tf32' if tf32 else ''}-{way}.md").write_text(traces.table(found) + "\n")
            except (ValueError, OSError) as error:
                row["no_trace"] = str(error)
        except Skipped as why:
            row["skipped"] = str(why)
        return row


def number(row, name, form, scale=1.0):
    return "" if row.get(name) is None else form.format(row[name] * scale)


def markdown(rows):
    ours = {(row["network"], row["tf32"]): row for row in rows if row["way"] == OURS and "skipped" not in row}
    lines = ["| network | products | steps | images/s | ours is | ms a step | device computes | launches | waits in a step | first step after | peak MiB |"]
    lines += ["|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        head = f"| {row['network']} | {'TF32' if row['tf32'] else 'f32'} | {row['way']} |"
        if "skipped" in row:
            lines.append(f"{head} not measured: {row['skipped'].replace('|', '/')} |" + " |" * 7)
            continue
        own = ours.get((row["network"], row["tf32"]))
        ratio = f"{own['images_a_second'] / row['images_a_second']:.2f} x" if own and row is not own else ""
        peak = f"{row['peak_memory'][0] / 2**20:,.0f}" if row.get("peak_memory") else ""
        cells = [f"{row['images_a_second']:,.0f}", ratio, f"{row['seconds_a_step'] * 1e3:.3f}", number(row, "busy_share", "{:.0%}")]
        cells += [number(row, "launches", "{:.1f}"), number(row, "waits_inside", "{:.1f}"), f"{row['first_step_seconds']:.2f} s", peak]
        lines.append(f"{head} {' | '.join(cells)} |")
    return lines


def goals(rows):
    """Each goal of the project: what it is, what came, and whether it is met, MISSED or not measured."""
    by_place, found = {(row["network"], row["tf32"], row["way"]): row for row in rows}, []

    def judge(words, measured, met, came):
        state = "not measured" if not measured else "met" if met() else "MISSED"
        found.append({"goal": f"{words}{came() if measured else ''}", "state": state})

    for network, tf32 in sorted({(row["network"], row["tf32"]) for row in rows}):
        own, head = by_place.get((network, tf32, OURS), {"skipped": ""}), f"{network}, {'TF32' if tf32 else 'f32'}"
        measured = "skipped" not in own
        for (of, way), goal in GOALS.items():
            if of == network:
                peer = by_place.get((network, tf32, way), {"skipped": ""})
                ratio = own["images_a_second"] / peer["images_a_second"] if measured and "skipped" not in peer else None
                judge(f"{head}, {goal} x {way}", ratio is not None, lambda: ratio >= goal, lambda: f": {ratio:.2f} x")
        judge(f"{head}, first step within {FIRST_STEP_GOAL} s", measured, lambda: own["first_step_seconds"] < FIRST_STEP_GOAL, lambda: f": {own['first_step_seconds']:.2f} s")
        judge(f"{head}, no wait in a step", "waits_inside" in own, lambda: own["waits_inside"] == 0, lambda: f": {own['waits_inside']:.1f} {own['wait_names'] or ''}".rstrip())
    return found


def device(word):
    """cpu, cuda or cuda:N."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", word):
        raise argparse.ArgumentTypeError(f"{word!r} is none of cpu, cuda, cuda:N")
    return word


def plan(networks, ways, precisions):
    """What is measured, as the table has it and in order of time: what compiles for minutes last, with goals first."""
    # The plain mode of torch.compile is a rehearsal's: of the small networks only.
    all_places = [(network, tf32, way) for network in networks for tf32 in precisions for way in ways if way != "compile" or network in SMALL]
    late = ("compile", *COMPILED)
    stage = lambda way: late.index(way) + 1 if way in late else 0
    return all_places, sorted(all_places, key=lambda place: (stage(place[2]), stage(place[2]) > 0 and (place[0], place[2]) not in GOALS))


def write(path, text):
    """A file that is whole at any time."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", default="target/release/digits-rs")
    parser.add_argument("--digit-images", required=True, help="dataset of 1x28x28 images")
    parser.add_argument("--photos", required=True, help="dataset of 3x256x256 images")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--ways", default="", help="of digits-rs, eager, graph, compile, reduce-overhead, max-autotune")
    parser.add_argument("--device", type=device, default="cuda", help="cpu, cuda or cuda:N")
    parser.add_argument("--rehearsal", action="store_true", help="the sizes are toys: goals are not judged")
    parser.add_argument("--steps", type=int, default=2000, help="timed steps of the small networks; the large ones take a twentieth")
    parser.add_argument("--photo-batch", type=int, default=0, help="images a step of the large networks, in place of their own")
    parser.add_argument("--seconds", type=float, default=600, help="what is not reached in so many is named")
    parser.add_argument("--autograd", action="store_true", help="ours by libtorch's differentiation also where there are kernels of our own")
    parser.add_argument("--out", default="speed-out")
    arguments = parser.parse_args()
    arguments.digits, arguments.digit_images, arguments.photos = map(os.path.abspath, (arguments.digits, arguments.digit_images, arguments.photos))
    children.adopt()
    measures, on_cuda = Measures(arguments), arguments.device != "cpu"
    ways = arguments.ways.split(",") if arguments.ways else [OURS, "eager", *(["graph", *COMPILED] if on_cuda else ["compile"])]
    networks, precisions = arguments.networks.split(","), (False, True) if on_cuda else (False,)
    judged = on_cuda and not arguments.rehearsal
    (rows_of_table, places), measured = plan(networks, ways, precisions), {}

    def report():
        """All places, with those that are not measured yet."""
        yet = lambda place: {"network": place[0], "tf32": place[1], "way": place[2], "skipped": NOT_REACHED}
        rows = [measured.get(place) or yet(place) for place in rows_of_table]
        found = goals(rows) if judged else []
        last = [f"- {goal['goal']}: {goal['state']}" for goal in found] or ["A rehearsal: its figures are of toy sizes, and no goal is judged."]
        text = "\n".join([*markdown(rows), "", *last])
        write(measures.out / "speed.json", json.dumps({"rows": rows, "goals": found, "not_reached": NOT_REACHED}, indent=1))
        write(measures.out / "speed.md", text + "\n")
        return rows, text

    for place in places:
        row = measured[place] = measures.row(*place)
        report()
        words = row.get("skipped") or f"{row['images_a_second']:,.0f} images/s"
        print(f"    {row['network']}, {'TF32' if row['tf32'] else 'f32'}, {row['way']}: {words}", file=sys.stderr, flush=True)
    rows, text = report()
    print(text)
    sys.exit(any(row["way"] == OURS and "skipped" in row and row["skipped"] != NOT_REACHED for row in rows))


if __name__ == "__main__":
    main()
