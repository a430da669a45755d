#!/bin/sh
# Builds the native libraries into DIR (default target/native), or builds and runs their tests:
#   sh scripts/build-native.sh [DIR [build|test [RESOURCES [ARCHS]]]]
# RESOURCES: a folder that gets what the jar carries. Maven calls it; by hand it serves for work on the kernels.
# ARCHS: compute capabilities of the CUDA library, as "80;86;90a"; empty: those of cmake/CudaArchitectures.cmake.
# SN9_CUDA=on|off|auto: whether nvcc compiles the CUDA library; auto does where nvcc and a driver are found.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
to=${1:-$root/target/native}
what=${2:-build}
resources=${3:-}

for tool in cmake "${CXX:-g++}"; do
  command -v "$tool" >/dev/null 2>&1 || {
    echo "sn9 needs $tool to build its kernels: apt-get install cmake g++ (or dnf install cmake gcc-c++)." >&2
    exit 1
  }
done
mkdir -p "$to"

# logged LOG COMMAND...: shows what a command printed only when it fails.
logged() {
  log=$1
  shift
  "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    echo "The native $what failed; its log is $log." >&2
    exit 1
  }
}

export CXX="${CXX:-g++}"
configure() { logged "$to/configure.log" cmake -S "$root/cmake" -B "$to" -DSN9_CUDA="${SN9_CUDA:-auto}" "$@"; }
if [ "$what" = test ]; then
  configure
  # The CUDA kernels on the host compiler serve these tests and Java's.
  logged "$to/build.log" cmake --build "$to" --target native_tests sn9cudahost -j "$(nproc)"
  logged "$to/test.log" ctest --test-dir "$to" --output-on-failure -j "$(nproc)" -LE slow
  echo "native: $(grep -E 'tests passed' "$to/test.log")"
  exit 0
fi
if [ -n "${4:-}" ]; then configure -DSN9_CUDA_ARCHS="$4"; else configure -USN9_CUDA_ARCHS; fi
logged "$to/build.log" cmake --build "$to" -j "$(nproc)"
# Where no bytedeco jar has brought libgomp, the compiler's own serves.
if [ ! -e "$to/libgomp.so.1" ]; then
  cp -L "$("$CXX" -print-file-name=libgomp.so.1)" "$to/libgomp.so.1"
fi
if [ -n "$resources" ]; then
  mkdir -p "$resources"
  for library in libsn9cpu.so libsn9cuda.so libgomp.so.1 libdnnl.so.3; do
    [ -e "$to/$library" ] || continue
    ln -f "$to/$library" "$resources/$library" 2>/dev/null || cp -f "$to/$library" "$resources/$library"
  done
fi
echo "native: sn9cpu: built"
sed -n 's/^-- \(sn9cuda: .*\)/native: \1/p' "$to/configure.log"
