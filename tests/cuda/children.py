"""Programs that the kit starts: each in a session of its own, and none is alive after what started it."""
import ctypes
import os
import pathlib
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def adopt():
    """Orphans of this process' children become its own, so that end_all() finds them."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(command, **more):
    """A program in a session of its own, which the kernel kills if this process dies, by kill -9 too."""
    parent = os.getpid()

    def begin():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        # nohup and a shell's & leave these ignored, and a program inherits that.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    words = [str(word) for word in command]
    return subprocess.Popen(words, **{"stdin": subprocess.DEVNULL, **more}, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=begin)


def end(process):
    """Kills a program and all of its session's group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def descendants():
    """The processes that this one or its descendants started, without those that are dead already."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything.
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state not in "ZX":
            parents[int(stat.parent.name)] = int(parent)
    found, more = set(), {os.getpid()}
    while more:
        more = {process for process, parent in parents.items() if parent in more} - found
        found |= more
    return found


def end_all(seconds=5.0):
    """Kills whatever this process' programs left behind."""
    limit = time.monotonic() + seconds
    while (left := descendants()) and time.monotonic() < limit:
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        time.sleep(0.02)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
