#!/usr/bin/env bash
# Plants the mistakes of scripts/mutants.txt in copies of the CUDA kernels, or of the Java that orders their work, one at a
# time, and runs the check that must find each: bash scripts/check-mutants.sh [--list] [--keep] [--jobs N] [NAME...]
#   --list   the mutants, equivalent ones and their reasons; runs nothing
#   --keep   leaves what was built of killed mutants, too: target/mutants/NAME/libsn9cudahost.so
#   --jobs   mutants at once (default: as many as cores)
#   NAME     only these mutants
# Those in Java need what ./mvnw package leaves in target. Each check first runs without a mistake and must pass. Prints a table; exits 1 unless every mutant was killed by its
# check. The working tree is not touched: copies and logs lie in target/mutants/NAME.
# Only the file that the check is about is compiled anew and linked before the objects of the plain build, so that
# whatever both define is the mutant's.
set -euo pipefail
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
list=$root/scripts/mutants.txt build=$root/target/native work=$root/target/mutants
seconds_limit=300 # of one check

die() {
  echo "check-mutants: $*" >&2
  exit 2
}

# ---- the list -------------------------------------------------------------------------------------------------------

names=() equivalents=() narrowed=()
declare -A why edits check of with says

read_list() {
  local line kind name=
  while IFS= read -r line; do
    case $line in
      '' | '#'*) ;;
      'mutant '* | 'equivalent '* | 'narrow '*)
        kind=${line%% *} name=${line#* }
        [ -z "${edits[$name]+set}" ] || die "$list: two blocks are called $name"
        edits[$name]= why[$name]= with[$name]=
        case $kind in
          mutant) names+=("$name") ;;
          equivalent) equivalents+=("$name") ;;
          narrow) narrowed+=("$name") ;;
        esac
        ;;
      'file '* | '- '* | '+ '*) edits[$name]+=$line$'\n' ;;
      'why '*) why[$name]+=${why[$name]:+ }${line#why } ;;
      'check '*)
        check[$name]=${line#check }
        case $line in
          'check op '*) line=${line#check op } && of[$name]=${line%% *} ;;
          'check probe '*) of[$name]=probe ;;
          'check java '*) of[$name]=java ;;
          *) of[$name]=gate ;;
        esac
        ;;
      'of '*) of[$name]=${line#of } ;;
      'with '*) with[$name]=${line#with } ;;
      'says '*) says[$name]=${line#says } ;;
      *) die "$list: what is this line of $name? $line" ;;
    esac
  done <"$list"
  for name in "${names[@]}"; do
    [ -n "${check[$name]+set}" ] && [ -n "${says[$name]+set}" ] || die "$list: $name lacks its check, or what it says"
  done
}

