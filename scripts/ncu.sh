#!/bin/sh
# Hardware counters of one operation's kernels, out of a training step of bench, under Nsight Compute.
#   sh scripts/ncu.sh OPERATION|KERNEL [FLAGS OF BENCH]
#   sh scripts/ncu.sh linear_forward --precision bf16 --batch_size 64
# OPERATION: as in sn9_ops.h without sn9_ (its range's name); KERNEL: a kernel's own name, which ends in _kernel. COUNT=N
# kernels (default 3) are measured, after SKIP (default 3). Every kernel is run again and again for its counters, so times
# of the whole mean nothing. The report is target/profile/NAME.ncu-rep (OUT=FILE names another); docs/profiling.md reads
# one.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
name=${1:-}
usage() {
  sed -n '2,4s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
[ -n "$name" ] || usage
shift
case $name in
  *_kernel) filter="--kernel-name regex:$name" ;;
  *[!a-z0-9_]* | -*) usage ;;
  *)
    # Where the ABI is not at hand (a packed jar) ncu itself finds nothing under a wrong name.
    if [ -r "$root/native/include/sn9_ops.h" ] && ! grep -q "^int32_t sn9_$name(" "$root/native/include/sn9_ops.h"; then
      echo "sn9_$name is no operation of native/include/sn9_ops.h; for a kernel give its name, which ends in _kernel." >&2
      exit 2
    fi
    filter="--nvtx --nvtx-include $name]" # innermost range
    ;;
esac
command -v ncu >/dev/null 2>&1 || {
  echo "ncu is not on PATH: install NVIDIA Nsight Compute (it is part of the CUDA toolkit, or on its own from" \
    "https://developer.nvidia.com/nsight-compute) on the machine with the GPU." >&2
  exit 1
}
out=${OUT:-$root/target/profile/$name}
mkdir -p "$(dirname -- "$out")"
# shellcheck disable=SC2086 # the filter is several words
SN9_JAVA_OPTS="${SN9_JAVA_OPTS:-} -Dsn9.graphs=off" ncu $filter --set full --target-processes all \
  --launch-skip "${SKIP:-3}" --launch-count "${COUNT:-3}" --force-overwrite --export "$out" \
  "$here/sn9" bench train --device cuda --steps 1 "$@" || {
  echo "ncu failed. ERR_NVGPUCTRPERM means that only root may read counters here: sudo, or the driver's option" \
    "NVreg_RestrictProfilingToAdminUsers=0." >&2
  exit 1
}
ncu --import "$out.ncu-rep" --page details
echo "The report: ncu-ui $out.ncu-rep"
