#!/bin/sh
# Formats everything by machine, or with --check fails where something is not formatted.
# Java by Spotless (Maven); C++ by clang-format 14 or newer where it is installed.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
check=${1:-}
if [ "$check" = --check ]; then
  ./mvnw -q -Dsn9.native.skip=true spotless:check
else
  ./mvnw -q -Dsn9.native.skip=true spotless:apply
fi
if ! command -v clang-format >/dev/null 2>&1; then
  echo "format: clang-format is not installed (apt-get install clang-format); C++ was left as it is" >&2
  exit 0
fi
if [ "$check" = --check ]; then
  find native cuda -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' 2>/dev/null |
    xargs clang-format --dry-run --Werror
else
  find native cuda -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' 2>/dev/null | xargs clang-format -i
fi