# plant NAME TREE: makes the edits of a block in TREE, each of whose texts must be there exactly once.
plant() {
  local name=$1 tree=$2 line file= old= new= side=
  replace() {
    [ -n "$old" ] || return 0
    local text after
    text=$(<"$tree/$file")
    after=${text#*"$old"}
    [ "$after" != "$text" ] || die "$name: $file has no such text any more: $old"
    [ "${after#*"$old"}" = "$after" ] || die "$name: $file has this text more than once: $old"
    printf '%s\n' "${text%"$old$after"}$new$after" >"$tree/$file"
    old='' new='' side=''
  }
  while IFS= read -r line; do
    case $line in
      'file '*) replace && file=${line#file } ;;
      '- '*)
        [ "$side" != + ] || replace
        old+=${old:+$'\n'}${line#- } side=-
        ;;
      '+ '*) new+=${new:+$'\n'}${line#+ } side=+ ;;
    esac
  done <<<"${edits[$name]}"
  replace
}

# ---- building and running -------------------------------------------------------------------------------------------

# make_tree NAME: a copy of what is compiled, with the mistake NAME, in target/mutants/NAME.
make_tree() {
  local name file
  rm -rf "${work:?}/$1"
  mkdir -p "$work/$1/native"
  cp -r "$root/cuda" "$work/$1/"
  cp -r "$root/native/common" "$root/native/include" "$root/native/cudahost" "$work/$1/native/"
  for file in $(sed -n 's/^file \(src\/.*\)$/\1/p' <<<"${edits[$1]}" | sort -u); do
    mkdir -p "$work/$1/${file%/*}"
    cp "$root/$file" "$work/$1/$file"
  done
  for name in "${narrowed[@]}" "$1"; do plant "$name" "$work/$1"; done
}

# Whether cuda/OP.cu is compiled otherwise than in the plain build.
is_narrow() {
  local name
  for name in "${narrowed[@]}"; do [[ $1 != "$name"* ]] || return 0; done
  return 1
}

# compile NAME OP: the library of the tree of NAME. Compiled are the files with a mistake and, where that is a header or
# none, cuda/OP.cu.
compile() {
  local tree=$work/$1 units unit command file mutated=() others=()
  units=$(sed -n 's/^file \(.*\.cu\)$/\1/p' <<<"${edits[$1]}" | sort -u)
  if [ -z "$units" ] || grep -q '^file .*\.cuh$' <<<"${edits[$1]}"; then units+=" cuda/$2.cu"; fi
  for unit in $units; do
    command=$(sed -n "s|^ *\"command\": \"\(.*sn9cudahost\.dir.* -c [^ ]*/$unit\)\",\$|\1|p" \
      "$build/compile_commands.json")
    [ -n "$command" ] || die "$unit is not part of sn9cudahost"
    mutated+=("$tree/$(basename "$unit").o")
    command=${command/ -o *.o -c / -o "${mutated[-1]}" -c }
    command=${command//"$root/cmake/../"/"$tree/"}
    command=${command//"$root/cuda"/"$tree/cuda"}
    command=${command//"$root/native"/"$tree/native"}
    (cd "$build/cudahost" && eval "$command -w") || return 1
  done
  for file in $(sed -n 's|.*"command".* -o \(CMakeFiles/sn9cudahost[^ ]*\.o\) -c .*|\1|p' "$build/compile_commands.json"); do
    [[ " ${mutated[*]}" == *"/$(basename "$file")"* ]] || others+=("$build/cudahost/$file")
  done
  "${CXX:-g++}" -shared -Wl,--version-script="$root/cmake/exports.map" -o "$tree/libsn9cudahost.so" "${mutated[@]}" \
    "${others[@]}"
}

# compile_java NAME: the classes with a mistake, in TREE/classes.
compile_java() {
  mkdir -p "$work/$1/classes"
  find "$work/$1/src" -name '*.java' -exec "$jdk/bin/javac" -nowarn -d "$work/$1/classes" -cp "$classes" {} +
}

# find_java: the JDK, and the class path of the tests as Maven resolves it.
find_java() {
  jdk=$(sh "$root/scripts/find-jdk.sh") || exit 2
  [ -e "$root/target/test-classes/sn9/testing/RunTests.class" ] || die "the test classes are missing: run ./mvnw package first"
  (cd "$root" && ./mvnw -q -o -Dsn9.native.skip=true dependency:build-classpath -DincludeScope=test \
    -Dmdep.outputFile="$work/classpath") >"$work/maven.log" 2>&1 || die "Maven failed; see $work/maven.log"
  classes=$root/target/test-classes:$root/target/classes:$(<"$work/classpath")
}

# run_check CHECK WITH TREE: 0 where the check passes. CHECK is "op NAME [CASE]", "probe NAME", "java CLASS#METHOD" or "gate
# ARGUMENTS".
run_check() {
  local kind op rest
  read -r kind op rest <<<"$1"
  case $kind in
    op)
      # shellcheck disable=SC2086 # several settings
      env $2 timeout "$seconds_limit" "$build/cudahost/cuda_ops_test" "$3/libsn9cudahost.so" "$op" --case $rest ||
        { echo "ended with status $?" && return 1; }
      ;;
    probe)
      # shellcheck disable=SC2086 # several settings
      env $2 timeout "$seconds_limit" "$build/cudahost/probe_test" "$3/libsn9cudahost.so" "$op" ||
        { echo "ended with status $?" && return 1; }
      ;;
    java)
      # shellcheck disable=SC2086 # several settings
      (cd "$root" && env $2 timeout "$seconds_limit" "$jdk/bin/java" --enable-native-access=ALL-UNNAMED \
        -Dsn9.native.dir="$build" -Djqwik.database="$work/jqwik" -cp "$3/classes:$classes" sn9.testing.RunTests "$op") || { echo "ended with status $?" && return 1; }
      ;;
    gate)
      # shellcheck disable=SC2086 # several arguments
      timeout "$seconds_limit" sh "$root/scripts/check-cuda.sh" --source "$3/cuda" $op $rest
      ;;
    *) die "what is check $1?" ;;
  esac
}

