"""What is claimed of a device, tried part by part; each part has its time, and none stops the next. A table at the end.

    ./run.sh [--device cuda] [--minutes 14] [--only doctor,modules] [--out DIR] [--quick]

`--device cpu` rehearses it. All that the programs print is kept in the folder of the output, a file a command; table.md in it
is written anew after each part. Exit status: 0 all that was tried is right; 1 a part found a FAULT; 2 the kit could not
begin; 3 no fault, but a goal was missed or something was not tried; 130 and 143 stopped by Ctrl-C and by SIGTERM.
"""
import argparse
import errno
import pathlib
import re
import signal
import sys
import time

import agreement
import children
import conduct
import figures
import machine
from part import Fault, Kit, Missed, NoDevice, Partly, Skip

# By what they are worth where a card is lent for a quarter of an hour, each with the seconds that it may take then.
PARTS = {
    "doctor": (conduct.doctor, 60),
    "captured": (agreement.captured, 150),
    "modules": (agreement.modules, 200),
    "speed": (figures.speed, 400),
    "profile": (figures.profile, 120),
    "processes": (conduct.processes, 120),
    "resumes": (conduct.resumes, 100),
    "stops": (conduct.stops, 60),
    "pages": (conduct.pages, 120),
    "repeats": (agreement.repeats, 90),
    "crosses": (agreement.crosses, 90),
    "solvers": (agreement.solvers, 120),
    "networks": (agreement.networks, 400),
    "curves": (agreement.curves, 240),
    "suites": (agreement.suites, 400),
}
MINUTES = 14
# With less than this no part begins.
LEAST_SECONDS = 5
NOT_RIGHT = {"FAULT": 1, "missed": 3, "partly": 3, "not reached": 3, "not tried": 3}


class Stopped(BaseException):
    """A signal that ends the kit."""


def stop(number, _frame):
    # One is enough: the others would interrupt the cleaning.
    for other in STOPS:
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)


STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def device(word):
    if not re.fullmatch(r"cpu|cuda(:\d+)?", word):
        raise argparse.ArgumentTypeError(f"{word!r} is none of cpu, cuda, cuda:N")
    return word


