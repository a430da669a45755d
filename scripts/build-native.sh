#!/bin/sh
# Builds the native libraries into DIR (default target/native), or builds and runs their tests:
#   sh scripts/build-native.sh [DIR [test|cudahost]]
# cudahost: sn9cudahost, the CUDA kernels by the host compiler, for tests. Maven calls it; by hand it serves for work on
# the kernels. The CUDA library is built where nvcc and a driver are found; SN9_CUDA=on or off in the environment
# decides otherwise.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
to=${1:-$root/target/native}
what=${2:-build}

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
logged "$to/configure.log" cmake -S "$root/cmake" -B "$to" -DSN9_CUDA="${SN9_CUDA:-auto}"
if [ "$what" = test ]; then
  logged "$to/build.log" cmake --build "$to" --target native_tests -j "$(nproc)"
  logged "$to/test.log" ctest --test-dir "$to" --output-on-failure
  echo "native: $(sed -n 's/^100% tests passed.*/all tests passed/p' "$to/test.log")"
  exit 0
fi
if [ "$what" = cudahost ]; then
  logged "$to/build.log" cmake --build "$to" --target sn9cudahost -j "$(nproc)"
  exit 0
fi
logged "$to/build.log" cmake --build "$to" -j "$(nproc)"
# Where no bytedeco jar has brought libgomp, the compiler's own serves.
if [ ! -e "$to/libgomp.so.1" ]; then
  cp -L "$("$CXX" -print-file-name=libgomp.so.1)" "$to/libgomp.so.1"
fi
echo "native: sn9cpu is built; $(sed -n 's/^-- sn9cuda: /sn9cuda: /p' "$to/configure.log")"
