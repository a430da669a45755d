#!/bin/sh
# Prints the home of a JDK 25 or newer, or says what to install and exits 1.
# Order: JAVA_HOME, javac on PATH, the usual install folders, SDKMAN.
set -u
wanted=25

# major DIR: the JDK's major version, or nothing when DIR is no JDK.
major() {
  [ -x "$1/bin/javac" ] && [ -x "$1/bin/java" ] || return 0
  if [ -r "$1/release" ]; then
    sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
  else
    "$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p'
  fi
}

try() {
  [ -n "$1" ] && [ -d "$1" ] || return 0
  found=$(major "$1")
  if [ -n "$found" ] && [ "$found" -ge "$wanted" ]; then
    printf '%s\n' "$1"
    exit 0
  fi
}

try "${JAVA_HOME:-}"
on_path=$(command -v javac 2>/dev/null || true)
if [ -n "$on_path" ]; then
  resolved=$(readlink -f "$on_path" 2>/dev/null || printf '%s' "$on_path")
  try "$(dirname "$(dirname "$resolved")")"
fi
for home in /usr/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk* /Library/Java/JavaVirtualMachines/*/Contents/Home \
  "${HOME:-/nonexistent}"/.sdkman/candidates/java/* "${HOME:-/nonexistent}"/.jdks/*; do
  try "$home"
done

cat >&2 <<EOF
sn9 needs a JDK $wanted or newer, and none was found (JAVA_HOME=${JAVA_HOME:-not set}).
Install one, for example:
  Debian, Ubuntu   apt-get install temurin-25-jdk   (or openjdk-25-jdk-headless)
  Fedora           dnf install java-25-openjdk-devel
  macOS            brew install openjdk@25
  anywhere         sdk install java 25-tem          (SDKMAN)
or set JAVA_HOME to its folder.
EOF
exit 1
