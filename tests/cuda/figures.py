"""Parts that measure: what a step is made of, and how fast it is beside PyTorch."""
import json
import sys

import made
import traces
from part import HERE, PROGRAM, Fault, Missed, Partly, expect, on_cuda


def profile(kit):
    """What a step is made of: its kernels (on the processor its operators), the gaps between them, the device's memory."""
    words = []
    # The sample has 117 steps an epoch, and what follows the first epoch is on the device: 10 steps before the time is taken,
    # N timed, 5 recorded. The first count lies in the first epoch, whose batches are copied in, the second one beyond.
    cases = [("batches copied in", ["--profile", "60"], 1), ("data on the device", ["--profile", "200"], 3)]
    if kit.quick:
        cases = [("batches copied in", ["--profile", "5", "--batch-size", "256"], 1)]
    for name in ("autoencoder.lua",) if kit.quick else ("autoencoder.lua", "lenet.lua"):
        for what, steps, epochs in cases:
            # Kernels of our own are one call to libtorch's profiler: nothing to see in them.
            general = [] if on_cuda(kit) else list({"--autograd"} - set(kit.more))
            job = f"p-{name}-{what.replace(' ', '-')}"
            # Nothing else happens between the steps.
            kit.train(name, job, *steps, "--validation-interval", "0", "--snapshot-interval", "0", *general, epochs=epochs)
            found = traces.figures(kit.out / job / "profile/trace.json")
            summary = json.loads((kit.out / job / "profile/summary.json").read_text())
            kit.appendix.append(f"A step of {name}, {summary['engine']}: {what}\n\n{traces.table(found)}\n")
            runs = "kernels run" if found["on_device"] else "operators run"
            memory = f", {summary['peak_memory'][0] / 2**20:,.0f} MiB at the peak" if summary.get("peak_memory") else ""
            words.append(
                f"{name}, {what}: {summary['seconds_a_step'] * 1e3:.3f} ms, {runs} {found['busy_share']:.0%} of it, "
                f"{found['launches']:.1f} launches, {found['waits_inside']:.1f} waits{memory}"
            )
            expect(found["pieces"] > 0, f"{name}, {what}: the profile of a step is empty")
            if on_cuda(kit):
                expect(found["on_device"], f"{name}: no kernel is in the profile: CUPTI noted nothing")
                expect(found["waits_inside"] == 0, f"{name}, {what}: the host waits in a step: {found['wait_names']}")
                expect(memory, f"{name}: the summary has no peak of the device's memory")
    return "; ".join(words)


def speed(kit):
    """Beside PyTorch eager, as a captured graph and compiled; f32 and TF32 alike on both sides."""
    sample = kit.out / "datasets/mnist-sample"
    if not sample.is_dir():
        kit.train("autoencoder.lua", "unpacks")
    rehearsal = kit.quick or not on_cuda(kit)
    photos = made.colour(kit, 64 if rehearsal else 1024)
    # It ends by itself, and names what it did not reach.
    seconds = kit.left() - min(20.0, 0.2 * kit.left())
    if kit.seconds:
        seconds = min(seconds, kit.seconds)
    folder = kit.out / "speed"
    command = [sys.executable, HERE / "speed.py", "--digits", PROGRAM, "--digit-images", sample, "--photos", photos]
    command += ["--device", kit.device, "--out", folder, "--seconds", int(seconds), *kit.more]
    if rehearsal:
        command += ["--rehearsal", "--steps", "20", "--photo-batch", "2"]
    if kit.more:
        # Sixty million parameters take an unoptimised build twenty seconds a step.
        command += ["--networks", "autoencoder,lenet"]
    try:
        status, text = kit.ended(*command, cwd=HERE)
    finally:
        # Written anew after each figure: there too where the time is over or somebody stops the kit.
        if (folder / "speed.md").is_file():
            kit.appendix.append((folder / "speed.md").read_text())
    expect((folder / "speed.json").is_file(), f"speed.py measured nothing: {text[-200:]}")
    report = json.loads((folder / "speed.json").read_text())
    rows, goals = report["rows"], report["goals"]
    lacks = [f"{row['network']} {'TF32' if row['tf32'] else 'f32'} {row['way']} ({row['skipped']})" for row in rows if "skipped" in row]
    words = f"{len(rows) - len(lacks)} of {len(rows)} measured; the table is below"
    if rehearsal:
        words += "; a rehearsal: its figures are of toy sizes, and no goal is judged"
    by_state = {state: [goal["goal"] for goal in goals if goal["state"] == state] for state in ("met", "MISSED", "not measured")}
    if goals:
        words += f"; goals: {len(by_state['met'])} met"
        words += "".join(f", {len(which)} {state}: {'; '.join(which)}" for state, which in by_state.items() if which and state != "met")
    words += f"; not measured: {'; '.join(lacks)}" if lacks else ""
    ours = [row for row in rows if row["way"] == "digits-rs" and "skipped" in row and row["skipped"] != report["not_reached"]]
    peers = [row for row in rows if row["way"] != "digits-rs"]
    expect(not ours, f"ours could not be measured everywhere; {words}")
    expect(status == 0, f"speed.py ended with {status}: {text[-200:]}")
    if peers and all("skipped" in row for row in peers):
        raise Fault(f"nothing was compared; {words}")
    if by_state["MISSED"]:
        raise Missed(words)
    if lacks or by_state["not measured"]:
        raise Partly(words)
    return words
