#!/usr/bin/env bash
# Packs what checks a GPU into one archive, for a machine that has nothing but an NVIDIA driver:
#   bash scripts/pack-gpu-check.sh [--without-cuda] [--archs LIST] [--to DIR]
# Needs a build (./mvnw package) and its test classes. The archive is DIR/sn9-gpu-check.tar.gz (default target/gpu-check),
# beside it lies what is in it, unpacked. On the other machine: tar xzf, then bash scripts/gpu-check.sh (docs/gpu-check.md).
#   --archs         GPUs that the CUDA library has code for (default 80;86;89;90a;100;120); all others translate its PTX
#   --without-cuda  no CUDA library: for rehearsals, where the host build takes its place, and where there is no nvcc
# In it: a Java runtime cut down by jlink, the program, the tests that run on it, the CUDA library, the native tests, the
# golden model, and the kernels' sources for machines with nvcc. Not in it: oneDNN (26 MB), which only makes the CPU faster.
set -euo pipefail
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
archs='80;86;89;90a;100;120' to=$root/target/gpu-check cuda=1 most_mb=60

die() {
  echo "pack-gpu-check: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --without-cuda) cuda= ;;
    --archs) archs=${2:?--archs needs a list} && shift ;;
    --to) to=${2:?--to needs a directory} && shift ;;
    *) die "unknown option $1; see the head of scripts/pack-gpu-check.sh" ;;
  esac
  shift
done

jdk=$(sh "$root/scripts/find-jdk.sh")
[ -x "$jdk/bin/jlink" ] || die "$jdk has no jlink: a full JDK is needed, not a runtime"
[ -e "$root/target/sn9.jar" ] || die "target/sn9.jar is missing: run ./mvnw package first"
[ -e "$root/target/test-classes/sn9/testing/RunTests.class" ] || die "the test classes are missing: run ./mvnw package first"
[ -e "$root/target/native/libsn9cpu.so" ] || die "target/native/libsn9cpu.so is missing: run ./mvnw package first"
mkdir -p "$to"
to=$(CDPATH='' cd -- "$to" && pwd)
pack=$to/sn9-gpu-check
rm -rf "$pack" "$to/sn9-gpu-check.tar.gz"
mkdir -p "$pack/lib" "$pack/native" "$pack/scripts"

# ---- the native side ------------------------------------------------------------------------------------------------

build=$root/target/native
programs='cuda_ops_test probe_test device_speed op_speed'
# shellcheck disable=SC2086 # several targets
cmake --build "$build" --target $programs -j "$(nproc)" >"$to/build.log" 2>&1 ||
  die "the native tests could not be built; see $to/build.log"
for program in $programs; do cp "$build/cudahost/$program" "$pack/native/"; done
# Where cuda_ops_test looks for what stands for cuBLASLt in rehearsals.
[ ! -d "$build/substitute" ] || cp -r "$build/substitute" "$pack/substitute"
# The probes' names, for each to have a process of its own.
"$pack/native/probe_test" "$build/libsn9cudahost.so" | sed -n 's/^probe \([^ ]*\) .*/\1/p' | sort -u >"$pack/native/probes.txt"
cp "$build/libsn9cpu.so" "$build/libgomp.so.1" "$pack/native/"
if [ -n "$cuda" ]; then
  SN9_CUDA=on sh "$root/scripts/build-native.sh" "$root/target/native-gpu-check" build '' "$archs"
  cp "$root/target/native-gpu-check/libsn9cuda.so" "$pack/native/"
