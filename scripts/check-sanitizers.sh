#!/bin/sh
# Runs the CUDA kernels on the host compiler under sanitizers:
#   sh scripts/check-sanitizers.sh [address|thread]...   (default both)
# address: memory and undefined behaviour; thread: shared and global memory without a barrier or an event in between.
# One ctest entry per operation; ctest --preset address -R layernorm (in cmake/) runs one of them.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root/cmake"
[ $# -gt 0 ] || set -- address thread
for sanitizer in "$@"; do
  cmake --preset "$sanitizer" >/dev/null
  cmake --build --preset "$sanitizer" -j "$(nproc)" >"../target/native-$sanitizer/build.log" 2>&1 || {
    cat "../target/native-$sanitizer/build.log" >&2
    exit 1
  }
  ctest --preset "$sanitizer" -j "$(nproc)" --quiet --output-log "../target/native-$sanitizer/test.log" || {
    cat "../target/native-$sanitizer/test.log" >&2
    exit 1
  }
  echo "$sanitizer: $(sed -n 's/^100% tests passed.*/all tests passed/p' "../target/native-$sanitizer/test.log")"
done
