# Operations side by side: what op_speed and torch_speed.py printed, files named PRECISION:WHO:ROUND=FILE by -v files. The
# floor is the larger of bytes / memory rate and FLOPs / rate (-v bf16, fp32 in TFLOP/s, -v memory in GB/s); what was
# expected before anyone had run it comes from the shares of docs/kernels.md (-v card). Last line: JSON, for "values".
function seen(name, who, round) { return (precision, name, who, round) in ms ? sprintf("%.4g", ms[precision, name, who, round]) : "-" }
# Expected milliseconds of our own kernel, or 0.
function expected(name,   rate) {
  if (!(card in product) || precision != "bf16") return 0
  rate = name ~ /^attention_forward/ ? forward[card] : name ~ /^attention_backward/ ? backward[card] : product[card]
  return flops[precision, name] ? flops[precision, name] / rate / 1e9 : bytes[precision, name] / (0.85 * memory) / 1e6
}
BEGIN {
  product["NVIDIA H100 80GB HBM3"] = 415; forward["NVIDIA H100 80GB HBM3"] = 150; backward["NVIDIA H100 80GB HBM3"] = 120
  product["NVIDIA A100-SXM4-80GB"] = 165; forward["NVIDIA A100-SXM4-80GB"] = 90; backward["NVIDIA A100-SXM4-80GB"] = 75
  count = split(files, file, "|")
  for (i = 1; i <= count; i++) {
    split(substr(file[i], 1, index(file[i], "=") - 1), of, ":")
    path = substr(file[i], index(file[i], "=") + 1)
    while ((getline line < path) > 0) {
      fields = split(line, word, " ")
      if (word[1] != "op") continue
      last = of[2] == "torch" ? fields : fields - 3
      name = word[2]
      for (j = 3; j < last; j++) name = name " " word[j]
      if (!((of[1], name) in place)) { place[of[1], name] = ++operations[of[1]]; names[of[1], operations[of[1]]] = name }
      ms[of[1], name, of[2], of[3]] = word[last]
      if (of[2] == "torch") continue
      bytes[of[1], name] = word[fields - 2]; flops[of[1], name] = word[fields - 1]; kind[of[1], name] = word[fields]
    }
  }
  printf "%-4s %-32s %9s %9s %9s %8s %9s %6s %9s %9s %9s %9s\n", "", "ms", "floor", "own 1", "own 2", "% floor", "expected", "ratio", \
    "cuBLASLt1", "cuBLASLt2", "torch 1", "torch 2"
  for (p = 1; p <= 2; p++) {
    precision = p == 1 ? "bf16" : "fp32"
    for (i = 1; i <= operations[precision]; i++) {
      name = names[precision, i]
      rate = kind[precision, name] == "bf16" ? bf16 : fp32
      floor = memory ? bytes[precision, name] / memory / 1e6 : 0
      if (rate && flops[precision, name] / rate / 1e9 > floor) floor = flops[precision, name] / rate / 1e9
      own = ms[precision, name, "own", 1]
      guess = expected(name)
      share = own && floor ? sprintf("%.3g", 100 * floor / own) : "-"
      ratio = own && guess ? sprintf("%.2f", own / guess) : "-"
      printf "%-4s %-32s %9.4g %9s %9s %8s %9s %6s %9s %9s %9s %9s\n", precision, name, floor, seen(name, "own", 1), \
        seen(name, "own", 2), share, guess ? sprintf("%.4g", guess) : "-", ratio, seen(name, "cuBLASLt", 1), \
        seen(name, "cuBLASLt", 2), seen(name, "torch", 1), seen(name, "torch", 2)
      if (own && floor) json = json sprintf("%s\"%s %s\":%.3g", json ? "," : "", precision, name, 100 * floor / own)
    }
  }
  printf "{\"rates\":\"%s\",\"percent_of_floor\":{%s}}\n", source, json
}
