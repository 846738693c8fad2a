#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./x fuzz c: runs the fuzz targets of c_shim/fuzz one after the other, and prints what they came to.
set -eu

usage() {
  cat <<'END'
Usage: ./x fuzz c [--seconds N] [--target NAME] [--keep] [--replay FILE --target NAME]

  --seconds N     for each target, default 60
  --target NAME   this one alone
  --keep          afterwards put the smallest set of inputs that reaches the same into c_shim/fuzz/corpus
  --replay FILE   run one input, such as one that a run has left in build/fuzz/findings

New inputs are collected in build/fuzz/corpus, and what a run has found lies in build/fuzz/findings.
END
}

kept_max=64
seconds=60
only=""
keep=no
replay=""
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?"--seconds needs a number"} && shift 2 ;;
    --target) only=${2:?"--target needs a name"} && shift 2 ;;
    --replay) replay=${2:?"--replay needs a file"} && shift 2 ;;
    --keep) keep=yes && shift ;;
    -h | --help) usage && exit 0 ;;
    *)
      echo "./x fuzz c does not know \"$1\"" >&2
      usage >&2
      exit 2
      ;;
  esac
done
case $seconds in
  '' | *[!0-9]*)
    echo "./x fuzz c: --seconds needs a number, not \"$seconds\"" >&2
    exit 2
    ;;
esac

targets=""
for source in c_shim/fuzz/*_fuzz.cpp; do
  name=$(basename "$source" _fuzz.cpp)
  if [ -z "$only" ] || [ "$only" = "$name" ]; then targets="$targets $name"; fi
done
if [ -z "$targets" ]; then
  echo "./x fuzz c has no target \"$only\"; there are: $(basename -s _fuzz.cpp c_shim/fuzz/*_fuzz.cpp | tr '\n' ' ')" >&2
  exit 2
fi

if [ -n "$replay" ]; then
  [ -n "$only" ] || { echo "./x fuzz c: --replay needs --target" >&2 && exit 2; }
  exec sh c_shim/fuzz/run.sh "$only" "$(realpath "$replay")"
fi

# keep_smallest <target>: an input reaches something that no other one does, or it is not kept; of too many the longest are.
keep_smallest() {
  fresh=build/fuzz/kept/$1
  rm -rf "$fresh"
  mkdir -p "$fresh" "c_shim/fuzz/corpus/$1"
  sh c_shim/fuzz/run.sh "$1" -set_cover_merge=1 -use_counters=0 -max_len=1024 "$PWD/$fresh" "$PWD/c_shim/fuzz/corpus/$1" "$PWD/build/fuzz/corpus/$1" \
    >"build/log/fuzz-$1-keep.log" 2>&1
  rm -f "c_shim/fuzz/corpus/$1"/*
  for input in $(ls -S "$fresh" | head -n "$kept_max"); do cp "$fresh/$input" "c_shim/fuzz/corpus/$1/"; done
}

# number <name> <log>: what libFuzzer says at its end.
number() { sed -n "s/^stat::$1: *//p" "$2" | tail -n 1; }

failed=""
printf '%-10s %10s %12s %10s %8s %8s  %s\n' target seconds executions exec/s edges inputs outcome
for target in $targets; do
  work=build/fuzz/corpus/$target
  log=build/log/fuzz-$target.log
  mkdir -p "$work" build/log "c_shim/fuzz/corpus/$target"
  started=$(date +%s)
  outcome=ok
  sh c_shim/fuzz/run.sh "$target" -max_total_time="$seconds" "$PWD/$work" "$PWD/c_shim/fuzz/corpus/$target" >"$log" 2>&1 ||
    { outcome="FAILED, see $log" && failed="$failed $target"; }
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-10s %10s %12s %10s %8s %8s  %s\n' "$target" $(($(date +%s) - started)) "$(number number_of_executed_units "$log")" \
    "$(number average_exec_per_sec "$log")" "$edges" "$(find "$work" -type f | wc -l)" "$outcome"
  if [ "$keep" = yes ] && [ "$outcome" = ok ]; then keep_smallest "$target"; fi
done
if [ -n "$failed" ]; then
  echo "fuzzing failed:$failed"
  exit 1
fi
