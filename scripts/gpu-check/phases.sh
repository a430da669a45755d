# Phases 0 to 5 of scripts/gpu-check.sh, which reads this file. Each calls check or skip for everything that it has to say.

# settings: what all phases use. Commands of checks run in processes of their own, hence the exports.
settings() {
  export CUDA_VISIBLE_DEVICES=$device CUDA_DEVICE_ORDER=PCI_BUS_ID
  # What the driver translates and the program unpacks, away from the user's own.
  export XDG_CACHE_HOME=$out/cache CUDA_CACHE_PATH=$out/cache/driver CUDA_CACHE_MAXSIZE=4294967296
  export home root out rehearsed skipped library device heap=6g
  export -f has not_here java sn9
  library=$home/native/libsn9cuda.so
  if [ -n "$rehearsed" ]; then library=$rehearsed; fi
  if [ -e "$out/native/libsn9cuda.so" ]; then library=$out/native/libsn9cuda.so; fi
  size=full
  if [ -n "$rehearsed" ]; then size=small; fi
  export size
}

# has COMMAND: whether it is here, in PATH or where NVIDIA's installers put it.
has() { command -v "$1" >/dev/null 2>&1; }
PATH=$PATH:/usr/local/cuda/bin:/opt/nvidia/nsight-compute:/opt/nvidia/nsight-systems/bin

not_here() {
  echo "$*"
  exit "$skipped"
}

# java ...: the packed one, with the library under test as its CUDA library.
java() {
  "$home/runtime/bin/java" --enable-native-access=ALL-UNNAMED -Xmx"$heap" -Dsn9.native.dir="$home/native" \
    -Dsn9.cuda.library="$library" -Dsn9.require=cuda -Dsn9.size="$size" "$@"
}
sn9() { java -cp "$home/lib/sn9.jar" sn9.cli.Main "$@"; }

# ---- 0 machine ------------------------------------------------------------------------------------------------------

system_of() {
  uname -srm
  getconf GNU_LIBC_VERSION
  grep -m 1 'model name' /proc/cpuinfo
  grep MemTotal /proc/meminfo
  for tool in nvcc cmake g++ compute-sanitizer nsys ncu python3; do
    if has "$tool"; then echo "$tool: $("$tool" --version 2>&1 | grep -i -m 1 '[0-9]\.[0-9]')"; else echo "$tool: none"; fi
  done
  echo "sn9 $(head -n 1 "$home/VERSION"), $(getconf _NPROCESSORS_ONLN) processors, $(uname -r)"
}

# What the driver says, without what identifies the machine.
driver_of() {
  has nvidia-smi || not_here "no nvidia-smi"
  nvidia-smi -q | grep -viE 'uuid|serial|board id|gpu pdi|process|name *: /' || return
  nvidia-smi -i "$device" --query-gpu=name,driver_version,compute_cap,memory.total,power.limit,clocks.max.sm \
    --format=csv,noheader
}

device_of() {
  sn9 devices --json 2>&1 | tee "$out/raw/devices.txt" | grep -v '^{"devices"'
  if ! grep -q '"missing":\[\]' "$out/raw/devices.txt"; then
    echo "FAILED $(grep '^cuda' "$out/raw/devices.txt")"
    exit 1
  fi
  # Its own member of the last line: what the CUDA library says of the device.
  grep -o '{"device":"cuda[^}]*}' "$out/raw/devices.txt"
}

sees_gpu() { has python3 && python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; }
torch_product() {
  sees_gpu || not_here "no python3 with torch that sees the GPU"
  python3 - <<'PY'
import time, torch
n, best = 8192, 0
a, b = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in "ab")
for _ in range(20):
    torch.cuda.synchronize()
    start = time.perf_counter()
    a @ b
    torch.cuda.synchronize()
    best = max(best, 2 * n**3 / (time.perf_counter() - start) / 1e12)
print('{"torch":"%s","bf16_gemm_n":%d,"bf16_gemm_tflops":%.1f}' % (torch.__version__, n, best))
PY
}

phase_machine() {
  export -f system_of driver_of device_of torch_product sees_gpu
  check system 60 system_of
  check driver 60 driver_of
  check device 120 device_of
  check 'copies and products' 120 "$home/native/device_speed" "$library" "$([ -n "$rehearsed" ] && echo 16 || echo 1024)"
  check 'large bf16 product of torch' 120 torch_product
}

# ---- 1 build --------------------------------------------------------------------------------------------------------

capability() {
  local isa
  isa=$(grep -o '"isa":"sm_[0-9]*' "$out/raw/0-device.log" | tail -n 1)
  echo "${isa##*_}"
}

# Code for exactly this GPU: from capability 9.0 on, some instructions exist for one architecture only.
architecture() {
  local number
  number=$(capability)
  if [ "${number:-0}" = 90 ]; then echo 90a; else echo "$number"; fi
}

build_here() {
  for tool in nvcc cmake g++; do has "$tool" || not_here "no $tool; the packed library is used"; done
  mkdir -p "$out/native"
  if ! SN9_CUDA=on sh "$root/scripts/build-native.sh" "$out/build" build '' "$(architecture)"; then
    echo "FAILED: the library could not be built for sm_$(architecture); the packed one is used"
    exit 1
  fi
  cp "$out/build/libsn9cuda.so" "$out/native/"
  echo "built for sm_$(architecture) and compute_80 by $(nvcc --version | grep release)"
}

registers() {
  has nvcc || not_here "no nvcc"
  java -cp "$home/lib/check-cuda.jar" CheckCuda --root "$root" --archs "$(architecture)" --library "$library"
}

