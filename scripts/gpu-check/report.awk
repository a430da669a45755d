# The table of results.jsonl: one line a check, of what was found last. Exits 1 where a check of phases 2 to 5 failed or did
# not end.
function member(line, name,   at) {
  at = index(line, "\"" name "\":")
  if (!at) return ""
  line = substr(line, at + length(name) + 3)
  if (substr(line, 1, 1) != "\"") {
    match(line, /^[^,}]*/)
    return substr(line, 1, RLENGTH)
  }
  gsub(/\\"/, "\001", line)
  match(line, /^"[^"]*"/)
  line = substr(line, 2, RLENGTH - 2)
  gsub(/\001/, "\"", line)
  gsub(/\\\\/, "\\", line)
  return line
}
/^{"phase":[0-7],.*}$/ {
  key = member($0, "phase") " " member($0, "name")
  if (!(key in line)) order[++count] = key
  line[key] = $0
}
END {
  printf "%-5s %-44s %-8s %8s  %s\n", "phase", "check", "status", "seconds", "detail"
  for (i = 1; i <= count; i++) {
    found = line[order[i]]
    phase = member(found, "phase")
    status = member(found, "status")
    name = member(found, "name")
    if (name ~ /^phase /) {
      if (index(found, "not begun") && phase >= 2 && phase <= 5) wrong = wrong ", " name " was cut off"
      continue
    }
    mark = status == "failed" || status == "timeout" ? toupper(status) : status
    printf "%-5s %-44s %-8s %8s  %s\n", phase, name, mark, member(found, "seconds"), substr(member(found, "detail"), 1, 100)
    if (phase < 2 || phase > 5) continue
    if (status == "ok") right++
    else if (status == "skipped") skipped++
    else wrong = wrong ", " name
  }
  if (wrong) print "NOT RIGHT: " substr(wrong, 3)
  else if (right) print "RIGHT: " right " checks passed, " skipped + 0 " were skipped"
  else print "NOTHING SAID: no check of phases 2 to 5 ran"
  exit wrong != ""
}