fi
strip --strip-unneeded "$pack"/native/*.so* "$pack"/native/*_test "$pack"/native/*_speed

# ---- the Java side --------------------------------------------------------------------------------------------------

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/jar" "$work/tools"
# The libraries lie in native/, for all programs of the check. Nothing is compressed but the archive, which is 9 MB
# smaller for it: one window over many small classes.
(cd "$work/jar" && "$jdk/bin/jar" -xf "$root/target/sn9.jar" && rm -rf native/linux-* &&
  "$jdk/bin/jar" -c0fm "$pack/lib/sn9.jar" META-INF/MANIFEST.MF .)
# No jar: tests open their golden files by path.
for part in sn9/model sn9/train sn9/testing golden; do
  mkdir -p "$pack/tests/$part"
  cp -r "$root/target/test-classes/$part/." "$pack/tests/$part/"
done
cp "$root/target/test-classes/logback-test.xml" "$root/target/test-classes/junit-platform.properties" "$pack/tests/"
"$jdk/bin/javac" -d "$work/tools" "$root"/scripts/check-cuda/*.java
"$jdk/bin/jar" -cf "$pack/lib/check-cuda.jar" -C "$work/tools" .

# The jars of the tests, as the build resolves them.
(cd "$root" && ./mvnw -q -o -Dsn9.native.skip=true dependency:build-classpath -DincludeScope=test \
  -Dmdep.outputFile="$work/classpath") >"$to/maven.log" 2>&1 || { cat "$to/maven.log" >&2 && die "Maven failed"; }
for jar in junit-jupiter-api junit-jupiter-engine junit-jupiter-params junit-platform-commons junit-platform-engine \
  junit-platform-launcher opentest4j apiguardian-api assertj-core; do
  file=$(tr : '\n' <"$work/classpath" | grep -E "/$jar-[0-9][^/]*\.jar$" | head -n 1) || die "the tests' $jar is not there"
  cp "$file" "$pack/lib/"
done

# What the jars name, less what they do without where it is not there: Jackson java.beans, AssertJ agents. Then
# what they find by name only.
named=$("$jdk/bin/jdeps" --ignore-missing-deps --multi-release 25 --print-module-deps -q "$pack"/lib/*.jar "$pack/tests") ||
  die "jdeps failed: $named"
modules=$(tr , '\n' <<<"$named,java.logging,java.net.http,java.sql,java.management,jdk.unsupported" |
  grep -vxE 'java\.(desktop|instrument)' | sort -u | paste -sd , -)
"$jdk/bin/jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --compress zip-0 \
  --output "$pack/runtime"

# ---- the rest -------------------------------------------------------------------------------------------------------

cp "$root/scripts/gpu-check.sh" "$root/scripts/build-native.sh" "$root/scripts/find-jdk.sh" "$pack/scripts/"
cp -r "$root/scripts/gpu-check" "$root/scripts/check-cuda" "$pack/scripts/"
cp "$root/scripts/nsys.sh" "$root/scripts/ncu.sh" "$root/scripts/sn9" "$pack/scripts/"
cp -r "$root/cuda" "$root/cmake" "$root/LICENSE" "$pack/"
for part in common cpu cudahost include plan test; do cp -r "$root/native/$part" "$pack/native/"; done # all that CMake names
cp "$root/docs/gpu-check.md" "$pack/README.md"
{
  git -C "$root" rev-parse HEAD 2>/dev/null || echo "not from git"
  git -C "$root" status --porcelain 2>/dev/null | head -n 20
  if [ -n "$cuda" ]; then nvcc --version | tail -n 2; else echo "without the CUDA library"; fi
} >"$pack/VERSION"

tar -C "$to" -cf - sn9-gpu-check | gzip -9 >"$to/sn9-gpu-check.tar.gz"
mb=$((($(stat -c %s "$to/sn9-gpu-check.tar.gz") + 999999) / 1000000))
floor=$(objdump -T "$pack"/native/*.so "$pack"/native/*_test "$pack"/native/*_speed 2>/dev/null |
  grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -n 1)
echo "$to/sn9-gpu-check.tar.gz: $mb MB, needs ${floor/_/ } or newer; modules: $modules"
[ "$mb" -lt "$most_mb" ] || die "that is not less than $most_mb MB; fewer --archs make it smaller"
