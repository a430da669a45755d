#!/bin/sh
# Runs the CUDA kernels on the host compiler under sanitizers:
#   sh scripts/check-sanitizers.sh [address|thread]...   (default both)
# address: memory and undefined behaviour; thread: shared and global memory without a barrier or an event in between.
# One ctest entry per operation; ctest --preset address -R layernorm (in cmake/) runs one of them. Afterwards
# check-launches.sh asks that no kernel was left out.
# SN9_TEST_SIZE: small (default here) or full, see native/test/library.h.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root/cmake"
[ $# -gt 0 ] || set -- address thread
export CXX="${CXX:-g++}" SN9_TEST_SIZE="${SN9_TEST_SIZE:-small}"
# The first finding ends its process: a kernel's race shows in every thread of every block.
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS:-}" UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"

probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'int main() { return 0; }' >"$probe/probe.cpp"

# logged LOG COMMAND...: shows what a command printed only when it fails.
logged() {
  log=$1
  shift
  "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
  }
}

# Fails unless a program under this sanitizer can be built and run here. Sets run: what programs are started with.
expect_runtime() { # expect_runtime SANITIZER FLAGS LIBRARIES
  "$CXX" "$2" -o "$probe/probe" "$probe/probe.cpp" >"$probe/log" 2>&1 || {
    cat "$probe/log" >&2
    echo "The $1 sanitizer needs $3, which $CXX does not find. On Debian they come with g++, on Fedora: dnf install $3." >&2
    exit 1
  }
  # Where a kernel places memory more at random than the runtime expects, it runs without that.
  run=
  "$probe/probe" >"$probe/log" 2>&1 && return
  run="setarch -R"
  $run "$probe/probe" >>"$probe/log" 2>&1 && return
  cat "$probe/log" >&2
  echo "A program under the $1 sanitizer does not run on this machine, nor does it under setarch -R." >&2
  exit 1
}

for sanitizer in "$@"; do
  case $sanitizer in
    address) expect_runtime address -fsanitize=address,undefined "libasan libubsan" ;;
    thread) expect_runtime thread -fsanitize=thread libtsan ;;
    *)
      echo "usage: check-sanitizers.sh [address|thread]..." >&2
      exit 2
      ;;
  esac
  to=$root/target/native-$sanitizer
  mkdir -p "$to"
  rm -f "$to/launches"
  logged "$to/configure.log" cmake --preset "$sanitizer"
  logged "$to/build.log" cmake --build --preset "$sanitizer" -j "$(nproc)"
  # shellcheck disable=SC2086 # run is two words or none
  logged "$to/test.log" $run ctest --preset "$sanitizer" -j "$(nproc)"
  echo "$sanitizer: $(grep 'tests passed' "$to/test.log")"
  sh "$root/scripts/check-launches.sh" "$to/libsn9cudahost.so" "$to/launches"
done
