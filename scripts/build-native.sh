#!/bin/sh
# Builds the native libraries into DIR (default target/native): sh scripts/build-native.sh [DIR]
# Maven calls it; by hand it serves for work on the kernels.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
to=${1:-$root/target/native}

for tool in cmake "${CXX:-g++}"; do
  command -v "$tool" >/dev/null 2>&1 || {
    echo "sn9 needs $tool to build its kernels: apt-get install cmake g++ (or dnf install cmake gcc-c++)." >&2
    exit 1
  }
done
mkdir -p "$to"
log=$to/build.log
if ! { CXX=${CXX:-g++} cmake -S "$root/cmake" -B "$to" && cmake --build "$to" -j "$(nproc)"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "The native build failed; its log is $log." >&2
  exit 1
fi
# Where no bytedeco jar has brought libgomp, the compiler's own serves.
if [ ! -e "$to/libgomp.so.1" ]; then
  cp -L "$("${CXX:-g++}" -print-file-name=libgomp.so.1)" "$to/libgomp.so.1"
fi
if command -v nvcc >/dev/null 2>&1; then
  echo "native: sn9cpu is built; CUDA kernels are not part of this version yet"
else
  echo "native: sn9cpu is built; no nvcc, so no CUDA library"
fi
