#!/usr/bin/env python3
"""The suites of the packages beside nn, from checkouts, under `digits-rs th --trusted`: what src/docs/packages.md says of them.

    tests/fidelity/packages.py DIGITS CHECKOUTS [--only image,dpnn] [--seed 1] [--limit SECONDS] [--test PATTERN]

CHECKOUTS holds torch+image, torch+nngraph, torch+optim, Element-Research+dpnn and Element-Research+rnn. A test of a suite
that names its tests runs in a process of its own and passes when nothing in it fails or raises; of nngraph and optim every
file of `test/` is one, which runs in a copy of its folder and passes when it ends without an error. The suites' code is not
in this repository. Ends with 1 when a package passes fewer than it should.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import types

import score

# Checkout, and how many tests have to pass: 1.0 is a share, of all.
SUITES = {"image": ("torch+image", 38), "dpnn": ("Element-Research+dpnn", 29), "rnn": ("Element-Research+rnn", 0.9)}
# A folder of files, those that are no test, and what two of them require that is not Torch's.
FILES = {
    "nngraph": ("torch+nngraph", {"speed.lua"}, set()),
    "optim": ("torch+optim", set(), {"sparsecoding.lua", "test_fista.lua"}),
}


def named_tests(package, options):
    """[(test, None or why it did not pass)] of a suite that names its tests."""
    checkout = options.checkouts / SUITES[package][0]
    with tempfile.TemporaryDirectory(prefix="package-") as scratch:
        # As they are installed: image's pictures lie beside its tests.
        copy = shutil.copytree(checkout / "test", pathlib.Path(scratch) / "test")
        if (checkout / "assets").is_dir():
            shutil.copytree(checkout / "assets", copy / "assets")
        args = types.SimpleNamespace(digits=str(options.digits), **{package: scratch})
        names, _ = score.drive(args, package, options.seed, "?", options.limit)
        for name in names:
            if re.search(options.test, name):
                outcome = score.drive(args, package, options.seed, name, options.limit)[0][name]
                ended = not re.match(r"exit status|longer than|did not run", outcome.words)
                yield name, None if ended and not outcome.failed and not outcome.raised else outcome.words


def files(package, options):
    """[(file, None or the last line it left)] of a folder of scripts."""
    checkout, left_out, _ = FILES[package]
    for file in sorted((options.checkouts / checkout / "test").glob("*.lua")):
        if file.name in left_out or not re.search(options.test, file.name):
            continue
        with tempfile.TemporaryDirectory(prefix="package-") as scratch:
            copy = pathlib.Path(scratch) / "test"
            shutil.copytree(file.parent, copy)
            try:
                run = subprocess.run([options.digits, "th", "--trusted", file.name], cwd=copy, capture_output=True, text=True,
                                     errors="replace", stdin=subprocess.DEVNULL, timeout=options.limit, check=False)
                lines = [line.strip() for line in run.stderr.splitlines() + run.stdout.splitlines() if line.strip()]
                failed = run.returncode != 0 or re.search(r"^Completed .* with [1-9]\d* (failure|error)", run.stdout, re.MULTILINE)
                yield file.name, (lines or ["printed nothing"])[0][:200] if failed else None
            except subprocess.TimeoutExpired:
                yield file.name, f"longer than {options.limit:g} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("digits", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("checkouts", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--only", default=",".join([*SUITES, *FILES]), help="some of them, with commas between")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=300, help="seconds that a test may take")
    parser.add_argument("--test", default="", help="a regular expression: only the tests whose name has it")
    options = parser.parse_args()
    lines, short = [], []
    for package in options.only.split(","):
        ran = []
        for name, why in named_tests(package, options) if package in SUITES else files(package, options):
            ran.append((name, why))
            if why is not None:
                print(f"{package} {name}: {why}", flush=True)
            elif sys.stderr.isatty():
                print(f"\r{package}: {len(ran)} tests", end="", file=sys.stderr)
        passed = sum(why is None for _, why in ran)
        if package in SUITES:
            reach = SUITES[package][1]
            reach = reach if isinstance(reach, int) else reach * len(ran)
        else:
            reach = len(ran) - len(FILES[package][2])
        lines.append(f"| {package} | {len(ran)} | {passed} |")
        print(lines[-1], flush=True)
        if not options.test and (passed < reach or not ran):
            short.append(f"{package}: {passed} of {len(ran)}, {reach:g} wanted")
    print("\n" + "\n".join(["| package | tests | pass |", "|---|---|---|", *lines]))
    sys.exit("\n".join(short) or 0)


if __name__ == "__main__":
    main()
