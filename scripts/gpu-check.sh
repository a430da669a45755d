#!/usr/bin/env bash
# Checks an NVIDIA GPU with sn9's kernels: whether they are right there, then how fast. Needs a driver, nothing else; no
# network. What each line of the report means and what to send back: docs/gpu-check.md (README.md of the archive).
#   bash scripts/gpu-check.sh [--out DIR] [--device N] [--only PHASES] [--redo PHASES] [--time-limit SECONDS]
#                             [--rehearse [LIBRARY]] [--report]
#   --out         where results go (default gpu-check-results); started again with the same, it goes on where it ended
#   --device      number of the GPU, 0 unless said
#   --only        these phases, as 0,3,4
#   --redo        forgets what these phases found, and runs them again
#   --time-limit  seconds that a phase may take in one run (default 3600); what it has not begun by then is left out
#   --rehearse    no GPU: the host build of the kernels (target/native/libsn9cudahost.so) in its place, small sizes
#   --report      the table of what is there; runs nothing
# Phases: 0 machine, 1 build, 2 instructions, 3 operations, 4 models, 5 sanitizers, 6 speed, 7 profiler. Each check adds a
# line of JSON to DIR/results.jsonl the moment it ends, and keeps what it printed under DIR/raw.
# Exit codes: 0 all that was checked is right, 1 something is wrong or hung (phases 2 to 5 only), 2 wrong usage, 3 no GPU.
set -uo pipefail
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
home=$root # of runtime/, lib/ and native/: the archive's, or what was packed from a working tree
[ -d "$home/runtime" ] || home=$root/target/gpu-check/sn9-gpu-check
out=gpu-check-results device=0 only= redo= phase_limit=3600 rehearsed='' report=
phase_names=(machine build instructions operations models sanitizers speed profiler)

usage() {
  echo "gpu-check: $*; see the head of scripts/gpu-check.sh" >&2
  exit 2
}
expect() { [[ ${2-} =~ $3 ]] || usage "$1 is \"${2-}\", expected $4"; }
while [ $# -gt 0 ]; do
  case $1 in
    --out) expect "$1" "${2-}" . 'a directory' && out=$2 && shift ;;
    --device) expect "$1" "${2-}" '^[0-9]+$' 'a number' && device=$2 && shift ;;
    --only) expect "$1" "${2-}" '^[0-7](,[0-7])*$' 'phases, as 0,3,4' && only=,$2, && shift ;;
    --redo) expect "$1" "${2-}" '^[0-7](,[0-7])*$' 'phases, as 3' && redo=${2//,/} && shift ;;
    --time-limit) expect "$1" "${2-}" '^[1-9][0-9]*$' 'seconds' && phase_limit=$2 && shift ;;
    --report) report=1 ;;
    --rehearse)
      rehearsed=$root/target/native/libsn9cudahost.so
      if [[ ${2:---} != --* ]]; then rehearsed=$2 && shift; fi
      [ -e "$rehearsed" ] || usage "--rehearse: there is no $rehearsed"
      rehearsed=$(readlink -f "$rehearsed")
      ;;
    *) usage "unknown option $1" ;;
  esac
  shift
done
[ -n "$report" ] || [ -x "$home/runtime/bin/java" ] ||
  usage "there is no $home/runtime: run scripts/pack-gpu-check.sh, or this script out of the archive that it makes"
mkdir -p "$out/raw" || usage "--out $out cannot be made"
out=$(CDPATH='' cd -- "$out" && pwd)
results=$out/results.jsonl
touch "$results"

# ---- results --------------------------------------------------------------------------------------------------------

