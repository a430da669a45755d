# Phases 6 and 7 of scripts/gpu-check.sh, which reads this file: how fast it is, and where the time goes. Nothing here
# decides the exit code.

# ---- 6 speed --------------------------------------------------------------------------------------------------------

# By the vendor's data sheets: card, TFLOP/s in bf16 (dense) and f32, GB/s. Of all other cards the ceilings are what phase 0
# measured.
rates='NVIDIA H100 80GB HBM3:989:67:3350|NVIDIA H100 PCIe:756:51:2000|NVIDIA A100-SXM4-80GB:312:19.5:2040
|NVIDIA GeForce RTX 4090:165:82.6:1010|NVIDIA L40S:362:91.6:864|NVIDIA L40:181:90.5:864'

# Milliseconds that a step was expected to take before anyone had run one: docs/kernels.md for training on H100 and A100,
# else estimates. Card, work, ms.
expectations='NVIDIA H100 80GB HBM3:train-bf16-own B=64:187|NVIDIA H100 80GB HBM3:train-bf16-cuBLASLt B=64:149
|NVIDIA A100-SXM4-80GB:train-bf16-own B=64:407|NVIDIA GeForce RTX 4090:train-bf16-own B=64:475
|NVIDIA H100 80GB HBM3:eval-fp32-own B=64:128|NVIDIA H100 80GB HBM3:eval-bf16-own B=64:33'

# row TABLE KEY: what stands behind the key.
row() {
  tr -d '\n' <<<"$1" | tr '|' '\n' | awk -v key="$2:" 'index($0, key) == 1 { print substr($0, length(key) + 1); exit }'
}

# measured FILE MEMBER: a number of a line of JSON of phase 0, or 0.
measured() {
  local found
  found=$(grep -o "\"$2\":[0-9.e+]*" "$out/raw/$1" 2>/dev/null | tail -n 1)
  echo "${found##*:}" | grep . || echo 0
}

# ceilings: of this card, as card, bf16 and fp32 in TFLOP/s, GB/s, and where they come from.
ceilings() {
  local sheet
  card=$(grep -o '"name":"[^"]*"' "$out/raw/0-device.log" 2>/dev/null | tail -n 1 | cut -d '"' -f 4)
  sheet=$(row "$rates" "${card:-none}")
  if [ -n "$sheet" ]; then
    IFS=: read -r bf16 fp32 memory <<<"$sheet" && source='data sheet'
    return
  fi
  source='measured in phase 0'
  memory=$(measured 0-copies-and-products.log copy_gb_s)
  fp32=$(awk -v g="$(measured 0-copies-and-products.log fp32_gflops)" 'BEGIN { print g / 1000 }')
  bf16=$(awk -v g="$(measured 0-copies-and-products.log bf16_gflops)" \
    -v t="$(measured 0-large-bf16-product-of-torch.log bf16_gemm_tflops)" 'BEGIN { print (g / 1000 > t + 0 ? g / 1000 : t) }')
}

