"""A network of the kit in PyTorch, one way of taking steps, in a process of its own. Its last line is JSON.

    python peer.py --network lenet --way graph [--tf32] [--device cuda] [--steps 1000] [--trace FILE]

The ways: eager; graph, the whole step captured as a CUDA graph; compile, reduce-overhead and max-autotune, forward and backward
by torch.compile in that mode. The optimiser is PyTorch's one-launch form on CUDA. The images lie in the device's memory as
f32, already without their mean: the peer's best case. What is timed, marked and recorded is what digits-rs run --profile does.
"""
import argparse
import json
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# In the repository, and in the folder that `make cuda-kit` fills.
sys.path[:0] = [str(HERE / "../bench/peers"), str(HERE / "peers")]

import networks
import torch

WAYS = ["eager", "graph", "compile", "reduce-overhead", "max-autotune"]
# As in src/tasks/profiling.rs.
WARM_UP, RECORDED = 10, 5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=[*networks.NAMES, *networks.LARGE], required=True)
    parser.add_argument("--way", choices=WAYS, required=True)
    parser.add_argument("--device", default="cuda", help="cpu, cuda or cuda:N")
    parser.add_argument("--tf32", action="store_true", help="round the inputs of products to TF32; PyTorch's own default does so in convolutions only")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--trace", help="write a trace of a few more steps into this file")
    arguments = parser.parse_args()
    on_cuda, name = arguments.device != "cpu", arguments.network
    if on_cuda and not torch.cuda.is_available():
        sys.exit("this Python's torch finds no CUDA device")
    if ":" in arguments.device:
        # Streams, events and graphs are the current device's.
        torch.cuda.set_device(arguments.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arguments.tf32
    torch.manual_seed(1)
    count = arguments.batch_size or networks.BATCH[name]
    shape, device = networks.SAMPLE[name], arguments.device
    network, criterion, scale = networks.build(name)
    network = network.to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-6, momentum=0.9, dampening=0.9, weight_decay=1e-4, fused=on_cuda, foreach=not on_cuda)
    images = 8192 if shape[0] == 1 else 4 * count
    pixels = torch.randint(-128, 128, (images, *shape), device=device).float()
    labels = torch.randint(0, 10, (images,), device=device)
    batch, wanted = torch.zeros(count, *shape, device=device), torch.zeros(count, dtype=torch.int64, device=device)

    def loss_of(batch, wanted):
        return criterion(network(batch * scale), networks.target(name, batch, wanted))

    if arguments.way in ("compile", "reduce-overhead", "max-autotune"):
        mode = "default" if arguments.way == "compile" else arguments.way
        loss_of = torch.compile(loss_of, mode=mode)

    def work():
        optimizer.zero_grad(set_to_none=True)
        loss_of(batch, wanted).backward()
        optimizer.step()

    first_step_at = None
    if arguments.way == "graph":
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                work()
                if first_step_at is None:
                    torch.cuda.synchronize()
                    first_step_at = time.time()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        work = graph.replay

    order = iter(())

    def step():
        nonlocal order
        indices = next(order, None)
        if indices is None:
            order = iter(torch.randperm(images, device=device).split(count)[: images // count])
            indices = next(order)
        with torch.profiler.record_function("step"):
            torch.index_select(pixels, 0, indices, out=batch)
            torch.index_select(labels, 0, indices, out=wanted)
            if arguments.way in ("reduce-overhead", "max-autotune"):
                torch.compiler.cudagraph_mark_step_begin()
            work()

    finish = torch.cuda.synchronize if on_cuda else lambda: None

    def moment():
        if not on_cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    for _ in range(WARM_UP):
        step()
        if first_step_at is None:
            finish()
            first_step_at = time.time()
    begin = moment()
    for _ in range(arguments.steps):
        step()
    end = moment()
    finish()
    seconds = begin.elapsed_time(end) / 1e3 if on_cuda else end - begin
    found = {"batch_size": count, "first_step_at": first_step_at, "steps": arguments.steps, "seconds_a_step": seconds / arguments.steps}
    if on_cuda:
        found["peak_memory"] = [torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()]
    if arguments.trace:
        kinds = [torch.profiler.ProfilerActivity.CPU] + ([torch.profiler.ProfilerActivity.CUDA] if on_cuda else [])
        with torch.profiler.profile(activities=kinds) as profile:
            for _ in range(RECORDED):
                step()
            finish()
        profile.export_chrome_trace(arguments.trace)
    print(json.dumps(found), flush=True)
    # Worker processes of torch.compile may outlive their use.
    os._exit(0)


if __name__ == "__main__":
    main()
