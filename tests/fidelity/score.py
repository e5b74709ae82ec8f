#!/usr/bin/env python3
"""How much of Torch7 digits-rs reproduces: runs torch/nn's and torch/torch7's own suites and prints the score.

    tests/fidelity/score.py --nn CHECKOUT --torch7 CHECKOUT --digits BIN [--seeds 1,2,3] [--keep FILE] [--write]

The suites are public; their code is not part of this repository. Every test runs in a process of its own and, once a
seed, all tests of a suite together in one. A test counts when it passed in every run *and* asserted something there.
--only PATTERN runs some tests, fresh, and prints what they said. --keep FILE remembers what has run, a line a run: the
same command goes on there when it was stopped (three seeds take half an hour; begin with a new FILE for a new program). --write rewrites src/docs/fidelity.md; the reasons of
the failing tests are kept in reasons.txt beside this script.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
DRIVER = HERE / "driver.lua"
PAGE = HERE.parent.parent / "src" / "docs" / "fidelity.md"
SCORED = {"nn": "test.lua", "torch7": "test/test.lua"}
# Of packages beside them, which packages.py runs.
SUITES = {**SCORED, "image": "test/test.lua", "dpnn": "test/test.lua", "rnn": "test/test.lua"}


class Outcome:
    """One test in one run."""

    def __init__(self, held=0, failed=0, raised=0, seconds=0.0, words="did not run"):
        self.held, self.failed, self.raised, self.seconds, self.words = held, failed, raised, seconds, words

    @property
    def counts(self):
        return self.held > 0 and not self.failed and not self.raised

    def say(self):
        if self.counts:
            return "ok"
        if not self.held and not self.failed and not self.raised and not self.words:
            return "asserted nothing"
        return self.words


def drive(args, suite, seed, test, limit):
    """Runs the driver; gives {test: Outcome} for the tests that ended, and why it stopped when that was early."""
    checkout = pathlib.Path(getattr(args, suite)).resolve()
    with tempfile.NamedTemporaryFile("r", suffix=".tsv") as results:
        command = [args.digits, "th", "--trusted", str(DRIVER), suite, str(checkout / SUITES[suite]), results.name, str(seed)]
        command += [test] if test else []
        with tempfile.TemporaryDirectory() as scratch:
            process = subprocess.Popen(command, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS="1"))
            try:
                said, _ = process.communicate(timeout=limit)
                why = "" if process.returncode == 0 else f"exit status {process.returncode}"
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
                why = f"longer than {limit} s"
        rows = [line.rstrip("\n").split("\t") for line in open(results.name, errors="replace")]
    said = said.decode(errors="replace")
    if test == "?":
        if why or not rows:
            sys.exit(f"{suite}: the suite does not load ({why}):\n{said[-3000:]}")
        return sorted(row[0] for row in rows), said
    done = {}
    for row in rows:
        if len(row) >= 6:
            done[row[0]] = Outcome(int(row[1]), int(row[2]), int(row[3]), float(row[4]), row[5])
    if test and test not in done:
        tail = " | ".join(line for line in said.splitlines() if line.strip())[-300:]
        done[test] = Outcome(words=f"{why or 'did not run'}: {tail}")
    return done, said


class Kept:
    """Outcomes of runs that have ended, in a file: one JSON line for each."""

    def __init__(self, path):
        self.path, self.known = path, {}
        for line in path.read_text().splitlines() if path and path.exists() else []:
            *key, outcomes = json.loads(line)
            self.known[tuple(key)] = {test: Outcome(*values) for test, values in outcomes.items()}

    def drive(self, args, suite, seed, test, limit):
        """As `drive`, unless it is known already."""
        key = (suite, seed, test)
        if key in self.known:
            return self.known[key], ""
        outcomes, said = drive(args, suite, seed, test, limit)
        if self.path:
            values = {name: [o.held, o.failed, o.raised, o.seconds, o.words] for name, o in outcomes.items()}
            with self.path.open("a") as file:
                file.write(json.dumps([*key, values]) + "\n")
        return outcomes, said


def run_suite(args, suite, pool, kept):
    """{(mode, seed): {test: Outcome}} for one suite."""
    names, _ = drive(args, suite, 1, "?", args.limit)
    if args.only:
        names = [name for name in names if re.search(args.only, name)]
    runs, started = {}, time.time()
    jobs = {}
    for seed in args.seeds:
        for name in names:
            jobs[pool.submit(kept.drive, args, suite, seed, name, args.limit)] = ("fresh", seed, name)
        if not args.only and not args.fresh_only:
            jobs[pool.submit(kept.drive, args, suite, seed, None, args.limit * 20)] = ("together", seed, None)
    for done, job in enumerate(concurrent.futures.as_completed(jobs), 1):
        mode, seed, name = jobs[job]
        outcomes, said = job.result()
        run = runs.setdefault((mode, seed), {test: Outcome() for test in names})
        run.update({test: outcome for test, outcome in outcomes.items() if test in run})
        if args.only:
            print(f"--- {suite} {name} seed {seed}: {outcomes[name].say()}\n{said if args.verbose else ''}", flush=True)
        elif sys.stderr.isatty() or done % 50 == 0:
            print(f"\r{suite}: {done} of {len(jobs)} runs, {time.time() - started:.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)
    return names, runs


def reasons():
    """{(suite, test): reason}, from lines `suite test: reason`."""
    known = {}
    for line in (HERE / "reasons.txt").read_text().splitlines():
        found = re.match(r"(\S+) (\S+): (.+)", line)
        if found and not line.startswith("#"):
            known[found.group(1), found.group(2)] = found.group(3)
    return known


def report(args, scores):
    """The page: score, runs, failing tests."""
    known = reasons()
    lines = ["# Fidelity: Torch7's own test suites", "",
             "The suites of torch/nn (`test.lua`) and torch/torch7 (`test/test.lua`) run under `digits-rs th --trusted`:",
             "each test in a process of its own, and all together in one, with several seeds. A test counts when it passed in",
             "every run and asserted something. Written by `tests/fidelity/score.py --write`; the suites' code is not in this",
             "repository.", "", "| suite | tests | pass in every run |", "|---|---|---|"]
    total = [0, 0]
    failing = []
    for suite, (names, runs) in scores.items():
        good = [name for name in names if all(run[name].counts for run in runs.values())]
        total[0] += len(names)
        total[1] += len(good)
        lines.append(f"| {suite} | {len(names)} | {len(good)} |")
        failing += [(suite, name, runs) for name in names if name not in good]
    lines += [f"| both | {total[0]} | **{total[1]}** |", "", "| run | " + " | ".join(scores) + " |",
              "|---|" + "---|" * len(scores)]
    for key in sorted({key for _, runs in scores.values() for key in runs}):
        row = [str(sum(o.counts for o in runs[key].values())) if key in runs else "" for _, runs in scores.values()]
        lines.append(f"| {key[0]}, seed {key[1]} | " + " | ".join(row) + " |")
    lines += ["", "## Tests that do not count", ""]
    if failing:
        lines += ["| suite | test | runs that count | reason |", "|---|---|---|---|"]
    for suite, name, runs in failing:
        said = next(run[name].say() for run in runs.values() if not run[name].counts)
        count = sum(run[name].counts for run in runs.values())
        reason = known.get((suite, name), f"not studied; it says: {said[:160]}").replace("|", "/").replace("<", "&lt;")
        lines.append(f"| {suite} | {name} | {count} of {len(runs)} | {reason} |")
    return "\n".join(lines) + "\n", total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nn", help="a checkout of torch/nn")
    parser.add_argument("--torch7", help="a checkout of torch/torch7")
    parser.add_argument("--digits", default="target/debug/digits-rs", help="the program")
    parser.add_argument("--seeds", default=[1, 2, 3], type=lambda text: [int(seed) for seed in text.split(",")])
    parser.add_argument("--limit", default=60, type=float, help="seconds a test may take")
    parser.add_argument("--jobs", default=2, type=int, help="processes at a time")
    parser.add_argument("--only", help="a regular expression: only these tests, fresh")
    parser.add_argument("--fresh-only", action="store_true", help="leave the runs of a whole suite out")
    parser.add_argument("--keep", type=pathlib.Path, help="a file that remembers what has run")
    parser.add_argument("--verbose", action="store_true", help="with --only: everything that was printed")
    parser.add_argument("--write", action="store_true", help="rewrite src/docs/fidelity.md")
    args = parser.parse_args()
    args.digits = str(pathlib.Path(args.digits).resolve())
    scores, kept = {}, Kept(args.keep)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for suite in SCORED:
            if getattr(args, suite):
                scores[suite] = run_suite(args, suite, pool, kept)
    if not scores:
        parser.error("give --nn CHECKOUT, --torch7 CHECKOUT or both")
    page, total = report(args, scores)
    if args.write:
        PAGE.write_text(page)
    print(page)
    print(f"score: {total[1]} of {total[0]}")


if __name__ == "__main__":
    main()
