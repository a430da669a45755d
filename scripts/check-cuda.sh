#!/bin/sh
# Compiles cuda/*.cu for every architecture and checks what came out of the compiler, per kernel; no GPU needed:
#   sh scripts/check-cuda.sh [--archs 80,90a] [--file linear,head_loss] [--source DIR] [--library FILE] [--jobs N]
#                            [--markdown]
# What is expected of which kernel: scripts/check-cuda/gates.txt. Prints a table, then what failed; exits 1 if anything
# did. Without nvcc it says so and exits 0.
#   --archs      compute capabilities (default 80,86,89,90,90a,100,120, as far as this nvcc knows them)
#   --file       only these files, without their ending; the library is then not looked at
#   --source     another directory of kernels in place of cuda/ (a copy with a planted mistake)
#   --library    the built library (default target/native/libsn9cuda.so), which must carry PTX for compute_80
#   --jobs       compilers at once (default: as many as cores)
#   --markdown   the table of docs/kernels.md instead of the plain one
# Results are kept under target/check-cuda by the hash of what they were compiled from.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
jdk=$(sh "$root/scripts/find-jdk.sh")
exec "$jdk/bin/java" -XX:TieredStopAtLevel=1 "$root/scripts/check-cuda/CheckCuda.java" --root "$root" "$@"