def parts(words):
    """Their names, in the kit's order."""
    names = [name.strip() for name in words.split(",") if name.strip()]
    unknown = [name for name in names if name not in PARTS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{f'there is no part {unknown[0]}' if unknown else 'it names no part'}: {', '.join(PARTS)}")
    return [name for name in PARTS if name in names]


def above_zero(word):
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{word!r} is no number above 0")
    return number


def read_arguments():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", type=device, default="cuda", help="cpu, cuda or cuda:N; cuda is the first one")
    parser.add_argument("--only", type=parts, default=list(PARTS), metavar="NAME,…", help="some parts: " + ", ".join(PARTS))
    parser.add_argument("--minutes", type=above_zero, default=MINUTES, help="for all parts together [%(default)s]; with more each part may take longer")
    parser.add_argument("--out", metavar="DIR", help="folder of the output, empty or new [kit-out, or kit-out-2 and so on where that is taken]")
    parser.add_argument("--over", action="store_true", help="remove what an earlier run left in the folder of --out")
    parser.add_argument("--quick", action="store_true", help="fewer epochs, rounds and networks; no figure of it is judged")
    parser.add_argument("--unoptimised", action="store_true", help="the program is a debug build")
    parser.add_argument("--checkouts", metavar="DIR", help="holds cunn and cutorch, checkouts of torch/cunn and torch/cutorch: their tests run too")
    parser.add_argument("--speed-seconds", type=above_zero, help="a shorter time for the part speed: what it does not reach is named")
    arguments = parser.parse_args()
    if arguments.checkouts and not pathlib.Path(arguments.checkouts).is_dir():
        parser.error(f"argument --checkouts: {arguments.checkouts} is no folder")
    return arguments


def attempt(kit, name):
    """How a part ends, and what it says."""
    run, _ = PARTS[name]
    try:
        return "ok", run(kit)
    except Skip as why:
        return "skipped", str(why)
    except Partly as what:
        return "partly", str(what)
    except Missed as what:
        return "missed", str(what)
    except NoDevice:
        raise
    except Fault as fault:
        return "FAULT", str(fault)
    except OSError as error:
        full = f"the disk of {kit.out} is full; a run wants {machine.DISK_GIB} GiB: {error}"
        return "FAULT", full if error.errno == errno.ENOSPC else f"{type(error).__name__}: {error}"
    except Exception as error:  # a part that breaks must not take the others with it
        return "FAULT", f"{type(error).__name__}: {error}"


class Report:
    """The table, written anew with each row."""

    def __init__(self, kit, arguments, libtorch):
        self.kit, self.wanted, self.rows, self.begun = kit, arguments.only, {}, time.monotonic()
        self.head = f"On {arguments.device}, {arguments.minutes:g} minutes{', --quick: no figure is judged' if arguments.quick else ''}; {libtorch}."
        self.write()

    def add(self, name, how, took, words):
        self.rows[name] = (how, took, words)
        print(f"    {how} ({took:.0f} s) {words}", flush=True)
        self.write()

    def without(self, how, words):
        """The parts that have no row, with the reason."""
        for name in self.wanted:
            self.rows.setdefault(name, (how, 0.0, words))
        self.write()

    def text(self):
        lines = [self.head, "", "| part | | seconds | what came |", "|---|---|---:|---|"]
        for name in self.wanted:
            how, took, words = self.rows.get(name, ("not yet", 0.0, ""))
            lines.append(f"| {name} | {how} | {took:.0f} | {words.replace(chr(10), '; ').replace('|', '/')} |")
        return "\n".join([machine.TITLE, "", *lines, "", f"{time.monotonic() - self.begun:.0f} s in all.", "", *self.kit.appendix, ""])

    def write(self):
        new = self.kit.out / "table.md.new"
        try:
            new.write_text(self.text())
            new.replace(self.kit.out / "table.md")
        except OSError as error:
            # A full disk takes the file, not the row: it is printed at the end.
            print(f"    table.md cannot be written: {error.strerror}; a run wants {machine.DISK_GIB} GiB", file=sys.stderr, flush=True)

    def status(self):
        found = {NOT_RIGHT.get(how, 0) for how, _, _ in self.rows.values()}
        return 1 if 1 in found else max(found, default=0)


def try_parts(kit, report, arguments):
    end = time.monotonic() + 60 * arguments.minutes
    for name in report.wanted:
        left = end - time.monotonic()
        if left < LEAST_SECONDS:
            return report.without("not reached", f"the {arguments.minutes:g} minutes were over (--minutes)")
        run, seconds = PARTS[name]
        began = time.monotonic()
        kit.until = began + min(left, seconds * max(1.0, arguments.minutes / MINUTES))
        print(f"==> {name}: {run.__doc__}", flush=True)
        try:
            how, words = attempt(kit, name)
        except NoDevice as why:
            report.add(name, "FAULT", time.monotonic() - began, str(why))
            return report.without("not tried", "there is no device")
        except Stopped:
            report.add(name, "stopped", time.monotonic() - began, "by a signal, in the middle")
            raise
        finally:
            children.end_all()
        report.add(name, how, time.monotonic() - began, words)


def main():
    arguments = read_arguments()
    machine.check_system()
    libraries, libtorch = machine.check_libtorch(arguments.device)
    children.adopt()
    for number in STOPS:
        signal.signal(number, stop)
    if arguments.device != "cpu" and "doctor" not in arguments.only:
        # It says whether there is a device at all.
        arguments.only.insert(0, "doctor")
    kit = Kit(arguments, machine.out_folder(arguments.out, arguments.over), libraries)
    report, status = Report(kit, arguments, libtorch), None
    try:
        try_parts(kit, report, arguments)
    except Stopped as stopped:
        number = stopped.args[0]
        status, reached = 128 + number, [name for name in report.wanted if name not in report.rows]
        report.without("not reached", f"stopped by {signal.Signals(number).name}")
    print(f"\n{report.text()}")
    if status:
        last = f"stopped by {signal.Signals(status - 128).name}"
        last += f"; not reached: {', '.join(reached)}" if reached else ""
    else:
        status = report.status()
        last = {0: "all that was tried is right", 1: "a part found a FAULT", 3: "no fault, but not everything was tried or reached its goal"}[status]
    print(f"{last}: {kit.out / 'table.md'}", flush=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