# quoted TEXT: as a JSON string. Whatever is no plain ASCII is left out: tools colour their output.
quoted() {
  local text
  text=$(printf '%s' "$1" | tr '\n\t\r' '   ' | LC_ALL=C tr -cd ' -~' | cut -c 1-600)
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# record PHASE NAME STATUS SECONDS DETAIL [MORE]: one line, in one write. MORE: further members, as JSON.
record() {
  local line
  line=$(printf '{"phase":%d,"name":%s,"status":"%s","seconds":%s,"detail":%s%s}' "$1" "$(quoted "$2")" "$3" "$4" \
    "$(quoted "$5")" "${6:+,$6}")
  # A line that was cut off before this one must not swallow it.
  [ -z "$(tail -c 1 "$results")" ] || line=$'\n'$line
  printf '%s\n' "$line" >>"$results"
  printf '%-8s %s  %s  %s\n' "$3" "$1" "$2" "$5" | cut -c 1-160
}

# line_of PHASE NAME: its result, the last one; fails where there is none that is whole.
line_of() {
  grep -F "{\"phase\":$1,\"name\":\"$2\",\"status\":" "$results" | grep '}$' | tail -n 1 | grep .
}
status_of() { line_of "$1" "$2" | sed 's/.*"status":"\([a-z]*\)".*/\1/;q'; }

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# ---- checks ---------------------------------------------------------------------------------------------------------

skipped=77 # status of a command that cannot run here; its last line says why

# skip NAME REASON: a check of this phase that cannot be made here.
skip() {
  names+=("$1")
  line_of "$phase" "$1" >/dev/null || record "$phase" "$1" skipped 0 "$2"
}

# check NAME SECONDS COMMAND...: runs it, unless its result is there. SECONDS: what it may take at most. Its last line is
# the detail, or where it fails the first line that says FAILED; a last line of JSON is kept as "values".
check() {
  local name=$1 limit=$2 raw last left start=$EPOCHREALTIME status values=
  shift 2
  names+=("$name")
  ! line_of "$phase" "$name" >/dev/null || return 0
  left=$((phase_limit - (SECONDS - phase_start)))
  if [ "$left" -le 0 ]; then
    not_begun+=("$name")
    return 0
  fi
  raw=$out/raw/$phase-${name//[^a-zA-Z0-9_.]/-}.log
  [ "$limit" -le "$left" ] || limit=$left
  # shellcheck disable=SC2016 # functions of these scripts, too, under the limit
  timeout -k 5 "$limit" bash -c '"$@"' gpu-check "$@" >"$raw" 2>&1 </dev/null
  status=$?
  last=$(grep . "$raw" | tail -n 1)
  case $last in '{'*'}') values="\"values\":$last" ;; esac
  case $status in
    0) status=ok ;;
    "$skipped") status=skipped ;;
    124 | 137) status=timeout last="ended after $limit s; before that: $last" ;;
    *)
      last="$(grep -m 1 FAILED "$raw" || echo "$last") (exit status $status)"
      status=failed
      ;;
  esac
  record "$phase" "$name" "$status" "$(seconds_since "$start")" "$last" "\"raw\":\"raw/${raw##*/}\"${values:+,$values}"
}

# run_phase NUMBER: all of its checks that have no result, then its own line. A phase with a line is over.
run_phase() {
  phase=$1
  local title="phase ${phase_names[$1]}" start=$EPOCHREALTIME name one worst=skipped list= missing
  ! line_of "$phase" "$title" >/dev/null || return 0
  names=() not_begun=() phase_start=$SECONDS
  "phase_${phase_names[$1]}"
  for name in ${names[@]+"${names[@]}"}; do
    one=$(status_of "$phase" "$name")
    list+="${list:+,}{\"name\":$(quoted "$name"),\"status\":\"${one:-timeout}\"}"
    case $worst/${one:-timeout} in
      failed/* | */skipped) ;;
      */failed) worst=failed ;;
      timeout/*) ;;
      *) worst=${one:-timeout} ;;
    esac
  done
  missing="${not_begun[*]-}"
  record "$phase" "$title" "$worst" "$(seconds_since "$start")" \
    "${#names[@]} checks${missing:+, not begun within $phase_limit s: $missing}" "\"checks\":[$list]"
}

# forget PHASE: its lines move to results.forgotten.jsonl.
forget() {
  grep -F "{\"phase\":$1," "$results" >>"$out/results.forgotten.jsonl" || return 0
  grep -vF "{\"phase\":$1," "$results" >"$results.new"
  mv "$results.new" "$results"
}

# ---- the command ----------------------------------------------------------------------------------------------------

# shellcheck source=scripts/gpu-check/phases.sh
. "$root/scripts/gpu-check/phases.sh"
# shellcheck source=scripts/gpu-check/speed.sh
. "$root/scripts/gpu-check/speed.sh"

if [ -z "$report" ]; then
  for ((i = 0; i < ${#redo}; i++)); do forget "${redo:i:1}"; done
  # Whoever mends the driver starts again.
  [ "$(status_of 0 device)" != failed ] || forget 0
  settings
  for number in 0 1 2 3 4 5 6 7; do
    if [ -n "$only" ] && [[ $only != *,$number,* ]]; then continue; fi
    run_phase "$number"
    if [ "$number" = 0 ] && [ "$(status_of 0 device)" != ok ]; then
      echo "There is no GPU that sn9 can use: $(cat "$out/raw/0-device.log" 2>/dev/null | tail -n 1)" >&2
      exit 3
    fi
  done
fi
awk -f "$root/scripts/gpu-check/report.awk" "$results" >"$out/report.txt"
verdict=$?
cat "$out/report.txt"
if [ -z "$report" ]; then
  tar -C "${out%/*}" --exclude=cache --exclude=build --exclude=native -czf "$out.tar.gz" "${out##*/}" &&
    echo "To send back: $out.tar.gz"
fi
exit "$verdict"
