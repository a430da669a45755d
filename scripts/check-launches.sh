#!/bin/sh
# Fails unless the tests have run every kernel of a library of the host build, in a way that shows its races:
#   sh scripts/check-launches.sh LIBRARY LAUNCHES
# LIBRARY: libsn9cudahost.so; every instantiation of every function called *_kernel in it counts. LAUNCHES: what the
# processes with SN9_HOST_LAUNCHES=LAUNCHES left (native/cudahost/launches.h).
# Asked of each: a launch; in one of them two blocks or more, whose accesses race with each other, except for the kernels
# that are always one block; where it copies by cp.async, so many groups by one thread that each of its two or three
# buffers is filled a second time; not of the probes, which have none.
set -eu
[ $# -eq 2 ] || {
  echo "usage: check-launches.sh LIBRARY LAUNCHES" >&2
  exit 2
}
[ -s "$2" ] || {
  echo "check-launches: $2 lists no launches; run the tests with SN9_HOST_LAUNCHES=$2" >&2
  exit 1
}
nm -C --defined-only "$1" | awk -v launches="$2" -v one_block='sort_scan_kernel|grad_norm_kernel|probe_copy_box_kernel|probe_is_sm90a_kernel' -v least_groups=5 '
  function complain(text) {
    print "check-launches: " name ": " text
    failures++
  }
  BEGIN {
    while ((getline line < launches) > 0) {
      split(line, field, " ")
      launched[field[1]] = 1
      if (field[3] + 0 > blocks[field[1]] + 0) blocks[field[1]] = field[3]
      if (field[4] + 0 > groups[field[1]] + 0) groups[field[1]] = field[4]
    }
  }
  # Functions only, without the lambdas inside of them and the parts that the compiler split off.
  $2 ~ /^[tTwW]$/ && /_kernel[<(]/ && !/[{]lambda/ && !/\[clone/ {
    name = $0
    sub(/^[^ ]* . (void )?/, "", name)
    gsub(/sn9::|[(]anonymous namespace[)]::/, "", name)
    sub(/[(][^(]*[)]$/, "", name)
    kernels++
    if (!($1 in launched)) {
      complain("was never launched")
      next
    }
    if (blocks[$1] < 2 && name !~ "^(" one_block ")")
      complain("ran with one block only; 2 or more show races between blocks")
    if (groups[$1] > 0 && groups[$1] < least_groups && name !~ /^probe_/)
      complain("committed " groups[$1] " groups of cp.async at most; " least_groups " fill every buffer again")
  }
  END {
    if (!kernels) {
      print "check-launches: found no function called *_kernel: is the library stripped?"
      exit 1
    }
    print "launches: " kernels " kernels, " failures + 0 " complaints"
    exit failures > 0
  }' >"$2.report" || {
  cat "$2.report" >&2
  exit 1
}
cat "$2.report"