# try NAME: builds the mutant and runs its check; its verdict and seconds go to target/mutants/NAME/verdict.
try() {
  local name=$1 start=$EPOCHREALTIME verdict message tree=$work/$1
  if ! message=$(make_tree "$name" 2>&1); then
    verdict='not planted'
    echo "$message" >"$tree/log"
  elif [ "${of[$name]}" = java ] && ! compile_java "$name" >"$tree/log" 2>&1; then
    verdict='not compiled'
  elif [[ ${of[$name]} != gate && ${of[$name]} != java ]] && ! (compile "$name" "${of[$name]}") >"$tree/log" 2>&1; then
    verdict='not compiled'
  elif run_check "${check[$name]}" "${with[$name]}" "$tree" >"$tree/log" 2>&1; then
    verdict=SURVIVED
    if grep -q 'skipped, no nvcc' "$tree/log"; then verdict='no nvcc'; fi
  elif grep -qF -- "${says[$name]}" "$tree/log"; then
    verdict=killed
  else
    verdict='killed otherwise'
  fi
  [ "$verdict$keep" != killed ] || rm -rf "$tree"/{cuda,native,src,classes} "$tree"/*.o "$tree"/*.so
  printf '%s|%s\n' "$verdict" "$(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $start }")" >"$tree/verdict"
}

# control NUMBER CHECK WITH OP: the same without a mistake.
control() {
  local name=plain-$1
  edits[$name]=
  make_tree "$name"
  if is_narrow "$4"; then
    (compile "$name" "$4") >"$work/$name/log" 2>&1
  else
    ln -s "$build/libsn9cudahost.so" "$work/$name/libsn9cudahost.so"
  fi && run_check "$2" "$3" "$work/$name" >"$work/$name/log" 2>&1 && rm -rf "${work:?}/$name" && return
  echo "without a mistake fails: $2 ${3:+with $3}; see $work/$name/log" >>"$work/failed-controls"
}

# in_turn COMMAND...: runs it in the background once a job is free.
in_turn() {
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
  "$@" &
}

# ---- the command ----------------------------------------------------------------------------------------------------

read_list
jobs=$(nproc) chosen=() listing='' keep=
while [ $# -gt 0 ]; do
  case $1 in
    --list) listing=1 ;;
    --keep) keep=', kept' ;;
    --jobs)
      jobs=${2:?--jobs needs a number}
      shift
      ;;
    -*) die "unknown option $1; see the head of scripts/check-mutants.sh" ;;
    *)
      [ -n "${check[$1]+set}" ] || die "no mutant is called $1; --list shows them"
      chosen+=("$1")
      ;;
  esac
  shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${names[@]}")

if [ -n "$listing" ]; then
  for name in "${chosen[@]}"; do
    printf '%-28s %s\n%-28s killed by: %s%s\n' "$name" "${why[$name]}" '' "${check[$name]}" "${with[$name]:+, ${with[$name]}}"
  done
  for name in "${equivalents[@]}"; do printf '%-28s equivalent: %s\n' "$name" "${why[$name]}"; done
  exit 0
fi

echo "check-mutants: ${#chosen[@]} mutants, $jobs at once"
mkdir -p "$work"
rm -f "$work/failed-controls"
if ! {
  cmake -S "$root/cmake" -B "$build" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON &&
    cmake --build "$build" --target sn9cudahost cuda_ops_test -j "$jobs"
} >"$work/build.log" 2>&1; then
  cat "$work/build.log" >&2
  die "the plain build failed"
fi

if [[ " $(for name in "${chosen[@]}"; do echo "${of[$name]}"; done | tr '\n' ' ') " == *" java "* ]]; then find_java; fi

number=0
while IFS='|' read -r each_check each_with each_of; do
  in_turn control $((number += 1)) "$each_check" "$each_with" "$each_of"
done < <(for name in "${chosen[@]}"; do echo "${check[$name]}|${with[$name]}|${of[$name]}"; done | sort -u)
for name in "${chosen[@]}"; do in_turn try "$name"; done
wait
for name in "${equivalents[@]}"; do
  (make_tree "$name") 2>>"$work/failed-controls" || true
  rm -rf "${work:?}/$name"
done

killed=0 skipped=0
printf '%-28s %-52s %-16s %s\n' mutant check verdict seconds
for name in "${chosen[@]}"; do
  IFS='|' read -r verdict seconds <"$work/$name/verdict"
  case $verdict in
    killed) killed=$((killed + 1)) ;;
    'no nvcc') skipped=$((skipped + 1)) ;;
  esac
  printf '%-28s %-52s %-16s %7s\n' "$name" "${check[$name]}${with[$name]:+ ${with[$name]//SN9_HOST_/}}" "$verdict" "$seconds"
done
if [ -s "$work/failed-controls" ]; then cat "$work/failed-controls"; fi
echo "check-mutants: $killed of ${#chosen[@]} killed by their check, $skipped skipped for want of nvcc;" \
  "${#equivalents[@]} equivalent ones are still where they were; $SECONDS s;" \
  "logs: target/mutants/NAME/log"
[ $((killed + skipped)) = ${#chosen[@]} ] && [ ! -s "$work/failed-controls" ]
