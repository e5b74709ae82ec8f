#!/usr/bin/env python3
"""Runs public Torch7 files that nobody here wrote, unchanged, and prints what happened to each.

    tests/fidelity/public_files.py DIGITS CHECKOUTS [LIST] [--only WORD] [--limit SECONDS] [--jobs N] [--logs DIR] [--table FILE]

DIGITS is the program. CHECKOUTS holds a folder for each repository, named owner+name. LIST (public_files.txt beside this
script when left out) has a line a file: repository, file and driver, with ` | ` between them. A repository may end in a
folder, `owner/name:folder`: the script runs in it, and the file is named from there. The driver is Lua, ours, in which FILE
stands for the file's path as a string: it builds what the file defines in small sizes and calls it, with the functions of
public_files.lua. A line that starts with a space goes on with the driver before it; one that starts with `#` is a note; one
that starts with `! ` explains why the file before it may fail for a reason that lies in the file itself.

Each file runs under `digits-rs th --trusted` in a process of its own, in a copy of its checkout, and is OK when its driver
reaches its end. The table in Markdown says OK, or the first thing that was missing.
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
END = "the driver reached its end"


@dataclasses.dataclass
class Case:
    """A public file and the driver that calls what it defines."""
    repository: str                             # owner/name
    folder: str                                 # where it runs, below the checkout
    file: str                                   # seen from that folder
    driver: str
    reason: str = ""                            # why it cannot run for a reason of its own

    @property
    def name(self):
        return f"{self.folder}/{self.file}" if self.folder else self.file


def read_list(path):
    cases = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("! "):
            cases[-1].reason = line[2:].strip()
        elif line.startswith(" "):
            cases[-1].driver += "\n" + line.strip()
        else:
            fields = [field.strip() for field in line.split(" | ", 2)]
            if len(fields) != 3:
                sys.exit(f"{path}, line {number}: a line is `repository | file | driver`")
            repository, _, folder = fields[0].partition(":")
            cases.append(Case(repository, folder, *fields[1:]))
    return cases


def first_missing(page, output, returned, limit):
    """The line that says why a script stopped: the first of its error page, else the last that it printed."""
    if returned is None:
        return f"still ran after {limit} s"
    if returned < 0:
        return f"ended by signal {-returned}"
    failed = re.search(r"Function call failed\n(.+)|^(.+ failed: .+)$", output, re.MULTILINE)
    if failed and "while running tests" in page:
        return "a test fails: " + (failed[1] or failed[2])
    lines = [line.strip() for line in page.splitlines() if line.strip() and not line.startswith("warning")]
    lines = lines or ["ended early, after: " + line for line in output.strip().splitlines()[-1:]] or ["printed nothing"]
    return re.sub(r"\x1b\[[0-9;]*m", "", re.sub(r"\s+", " ", lines[0])).rstrip(":")


def run_case(case, options):
    checkout = options.checkouts / case.repository.replace("/", "+")
    if not (checkout / case.folder / case.file).is_file():
        return "no such file among the checkouts"
    with tempfile.TemporaryDirectory(prefix="public-") as scratch:
        copy = pathlib.Path(scratch) / checkout.name
        shutil.copytree(checkout, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        script = pathlib.Path(scratch) / "driver.lua"
        script.write_text(f"dofile {str(HERE / 'public_files.lua')!r}\n" + re.sub(r"\bFILE\b", repr("./" + case.file), case.driver)
                          + f"\nprint '{END}'\n")
        try:
            run = subprocess.run([options.digits, "th", "--trusted", script], cwd=copy / case.folder, text=True, errors="replace",
                                 stdin=subprocess.DEVNULL, capture_output=True, timeout=options.limit, check=False)
            output, page, returned = run.stdout, run.stderr, run.returncode
        except subprocess.TimeoutExpired as late:
            output, page, returned = (late.stdout or b"").decode(errors="replace"), "", None
        output, page = output.replace(scratch, "SCRATCH"), page.replace(scratch, "SCRATCH")
    if options.logs:
        options.logs.mkdir(parents=True, exist_ok=True)
        (options.logs / (re.sub(r"[/:]", "+", f"{case.repository}+{case.name}") + ".txt")).write_text(output + page)
    if returned == 0 and output.rstrip().endswith(END):
        return None
    return first_missing(page, output, returned, options.limit)


def table(cases, results):
    """The table in Markdown, and its count above it."""
    ran = [case for case, result in zip(cases, results) if result is None]
    theirs = [case for case, result in zip(cases, results) if result is not None and case.reason]
    yield (f"{len(cases)} files of {len({case.repository for case in cases})} repositories: {len(ran)} run, {len(theirs)} cannot for a "
           f"reason of their own, {len(cases) - len(ran) - len(theirs)} do not for a reason of ours.")
    yield ""
    yield "| repository | file | result |"
    yield "|---|---|---|"
    for case, result in zip(cases, results):
        if result is None:
            shown = "OK"
        elif case.reason:
            shown = f"its own: {case.reason}"
        else:
            shown = "ours: " + result[:160].replace("|", "\\|").replace("<", "&lt;")
        yield f"| {case.repository} | `{case.name}` | {shown} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("digits", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("checkouts", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("list", nargs="?", type=pathlib.Path, default=HERE / "public_files.txt")
    parser.add_argument("--only", default="", help="only the lines whose repository or file has this in it")
    parser.add_argument("--limit", type=int, default=60, help="seconds that a file may take")
    parser.add_argument("--jobs", type=int, default=1, help="how many run at once")
    parser.add_argument("--logs", type=pathlib.Path, help="a folder for what each file printed")
    parser.add_argument("--table", type=pathlib.Path, help="also write the table there")
    options = parser.parse_args()
    cases = [case for case in read_list(options.list) if options.only in f"{case.repository}/{case.name}"]
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for case, result in zip(cases, pool.map(lambda case: run_case(case, options), cases)):
            print(f"{'OK  ' if result is None else 'FAIL'} {case.repository} {case.name}" + (f": {result}" if result else ""), flush=True)
            results.append(result)
    lines = "\n".join(table(cases, results)) + "\n"
    print("\n" + lines, end="")
    if options.table:
        options.table.write_text(lines)
    again = collections.Counter(result for case, result in zip(cases, results) if result and not case.reason)
    for result, count in again.most_common():
        print(f"{count:4} {result}")
    sys.exit(1 if again else 0)


if __name__ == "__main__":
    main()
