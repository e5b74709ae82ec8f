"""Reads a trace of steps: what a step is made of, and where the device waits. Ours (`run --profile`) and torch.profiler's.

    python traces.py JOB/profile/trace.json

Steps are the marks named `step`; the first one pays for the profiler's beginning and is left out. Where there are kernels,
a step reaches from the first kernel that was launched in it to the first of the next one, on the device's clock; on the
processor it is the mark's own time, and operators take the place of kernels.
"""
import collections
import json
import sys

ON_DEVICE = {"kernel", "gpu_memcpy", "gpu_memset"}
CALLS = {"cuda_runtime", "cuda_driver"}
LAUNCHES = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch", "cuGraphLaunch", "cudaMemcpyAsync", "cudaMemsetAsync", "cudaLaunchCooperativeKernel")
WAITS = ("Synchronize", "cudaMalloc", "cudaFree", "cudaHostAlloc", "cudaHostRegister")


def is_launch(name):
    return name.startswith(LAUNCHES)


def is_wait(name):
    """A call in which the host stands still for the device; cudaMemcpy without Async does."""
    return name == "cudaMemcpy" or any(word in name for word in WAITS)


def union(spans):
    """The time that spans cover, and the gaps between them: (what came before, length)."""
    covered, gaps, end, last = 0.0, [], None, ""
    for begin, until, name in sorted(spans):
        if end is not None and begin > end:
            gaps.append((begin - end, last, name))
        if end is None or until > end:
            covered += until - (begin if end is None else max(begin, end))
            end, last = until, name
    return covered, gaps


def outermost(events):
    """Those that lie in no other, and each one's own time without what lies in it."""
    stack, outer, own = [], [], []
    for event in sorted(events, key=lambda event: (event["ts"], -event["dur"])):
        while stack and stack[-1][0] <= event["ts"]:
            stack.pop()
        own.append([event["name"], event["dur"]])
        if stack:
            stack[-1][1][1] -= event["dur"]
        else:
            outer.append(event)
        stack.append((event["ts"] + event["dur"], own[-1]))
    return outer, own


def figures(path):
    """What a step of the trace comes to; times in milliseconds."""
    with open(path) as file:
        events = [event for event in json.load(file)["traceEvents"] if event.get("ph") == "X" and "dur" in event]
    marks = sorted((event for event in events if event["name"] == "step" and event["cat"] == "user_annotation"), key=lambda event: event["ts"])
    if len(marks) < 3:
        raise ValueError(f"{path} has {len(marks)} steps, not three or more")
    first, last = marks[1]["ts"], marks[-1]["ts"]
    steps = len(marks) - 2
    begin, until = first, last
    thread = marks[1]["tid"]
    host = [event for event in events if first <= event["ts"] < last]
    calls = [event for event in host if event["cat"] in CALLS]
    inside = [event for event in calls if any(mark["ts"] <= event["ts"] < mark["ts"] + mark["dur"] for mark in marks)]
    waits = collections.Counter(event["name"] for event in calls if is_wait(event["name"]))
    waits_inside = collections.Counter(event["name"] for event in inside if is_wait(event["name"]))

    device = [event for event in events if event["cat"] in ON_DEVICE]
    if device:
        number = lambda event: event.get("args", {}).get("correlation")
        launched = {number(event): event["ts"] for event in events if event["cat"] in CALLS}
        by_launch = lambda low, high: [event for event in device if low <= launched.get(number(event), -1.0) < high]
        mine, after = by_launch(first, last), by_launch(last, float("inf"))
        if mine:
            begin = min(event["ts"] for event in mine)
            ends = max(event["ts"] + event["dur"] for event in mine)
            until = max(ends, min((event["ts"] for event in after), default=ends))
        pieces = [(event["name"], event["dur"]) for event in mine]
        spans = [(event["ts"], event["ts"] + event["dur"], event["name"]) for event in mine]
    else:
        operators = [event for event in host if event["cat"] == "cpu_op" and event["tid"] == thread]
        outer, own = outermost(operators)
        pieces = [tuple(one) for one in own]
        spans = [(event["ts"], event["ts"] + event["dur"], event["name"]) for event in outer]
    busy, gaps = union(spans)
    parts = collections.defaultdict(lambda: [0, 0.0])
    for name, length in pieces:
        parts[name][0] += 1
        parts[name][1] += length
    return {
        "on_device": bool(device),
        "steps": steps,
        "step_ms": (until - begin) / steps / 1e3,
        "busy_share": busy / (until - begin),
        "pieces": len(pieces) / steps,
        "launches": sum(is_launch(event["name"]) for event in calls) / steps,
        "waits": sum(waits.values()) / steps,
        "waits_inside": sum(waits_inside.values()) / steps,
        "wait_names": dict(waits_inside),
        "parts": sorted(((name, count / steps, length / steps / 1e3) for name, (count, length) in parts.items()), key=lambda row: -row[2]),
        "gaps": [(length / 1e3, before, behind) for length, before, behind in sorted(gaps, reverse=True)],
    }


def short(name, width=64):
    """A kernel's name without what its templates say."""
    name = name.replace("void ", "", 1).replace("at::native::", "").replace("(anonymous namespace)::", "")
    return name if len(name) <= width else name[: width - 1] + "…"


def table(found, rows=15, gaps=5):
    """The same to be read: the dearest parts, the widest gaps."""
    what = "kernels" if found["on_device"] else "operators (a processor: their own time)"
    lines = [
        f"a step: {found['step_ms']:.3f} ms, of which {what.split(' ')[0]} run {found['busy_share']:.0%}; mean of {found['steps']}",
        f"launches {found['launches']:.1f}, waits of the host in a step {found['waits_inside']:.1f}, with what lies between steps {found['waits']:.1f}",
        "",
        f"| {what} | a step | ms | share |",
        "|---|---:|---:|---:|",
    ]
    parts = found["parts"]
    for name, count, length in parts[:rows]:
        lines.append(f"| {short(name)} | {count:.1f} | {length:.4f} | {length / found['step_ms']:.1%} |")
    if len(parts) > rows:
        rest = sum(length for _, _, length in parts[rows:])
        lines.append(f"| {len(parts) - rows} others | {sum(count for _, count, _ in parts[rows:]):.1f} | {rest:.4f} | {rest / found['step_ms']:.1%} |")
    lines += ["", f"gaps between them: {sum(length for length, _, _ in found['gaps']) / found['steps']:.4f} ms a step; the widest:"]
    lines += [f"  {length:.4f} ms after {short(before, 40)}, before {short(behind, 40)}" for length, before, behind in found["gaps"][:gaps]]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(figures(sys.argv[1])))
