#!/usr/bin/env bash
# Everything that is claimed of CUDA, tried part by part: run.sh [--device cpu] [--minutes N] [--only NAME,…] [--out DIR]; --help
#
# Lies in a folder that `make cuda-kit` fills (build/cuda-kit) and needs no toolchain and no network: Linux on x86-64 with glibc
# 2.35, and a python3 of 3.10 or newer whose torch is 2.11 with CUDA. Its libraries are used in place of those that the program was built with.
set -euo pipefail
command -v python3 >/dev/null || { echo "the kit cannot begin: there is no python3 in PATH; wanted: 3.10 or newer, with torch 2.11" >&2; exit 2; }
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    { echo "the kit cannot begin: python3 is $(python3 --version 2>&1); wanted: Python 3.10 or newer, with torch 2.11" >&2; exit 2; }
if [ -z "${LIBTORCH:-}" ]; then
    # By its place only: a torch of another version is not imported, it gets a page.
    LIBTORCH=$(python3 -c 'import importlib.util as u, os; print(os.path.dirname(u.find_spec("torch").origin))' 2>/dev/null) || {
        echo "the kit cannot begin: $(command -v python3) has no torch; wanted: torch 2.11 with CUDA" >&2
        echo "  help: python3 -m pip install torch==2.11.0, or LIBTORCH=DIR names an unpacked libtorch 2.11 (then PyTorch is not compared with)" >&2
        exit 2
    }
fi
here=$(dirname "$(readlink -f "$0")")
export LIBTORCH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/kit.py" "$@"
