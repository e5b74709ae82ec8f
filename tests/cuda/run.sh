#!/usr/bin/env bash
# Everything that is claimed of CUDA, tried part by part: run.sh [--device cpu] [--only NAME,…] [--out DIR] [--speed-seconds N]
#
# Lies in a folder that `make cuda-kit` fills (build/cuda-kit) and needs no toolchain and no network: a Linux with glibc 2.35
# and a python3 whose torch is 2.11 with CUDA. Its libraries are used in place of those that the program was built with.
set -euo pipefail
cd "$(dirname "$0")"
if [ -z "${LIBTORCH:-}" ]; then
    LIBTORCH=$(python3 -c 'import importlib.util as u, os; print(os.path.dirname(u.find_spec("torch").origin))' 2>/dev/null) ||
        { echo "python3 has no torch: name an unpacked libtorch 2.11 with LIBTORCH=DIR" >&2; exit 2; }
fi
export LD_LIBRARY_PATH=$LIBTORCH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} PYTHONUNBUFFERED=1
exec python3 kit.py "$@"
