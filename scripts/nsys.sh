#!/bin/sh
# A timeline of bench under Nsight Systems, and its tables: where a step's time goes, by operation and by kernel.
#   sh scripts/nsys.sh train|eval [--graphs] [FLAGS OF BENCH]
#   sh scripts/nsys.sh train --precision bf16 --batch_size 64
# Operations are launched one by one, so that each stands under its own name; --graphs keeps the step one captured graph,
# as it runs in earnest, with kernels but no operations. The report is target/profile/NAME.nsys-rep (OUT=FILE names
# another); docs/profiling.md reads one.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=${1:-}
case $work in
  train | eval) shift ;;
  *)
    sed -n '2,4s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
graphs=off
if [ "${1:-}" = --graphs ]; then
  graphs=on
  shift
fi
command -v nsys >/dev/null 2>&1 || {
  echo "nsys is not on PATH: install NVIDIA Nsight Systems (it is part of the CUDA toolkit, or on its own from" \
    "https://developer.nvidia.com/nsight-systems) on the machine with the GPU." >&2
  exit 1
}
out=${OUT:-$(dirname -- "$here")/target/profile/$work}
mkdir -p "$(dirname -- "$out")"
SN9_JAVA_OPTS="${SN9_JAVA_OPTS:-} -Dsn9.graphs=$graphs" nsys profile --trace cuda,nvtx --cuda-graph-trace node \
  --sample none --force-overwrite true --output "$out" \
  "$here/sn9" bench "$work" --device cuda --steps 3 "$@"
# nvtx_gpu_proj_sum: the time on the GPU of what each range launched, which is not the time of the range on the host.
nsys stats --force-export true --report nvtx_gpu_proj_sum,cuda_gpu_kern_sum,cuda_gpu_mem_time_sum "$out.nsys-rep"
echo "The timeline: nsys-ui $out.nsys-rep"
