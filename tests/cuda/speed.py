"""One GPU: this program against PyTorch eager and against PyTorch captured as a CUDA graph. Prints ratios.

    python tests/cuda/speed.py --digits target/release/digits-rs --dataset datasets/mnist [--network autoencoder|lenet]

Needs a Python whose torch 2.11 has CUDA, and a digits-rs built against that torch (see .ci/libtorch). On a GPU it has not
been run yet, for want of one; `--device cpu` rehearses it without the graph. Its figures are images a second from the end
of the first epoch to the end of the last, all data in the peer's device memory (its best case), medians over rounds in
turn.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# In the repository, and in the folder that `make cuda-kit` fills.
sys.path[:0] = [f"{HERE}/../bench/peers", f"{HERE}/peers"]


def digits_rate(arguments):
    """Images a second by the program's own metrics, the first epoch left out."""
    with tempfile.TemporaryDirectory() as folder:
        more = ["--tf32"] if arguments.tf32 else []
        command = [arguments.digits, "run", f"networks/{arguments.network}.lua", "--dataset", arguments.dataset, "--device", arguments.device]
        command += ["--epochs", str(arguments.epochs), "--validation-interval", "0", "--snapshot-interval", "0", "--job", f"{folder}/job", *more]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(f"{folder}/job/metrics.jsonl") as file:
            events = [json.loads(line) for line in file]
    train = [event for event in events if event["event"] == "train" and event["epoch"] > 1]
    # The last step's time was read after the device had finished: metrics wait for the losses.
    steps = train[-1]["iteration"] - train[0]["iteration"]
    return 64 * steps / (train[-1]["time"] - train[0]["time"])


def arrays(arguments):
    """Every train image less the mean, f32 [n, c, h, w], and its label."""
    if arguments.arrays:
        import numpy

        with numpy.load(arguments.arrays) as kept:
            return kept["pixels"].astype(numpy.float32) - kept["mean"], kept["labels"].astype(numpy.int64)
    from caffe_lmdb import Images, columns, mean

    return columns(Images(f"{arguments.dataset}/train_db", mean(f"{arguments.dataset}/mean.binaryproto")))


def keep(dataset, path):
    """Writes what --arrays reads: u8 pixels, labels, the mean, for a Python without lmdb."""
    import numpy
    from caffe_lmdb import Images, columns, mean

    own = mean(f"{dataset}/mean.binaryproto")
    images = Images(f"{dataset}/train_db", own * 0)
    pixels, labels = columns(images)
    numpy.savez_compressed(path, pixels=pixels.astype(numpy.uint8), labels=labels.astype(numpy.uint8), mean=own.reshape(pixels.shape[1:]))


def torch_rate(arguments, is_captured):
    """The same network and rule in PyTorch, eager or as one captured graph a step."""
    import networks
    import torch

    device = arguments.device
    # As this program has it without --tf32: PyTorch's own default rounds convolutions.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arguments.tf32
    pixels, labels = (torch.from_numpy(column).to(device) for column in arrays(arguments))
    network, criterion, scale = networks.build(arguments.network)
    network = network.to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9, dampening=0.9, weight_decay=1e-4, foreach=True)
    batch, target = torch.zeros(64, 1, 28, 28, device=device), torch.zeros(64, dtype=torch.int64, device=device)

    def step():
        optimizer.zero_grad(set_to_none=True)
        criterion(network(batch * scale), networks.target(arguments.network, batch, target)).backward()
        optimizer.step()

    if is_captured:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
    run = graph.replay if is_captured else step

    def epoch():
        done = 0
        for indices in torch.randperm(len(pixels), device=device).split(64):
            if len(indices) == 64:  # a captured graph has one size
                batch.copy_(pixels[indices])
                target.copy_(labels[indices])
                run()
                done += 64
        return done

    finish = torch.cuda.synchronize if device == "cuda" else lambda: None
    epoch()
    finish()
    begin = time.monotonic()
    done = sum(epoch() for _ in range(arguments.epochs - 1))
    finish()
    return done / (time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", default="target/release/digits-rs")
    parser.add_argument("--dataset", default="datasets/mnist")
    parser.add_argument("--arrays", help="the train images as --keep wrote them, in place of the dataset's LMDB, for the peers")
    parser.add_argument("--keep", metavar="FILE", help="only write the train images for --arrays")
    parser.add_argument("--network", choices=["autoencoder", "lenet"], default="autoencoder")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tf32", action="store_true", help="both sides round the inputs of products to TF32")
    parser.add_argument("--epochs", type=int, default=12, help="2 or more: the first is not counted")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    arguments.digits, arguments.dataset = os.path.abspath(arguments.digits), os.path.abspath(arguments.dataset)
    if arguments.keep:
        return keep(arguments.dataset, arguments.keep)
    import torch

    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("this Python's torch finds no CUDA device: nothing is measured")
    place = torch.cuda.get_device_name() if arguments.device == "cuda" else "the processor, a rehearsal"
    print(f"{place}, PyTorch {torch.__version__}, {arguments.network}")
    contenders = {"digits-rs": lambda: digits_rate(arguments), "PyTorch eager": lambda: torch_rate(arguments, False)}
    if arguments.device == "cuda":
        contenders["PyTorch, CUDA graph"] = lambda: torch_rate(arguments, True)
    rates = {name: [] for name in contenders}
    for _ in range(arguments.rounds):
        for name, measure in contenders.items():
            rates[name].append(measure())
    for name, values in rates.items():
        ratios = [a / b for a, b in zip(rates["digits-rs"], values)]
        print(f"{name:<22} {statistics.median(values):>12,.0f} images/s   ours is {statistics.median(ratios):.2f} x ({min(ratios):.2f} – {max(ratios):.2f})")


if __name__ == "__main__":
    main()