# timed WORK COMMAND...: a bench with --json; its last line gains ms (median), the share of the card's rate for this
# precision in percent, what was expected, and the ratio of ms to that.
timed() {
  local work=$1 card bf16 fp32 memory source rate
  shift
  "$@" --json >"$out/raw/bench.json" || { cat "$out/raw/bench.json" && exit 1; }
  cat "$out/raw/bench.json"
  ceilings
  rate=$fp32
  case $work in *bf16*) rate=$bf16 ;; esac
  grep '^{' "$out/raw/bench.json" | tail -n 1 |
    awk -v rate="$rate" -v source="$source" -v expected="$(row "$expectations" "$card:$work")" '
    function number(name) { return match($0, "\"" name "\":[-+0-9.eE]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : 0 }
    {
      ms = 1000 * number("batch_size") * number("sequence_length") / number("tokens_per_second")
      printf "{\"ms\":%.4g,\"tokens_per_second\":%.6g,\"gflops\":%.6g", ms, number("tokens_per_second"), number("gflops")
      if (rate > 0) printf ",\"percent_of_rate\":%.3g,\"rate\":\"%s\"", number("gflops") / 10 / rate, source
      if (expected != "") printf ",\"expected_ms\":%g,\"ratio\":%.3g", expected, ms / expected
      print "}"
    }'
}

# Every operation, ours alone or with cuBLASLt, and torch's.
operations() { "$home/native/op_speed" "$library" "$1"; }
operations_torch() {
  local own=$out/raw/6-operations-$1-own--round-1.log
  sees_gpu || not_here "no python3 with torch that sees the GPU"
  python3 "$root/scripts/gpu-check/torch_speed.py" "$1" "$(measured "${own##*/}" B)"
}

# What the runs of op_speed and of torch printed, in one table.
side_by_side() {
  local card bf16 fp32 memory source precision who round file files=
  for precision in bf16 fp32; do
    for who in own cuBLASLt torch; do
      for round in 1 2; do
        file=$out/raw/6-operations-$precision-$who--round-$round.log
        if [ -e "$file" ]; then files+="${files:+|}$precision:$who:$round=$file"; fi
      done
    done
  done
  ceilings
  awk -v files="$files" -v card="$card" -v bf16="$bf16" -v fp32="$fp32" -v memory="$memory" -v source="$source" \
    -f "$root/scripts/gpu-check/operations.awk"
}

# Whether the library uses cuBLASLt here unless told not to.
has_cublaslt() { grep -q '"bf16_gemm":"cuBLASLt' "$out/raw/0-device.log" 2>/dev/null; }

phase_speed() {
  local round work name shape precision steps=10 on=cuda
  local works=(train-bf16:64 train-bf16:8 train-fp32:8 eval-fp32:64 eval-bf16:64 eval-fp32:1)
  export -f timed ceilings row measured operations operations_torch sees_gpu side_by_side
  export rates expectations
  shape=(--n_layer 12 --n_head 12 --n_embd 768 --sequence_length 1024)
  if [ -n "$rehearsed" ]; then # bench's own matrix products would take the host build minutes
    shape=(--n_layer 1 --n_head 1 --n_embd 16 --vocab_size 200 --sequence_length 8) steps=1 on=cpu works=(train-bf16:2 eval-fp32:1)
  fi
  # A B A B: what drifts over minutes, as the temperature does, shows as a difference of the rounds.
  for round in 1 2; do
    for precision in bf16 fp32; do
      SN9_CUBLASLT=off check "operations $precision own, round $round" 300 operations "$precision"
      if [ "$precision" = bf16 ]; then
        with_cublaslt "operations $precision cuBLASLt, round $round" 300 operations "$precision"
      fi
      check "operations $precision torch, round $round" 300 operations_torch "$precision"
    done
    for work in "${works[@]}"; do
      name="${work%:*} B=${work#*:}"
      local command=(sn9 bench "${work%%-*}" "${shape[@]}" --steps "$steps" --device "$on" --batch_size "${work#*:}")
      case $work/$on in *bf16*/cuda) command+=(--precision bf16) ;; esac
      SN9_CUBLASLT=off check "$name own, round $round" 300 timed "${work%:*}-own B=${work#*:}" "${command[@]}"
      case $work in
        train-bf16*) with_cublaslt "$name cuBLASLt, round $round" 300 timed "${work%:*}-cuBLASLt B=${work#*:}" "${command[@]}" ;;
      esac
    done
    if [ -n "$rehearsed" ]; then
      skip "fp32 products, round $round" 'rehearsal: takes the host build minutes'
    else
      check "fp32 products, round $round" 300 sn9 bench gemm --device cuda --json
    fi
  done
  check 'operations side by side' 60 side_by_side
}

# with_cublaslt NAME SECONDS COMMAND...: a check, where the library uses cuBLASLt.
with_cublaslt() {
  if has_cublaslt; then check "$@"; else skip "$1" 'the library uses no cuBLASLt on this machine'; fi
}

# ---- 7 profiler -----------------------------------------------------------------------------------------------------

# Flags of the training step that is looked at.
profiled=(--n_layer 12 --n_head 12 --n_embd 768 --sequence_length 1024 --batch_size 16 --precision bf16)

# The kernels that take the most time in a training step: one name a line in raw/worst-kernels.
timeline() {
  OUT=$out/raw/train sh "$root/scripts/nsys.sh" train "$@" >"$out/raw/timeline.txt" || {
    cat "$out/raw/timeline.txt"
    return 1
  }
  cat "$out/raw/timeline.txt"
  # Of the table of kernels, longest first, what stands before a kernel's parameters is enough to find it again.
  sed -n '/cuda_gpu_kern_sum/,/cuda_gpu_mem_time_sum/p' "$out/raw/timeline.txt" | grep -o '[a-z0-9_]*_kernel' |
    awk '!seen[$0]++' | head -n 5 >"$out/raw/worst-kernels"
  [ -s "$out/raw/worst-kernels" ] || { echo "nsys names no kernel of ours" && return 1; }
  echo "worst: $(tr '\n' ' ' <"$out/raw/worst-kernels")"
}

counters() { # counters KERNEL FLAGS
  OUT=$out/raw/$1 SKIP=2 COUNT=2 sh "$root/scripts/ncu.sh" "$@"
}

phase_profiler() {
  local kernel
  export -f timeline counters
  export SN9_JAR=$home/lib/sn9.jar SN9_JAVA=$home/runtime/bin/java
  export SN9_JAVA_OPTS="-Xmx$heap -Dsn9.native.dir=$home/native -Dsn9.cuda.library=$library"
  if ! has nsys; then
    skip 'kernels by time' 'no nsys'
  else
    check 'kernels by time' 600 timeline "${profiled[@]}"
  fi
  if ! has ncu; then
    skip 'counters of the worst' 'no ncu'
  elif [ ! -s "$out/raw/worst-kernels" ]; then
    skip 'counters of the worst' 'which kernels are the worst is not known without nsys'
  else
    while read -r kernel; do check "counters of $kernel" 600 counters "$kernel" "${profiled[@]}"; done <"$out/raw/worst-kernels"
  fi
}