# What the machine code of each kernel is made of.
machine_code() {
  has cuobjdump || not_here "no cuobjdump"
  cuobjdump -sass "$library" >"$out/raw/sass.txt" || return
  awk -f "$root/scripts/gpu-check/sass.awk" "$out/raw/sass.txt"
}

phase_build() {
  export -f build_here registers machine_code architecture capability
  if [ -n "$rehearsed" ]; then
    skip 'library for this GPU' 'rehearsal: the host build is there already'
    skip 'registers and stack' 'rehearsal: the host build has none'
  else
    check 'library for this GPU' 1500 build_here
    if [ -e "$out/native/libsn9cuda.so" ]; then library=$out/native/libsn9cuda.so; fi
    check 'registers and stack' 1500 registers
  fi
  check 'machine code' 300 machine_code
}

# ---- 2 instructions -------------------------------------------------------------------------------------------------

phase_instructions() {
  local probe
  mkdir -p "$out/raw/probes"
  while read -r probe; do
    check "probe $probe" 120 "$home/native/probe_test" "$library" "$probe" --dump "$out/raw/probes"
  done <"$home/native/probes.txt"
}

# ---- 3 operations ---------------------------------------------------------------------------------------------------

operation() { # operation NAME [CASE...]
  local name=$1
  shift
  SN9_TEST_SIZE=$size "$home/native/cuda_ops_test" "$library" "$name" ${1:+--case "$@"}
}

# The run just made and one more: the same bits in everything that came from the device.
again() {
  local first second
  first=$(grep -o 'digest [0-9a-f]*' "$out/raw/3-$1.log") || not_here "the first run did not come to its end"
  second=$(operation "$@")
  echo "$second"
  second=$(grep -o 'digest [0-9a-f]*' <<<"$second")
  if [ "$first" != "$second" ]; then
    echo "FAILED: two runs differ: $first, then ${second:-no digest}"
    exit 1
  fi
  echo "same bits twice: $first"
}

phase_operations() {
  local name words
  export -f operation again
  for name in $("$home/native/cuda_ops_test" --list); do
    words=
    if [ -n "$rehearsed" ]; then
      case $name in
        production | attention_causal | attention_production)
          skip "$name" 'rehearsal: takes the host build minutes; ctest runs it'
          continue
          ;;
        attention) words='f32 HS=64' ;;
      esac
    fi
    # shellcheck disable=SC2086 # several words
    {
      check "$name" 900 operation "$name" $words
      check "$name again" 900 again "$name" $words
    }
    if [ -n "$rehearsed" ]; then
      skip "$name from PTX" 'rehearsal: the host build has no PTX'
    else
      CUDA_FORCE_PTX_JIT=1 check "$name from PTX" 900 operation "$name"
    fi
    # Where cuBLASLt multiplies, our own product would go untested.
    if has_cublaslt; then SN9_CUBLASLT=off check "$name without cuBLASLt" 900 operation "$name"; fi
  done
}

# ---- 4 models -------------------------------------------------------------------------------------------------------

model_test() { java -cp "$home/lib/*:$home/tests" sn9.testing.RunTests "$1"; }

phase_models() {
  local test
  export -f model_test
  for test in train.GoldenTest#{lossesPerSequence,logits,gradients,threeAdamwSteps} \
    model.PositionLossTest#{f32KeepsEveryPosition,bf16StaysWithinItsRoundoff,theNetworksWidth} \
    model.GoldenPositionTest#{fp32KeepsEveryPosition,bf16WouldBeFound} \
    model.FullSizeTest#{everyPositionFollowsDoublePrecision,aSequenceHasTheSameBitsAloneAndAmongMany} \
    model.DeterminismTest#aSequenceHasTheSameBitsInEveryBatchAndPlace \
    model.PaddingTest#garbageChangesNothing model.HostileWeightsTest#everyEngineAgreesWithTheCpu \
    train.EngineParityTest#{theNetworksWidthHasTheSameGradients,twentyStepsWithDropoutFollowTheCpu,twentyStepsFollowDoublePrecision} \
    train.EngineParityTest#twentyStepsOfTheNetworksWidthFollowDoublePrecision; do
    case $rehearsed:$test in
      ?*:*lossesPerSequence | ?*:*f32KeepsEveryPosition | ?*:*FullSize* | ?*:*WithDropout*) ;;
      ?*:*) skip "${test#*.}" 'rehearsal: takes the host build long; ./mvnw verify runs it' && continue ;;
    esac
    check "${test#*.}" 900 model_test "sn9.$test"
  done
}

# ---- 5 sanitizers ---------------------------------------------------------------------------------------------------

sanitizer() { # sanitizer TOOL OPERATION
  # Fresh memory stays as it is, for initcheck to see who reads it.
  SN9_TEST_SIZE=small SN9_TEST_POISON=off compute-sanitizer --tool "$1" --error-exitcode 9 \
    "$home/native/cuda_ops_test" "$library" "$2"
}

phase_sanitizers() {
  local tool name
  export -f sanitizer
  if ! has compute-sanitizer || [ -n "$rehearsed" ]; then
    for tool in memcheck racecheck initcheck synccheck; do skip "$tool" 'no compute-sanitizer'; done
    return
  fi
  for tool in memcheck racecheck initcheck synccheck; do
    for name in $("$home/native/cuda_ops_test" --list); do
      # These are about sizes and speed, not about more of the kernels.
      case $name in production | attention_production | attention_causal) continue ;; esac
      check "$tool $name" 600 sanitizer "$tool" "$name"
    done
  done
}
