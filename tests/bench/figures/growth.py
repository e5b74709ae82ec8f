"""From ten thousand records to a million: time an image and memory, records streamed; and a plot of both."""
import os
import statistics

from datasets import generated
from measure import digits_command, ratios, row, run as run_process

SIZES = [10_000, 31_623, 100_000, 316_228, 1_000_000]
IMAGES = 100_000
# One about every 5,000 images.
LINES = 20
# A run takes a second: many of them cost less than a doubt.
TIMES = 3


def run(arguments, say):
    sizes = SIZES[:3] if arguments.quick else SIZES
    datasets = {size: generated(size, say) for size in sizes}
    times, memory = {size: [] for size in sizes}, {size: [] for size in sizes}
    os.sync()  # or the first round would be measured while the system writes the datasets
    training(arguments, datasets[sizes[0]], 1)  # warms up, not counted
    for number in range(TIMES * arguments.rounds):
        for size in sizes:
            # The first round reads every record; the others look at the time, and end when they have seen enough.
            finished = training(arguments, datasets[size], max(1, IMAGES // size), None if number == 0 else LINES)
            events = [event for event in finished.metrics if event["event"] == "train"][1:]
            times[size].append(statistics.median(1e6 / event["images_per_second"] for event in events))
            memory[size].append(finished.anonymous_mib)
        texts = (f"{size:,} records {times[size][-1]:.2f} µs, {memory[size][-1]:.0f} MiB" for size in sizes)
        say(f"  round {number + 1}: an image, memory: {'; '.join(texts)}")
    medians = [statistics.median(values) for values in times.values()]
    peaks = [values[0] for values in memory.values()]
    plot(f"{arguments.out}/growth.svg", sizes, medians, peaks)
    # A size's time is that over its round's, in the middle of all rounds: a host that changes its pace from one run to
    # the next, by a fifth on some, would otherwise be taken for growth.
    shares = [[time / statistics.median(in_round) for time, in_round in zip(values, zip(*times.values()))] for values in times.values()]
    steady = [statistics.median(values) for values in shares]
    least, most = f"{sizes[0]:,}", f"{sizes[-1]:,}"
    name = f"growth from {least} to {most} records"
    return [
        row(f"{name}: time an image varies by, %", [100 * (max(steady) / min(steady) - 1)], 10, "lower", 1, "[plot](growth.svg)"),
        row(f"{name}: more memory of our own, MiB", [peaks[-1] - peaks[0]], 20, "lower", 0),
        row(f"time an image: {most} records over {least}", ratios(times[sizes[-1]], times[sizes[0]]), None, "lower"),
    ]


def training(arguments, dataset, epochs, lines=None):
    """Every size is streamed, for 1 MiB holds no set whole. The records are noise: nothing is to be learnt."""
    command = digits_command(
        arguments, "autoencoder", dataset, "--epochs", str(epochs), "--memory", "1", "--validation-interval", "0",
        "--snapshot-interval", "0", "--subtract-mean", "none", "--lr", "1e-7",
    )
    return run_process(command, lines=lines)


def plot(path, sizes, times, memory):
    """Two small panels over the number of records, as SVG."""
    width, height, left, top = 740, 300, 60, 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for panel, (title, values) in enumerate((("µs an image", times), ("MiB of its own memory", memory))):
        x0, w, h = left + panel * 360, 270, 190
        most = max(values) * 1.25
        at = lambda i, value: (x0 + w * i / (len(sizes) - 1), top + h * (1 - value / most))
        parts.append(f'<text x="{x0}" y="{top - 18}" font-size="14" font-weight="bold">{title}</text>')
        for share in (0, 0.5, 1):
            y = top + h * (1 - share)
            parts.append(f'<line x1="{x0}" y1="{y}" x2="{x0 + w}" y2="{y}" stroke="#ddd"/>')
            parts.append(f'<text x="{x0 - 6}" y="{y + 4}" text-anchor="end" fill="#555">{most * share:.3g}</text>')
        points = [at(i, value) for i, value in enumerate(values)]
        parts.append('<polyline fill="none" stroke="#1f5fbf" stroke-width="2" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')
        for (x, y), size, value in zip(points, sizes, values):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#1f5fbf"/>')
            parts.append(f'<text x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">{value:.3g}</text>')
            parts.append(f'<text x="{x:.1f}" y="{top + h + 18}" text-anchor="middle" fill="#555">{size:,}</text>')
        parts.append(f'<text x="{x0 + w / 2}" y="{top + h + 38}" text-anchor="middle" fill="#555">records</text>')
    with open(path, "w") as file:
        file.write("\n".join([*parts, "</svg>"]) + "\n")
