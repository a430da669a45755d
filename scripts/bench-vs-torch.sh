#!/bin/sh
# sn9's CPU engine beside PyTorch on this machine: the same shapes and the same work, runs in turn, medians, one table.
#   scripts/bench-vs-torch.sh [--rounds 3] [--steps 5] [--threads 2] [--compile] [CASE...]
# A case is MODE:LAYERS/HEADS/WIDTH:B:T, such as train:12/12/768:4:256; without any, the four of docs/kernels.md.
# PyTorch is sought in $SN9_TORCH_PYTHON, then python3. Exit codes: 0 table printed, 1 the machine was not quiet or the
# answers differ, 2 something is missing.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for python in ${SN9_TORCH_PYTHON:+"$SN9_TORCH_PYTHON"} python3 /usr/bin/python3; do
  if "$python" -c 'import torch' 2>/dev/null; then
    exec "$python" "$here/bench_vs_torch.py" "$@"
  fi
done
echo "No Python with PyTorch was found. Install one (python3 -m venv .venv && .venv/bin/pip install torch) and name it:" >&2
echo "  SN9_TORCH_PYTHON=.venv/bin/python $0" >&2
exit 2
