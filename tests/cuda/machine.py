"""What the machine has to offer before a part is tried: a page where something lacks, and what was found."""
import os
import pathlib
import platform
import re
import shutil
import sys

WANTED = "2.11"
GLIBC = (2, 35)
# An estimate with room to spare: two snapshots of AlexNet with its momentum are 1 GiB, thirty of LeNet in each of two jobs 0.2, datasets,
# unpacked tests and traces 0.4.
DISK_GIB = 3
# The first line of each table.
TITLE = "# What the kit found"


def refuse(what, facts, help):
    """A page, and the end with 2."""
    lines = [f"the kit cannot begin: {what}", *(f"  {name}: {fact}" for name, fact in facts.items()), f"  help: {help}"]
    print("\n".join(lines), file=sys.stderr)
    sys.exit(2)


def check_system():
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        refuse("another system", {"found": f"{platform.system()} {platform.machine()}", "wanted": "Linux x86-64"}, "the program in the kit is built for it")
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    except (ValueError, OSError, AttributeError):
        name, version = "another C library", "0.0"
    if tuple(int(number) for number in version.split(".")[:2]) < GLIBC:
        refuse("an older C library", {"found": f"{name} {version}", "wanted": "glibc 2.35 or newer"}, "Ubuntu 22.04, Debian 12, RHEL 10 and newer have it; a container of one of them will do")


def libtorch_version(folder):
    """Version and CUDA version of a Python package or an unpacked archive; None where no file says."""
    if (folder / "version.py").is_file():
        text = (folder / "version.py").read_text()
        version = re.search(r"^__version__.*?= *['\"]([^'\"]+)", text, re.MULTILINE)
        cuda = re.search(r"^cuda\b.*?= *['\"]([^'\"]+)", text, re.MULTILINE)
        return version and version.group(1), cuda and cuda.group(1)
    file = folder / "build-version"
    return (file.read_text().strip() if file.is_file() else None), None


def check_libtorch(device):
    """libtorch's folder, for the programs to be started too, and what it is; (None, words) without LIBTORCH."""
    if not os.environ.get("LIBTORCH"):
        return None, "the libtorch that the program was built with"
    folder = pathlib.Path(os.environ["LIBTORCH"]).resolve()
    facts = {"LIBTORCH": os.environ["LIBTORCH"]}
    help = "python3 -m pip install torch==2.11.0, in an environment whose python3 comes first in PATH; or LIBTORCH=DIR, an unpacked libtorch 2.11"
    if not (folder / "lib/libtorch_cpu.so").is_file():
        refuse("LIBTORCH holds no libtorch", {**facts, "wanted": "a folder with lib/libtorch_cpu.so"}, help)
    version, cuda = libtorch_version(folder)
    if version and not re.match(rf"{re.escape(WANTED)}(\D|$)", version):
        refuse("another version of torch", {**facts, "found": version, "wanted": WANTED}, help)
    on_cuda = (folder / "lib/libtorch_cuda.so").is_file()
    if device != "cpu" and not on_cuda:
        refuse("a torch without CUDA", {**facts, "found": f"{version or 'no version'}, lib/libtorch_cuda.so is not there", "wanted": f"torch {WANTED} built with CUDA"}, help)
    os.environ["LD_LIBRARY_PATH"] = ":".join([str(folder / "lib"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
    built = f"CUDA {cuda}" if cuda else "CUDA" if on_cuda else "no CUDA"
    return folder / "lib", f"torch {version or 'of a version that no file names'}, {built}, in {folder}"


def out_folder(named, over):
    """The folder of the output, empty: a new one with a number, or the named one."""
    number, folder = 1, pathlib.Path(named or "kit-out").absolute()
    while named is None and folder.exists():
        number, folder = number + 1, folder.with_name(f"kit-out-{number + 1}")
    help = "--out DIR names another folder"
    try:
        if folder.is_dir() and any(folder.iterdir()):
            if not over:
                refuse("the folder of the output is not empty", {"--out": folder}, "old output is no evidence: another folder, or --over, which removes what an earlier run left there")
            table = folder / "table.md"
            if not (table.is_file() and table.read_text(errors="replace").startswith(TITLE)):
                refuse("--over for a folder that no run of the kit has left", {"--out": folder, "wanted": "a table.md of the kit in it"}, help)
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table.md").write_text(f"{TITLE}\n\nNothing yet.\n")
        free = shutil.disk_usage(folder).free / 2**30
    except OSError as error:
        refuse("the folder of the output cannot be written", {"--out": folder, "because": error.strerror}, help)
    if free < DISK_GIB:
        (folder / "table.md").unlink()
        refuse("too little room for the output", {"--out": folder, "free": f"{free:.1f} GiB", "wanted": f"{DISK_GIB} GiB"}, help)
    return folder.resolve()
