# Phases 6 and 7 of scripts/gpu-check.sh, which reads this file: how fast it is, and where the time goes. Nothing here
# decides the exit code.

# ---- 6 speed --------------------------------------------------------------------------------------------------------

# Dense rates in TFLOP/s, by the vendor's data sheets: name of the card, bf16 with f32 sums, f32. The first that fits.
rates='H200 989 67|H100 PCIe 756 51|H100 NVL 835 60|H100 989 67|GH200 989 67|B200 2250 75|A100 312 19.5|A10G 70 31.5|A10 125 31.2
|L40S 362 91.6|L40 181 90.5|L4 121 30.3|RTX 4090 165 82.6|RTX 4080 97.5 48.7|RTX 5090 209.5 104.8|RTX 3090 71 35.6|RTX A6000 155 38.7'

# Milliseconds a step was predicted to take before anyone had run one (docs/gpu-check.md): card, work, from, to.
predictions='H100 train-bf16 165 200|A100 train-bf16 340 370|RTX 4090 train-bf16 450 500
|H100 train-bf16-cublaslt 120 135|A100 train-bf16-cublaslt 260 275|H100 eval-fp32 110 145|H100 eval-bf16 33 60'

# timed WORK COMMAND...: a bench with --json; its last line gains ms (median), the share of the card's rate for this
# precision in percent, what was predicted, and the ratio of ms to the middle of that.
timed() {
  local work=$1 card
  shift
  "$@" --json >"$out/raw/bench.json" || { cat "$out/raw/bench.json" && exit 1; }
  card=$(grep -o '"name":"[^"]*"' "$out/raw/0-device.log" | tail -n 1)
  cat "$out/raw/bench.json"
  grep '^{' "$out/raw/bench.json" | tail -n 1 | awk -v work="$work" -v card="$card" -v rates="${rates//$'\n'/}" \
    -v predictions="${predictions//$'\n'/}" '
    function number(name) { return match($0, "\"" name "\":[-+0-9.eE]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : 0 }
    {
      ms = 1000 * number("batch_size") * number("sequence_length") / number("tokens_per_second")
      printf "{\"ms\":%.4g,\"tokens_per_second\":%.6g,\"gflops\":%.6g", ms, number("tokens_per_second"), number("gflops")
      count = split(rates, row, "|")
      for (i = 1; i <= count; i++) {
        words = split(row[i], word, " ")
        name = row[i]
        sub(/ [0-9.]+ [0-9.]+$/, "", name)
        if (!index(card, name)) continue
        printf ",\"percent_of_rate\":%.3g", number("gflops") / 10 / (work ~ /bf16/ ? word[words - 1] : word[words])
        break
      }
      count = split(predictions, row, "|")
      for (i = 1; i <= count; i++) {
        words = split(row[i], word, " ")
        name = row[i]
        sub(/ [^ ]+ [0-9.]+ [0-9.]+$/, "", name)
        if (!index(card, name) || word[words - 2] != work) continue
        printf ",\"predicted_ms\":\"%s-%s\",\"ratio\":%.3g", word[words - 1], word[words], 2 * ms / (word[words - 1] + word[words])
        break
      }
      print "}"
    }'
}

# Whether the library uses cuBLASLt here unless told not to.
has_cublaslt() { grep -q '"bf16_gemm":"cuBLASLt' "$out/raw/0-device.log" 2>/dev/null; }

phase_speed() {
  local round work name shape steps=10 on=cuda
  local works=(train-bf16:64 train-bf16:8 train-fp32:8 eval-fp32:64 eval-bf16:64 eval-fp32:1)
  export -f timed
  export rates predictions
  shape=(--n_layer 12 --n_head 12 --n_embd 768 --sequence_length 1024)
  if [ -n "$rehearsed" ]; then # bench's own matrix products would take the host build minutes
    shape=(--n_layer 1 --n_head 1 --n_embd 16 --vocab_size 200 --sequence_length 8) steps=1 on=cpu works=(train-bf16:2 eval-fp32:1)
  fi
  # A B A B: what drifts over minutes, as the temperature does, shows as a difference of the rounds.
  for round in 1 2; do
    for work in "${works[@]}"; do
      name="${work%:*} B=${work#*:}"
      local command=(sn9 bench "${work%%-*}" "${shape[@]}" --steps "$steps" --device "$on" --batch_size "${work#*:}")
      case $work/$on in *bf16*/cuda) command+=(--precision bf16) ;; esac
      SN9_CUBLASLT=off check "$name own, round $round" 300 timed "${work%:*}" "${command[@]}"
      case $work in
        *bf16*)
          if has_cublaslt; then
            check "$name cuBLASLt, round $round" 300 timed "${work%:*}-cublaslt" "${command[@]}"
          else
            skip "$name cuBLASLt, round $round" 'the library uses no cuBLASLt on this machine'
          fi
          ;;
      esac
    done
    if [ -n "$rehearsed" ]; then
      skip "fp32 products, round $round" 'rehearsal: takes the host build minutes'
    else
      check "fp32 products, round $round" 300 sn9 bench gemm --device cuda --json
    fi
  done
}

# ---- 7 profiler -----------------------------------------------------------------------------------------------------

bench_for_profiler() {
  sn9 bench train --n_layer 12 --n_head 12 --n_embd 768 --sequence_length 1024 --batch_size 16 --precision bf16 --steps 2 \
    --device cuda
}

# The kernels that take the most time in a training step, by nsys: one name a line in raw/worst-kernels.
timeline() {
  nsys profile --trace cuda,nvtx --force-overwrite true --output "$out/raw/train" bash -c bench_for_profiler || return
  nsys stats --report cuda_gpu_kern_sum --format csv --force-export true "$out/raw/train.nsys-rep" \
    >"$out/raw/kernels.csv" || return
  # The name is the last column; what stands before its parameters is enough to find it again.
  grep -o '[a-z_]*_kernel' "$out/raw/kernels.csv" | awk '!seen[$0]++' | head -n 5 >"$out/raw/worst-kernels"
  echo "worst: $(tr '\n' ' ' <"$out/raw/worst-kernels")"
}

counters() { # counters KERNEL
  ncu --set full --kernel-name "regex:$1" --launch-skip 2 --launch-count 2 --force-overwrite --export "$out/raw/$1" \
    bash -c bench_for_profiler || return
  ncu --import "$out/raw/$1.ncu-rep" --page details
}

phase_profiler() {
  local kernel
  export -f bench_for_profiler timeline counters
  if [ -n "$rehearsed" ] || ! has nsys; then
    skip 'kernels by time' 'no nsys'
  else
    check 'kernels by time' 600 timeline
  fi
  if [ -n "$rehearsed" ] || ! has ncu; then
    skip 'counters of the worst' 'no ncu'
  elif [ ! -s "$out/raw/worst-kernels" ]; then
    skip 'counters of the worst' 'which kernels are the worst is not known without nsys'
  else
    while read -r kernel; do check "counters of $kernel" 600 counters "$kernel"; done <"$out/raw/worst-kernels"
  fi
}
