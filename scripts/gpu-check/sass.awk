# cuobjdump -sass: one line a kernel with what its machine code is made of. Tensor cores: HMMA (mma.sync), HGMMA (wgmma);
# LDGSTS is cp.async, UTMALDG a tensor copy; LDL and STL are registers that were spilled.
function finish() {
  if (kernel == "") return
  kernels++
  spilled += count["LDL"] + count["STL"] > 0
  printf "%-8s %-100.100s %7d", arch, kernel, total
  for (i = 1; i <= kinds; i++) printf " %6d", count[kind[i]]
  print ""
  kernel = ""
}
BEGIN {
  kinds = split("HMMA HGMMA FFMA LDGSTS UTMALDG LDSM LDG LDS LDL STL BAR", kind, " ")
  printf "%-8s %-100s %7s", "arch", "kernel", "all"
  for (i = 1; i <= kinds; i++) printf " %6s", kind[i]
  print ""
}
/^arch = / { finish(); arch = $3 }
/^[ \t]*Function : / { finish(); kernel = $3; total = 0; delete count }
/^[ \t]*\/\*[0-9a-f]+\*\/[ \t]+[A-Z@{]/ {
  line = $0
  sub(/^[ \t]*\/\*[0-9a-f]+\*\/[ \t]+/, "", line)
  sub(/^@!?U?P[0-9T]+[ \t]+/, "", line)
  if (!match(line, /^[A-Z0-9]+/)) next
  total++
  count[substr(line, 1, RLENGTH)]++
}
END {
  finish()
  printf "%d kernels, %d of them with spilled registers\n", kernels, spilled
}
