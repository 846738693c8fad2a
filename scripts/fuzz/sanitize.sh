#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./x fuzz sanitize: the C tests under the sanitizers, and test files of the module in both runtimes with an instrumented shim.
set -eu

usage() {
  cat <<'END'
Usage: ./x fuzz sanitize [thread] [address] [runtimes] [--only PATTERN]

  thread     the C tests under ThreadSanitizer, several threads and all
  address    the C tests under AddressSanitizer, those of iceoryx2 too
  runtimes   test files in Deno and Bun, with the shim under AddressSanitizer
  --only     of the C tests, or of the test files, those whose names contain this

Without any of them all three. They build into build/thread and build/address; the logs are in build/log.
END
}

what=""
only=""
while [ $# -gt 0 ]; do
  case $1 in
    thread | address | runtimes) what="$what $1" && shift ;;
    --only) only=${2:?"--only needs a pattern"} && shift 2 ;;
    -h | --help) usage && exit 0 ;;
    *)
      echo "./x fuzz sanitize does not know \"$1\"" >&2
      usage >&2
      exit 2
      ;;
  esac
done
[ -n "$what" ] || what="thread address runtimes"

mkdir -p build/log
failed=""

# build <sanitizer> <target ...>
build() {
  sanitizer=$1
  shift
  echo "sanitize: building build/$sanitizer"
  if ! { cmake -S . -B "build/$sanitizer" -DQIPC_SANITIZE="$sanitizer" && cmake --build "build/$sanitizer" -j "$(nproc)" --target "$@"; } \
    >"build/log/$sanitizer-build.log" 2>&1; then
    tail -n 20 "build/log/$sanitizer-build.log" >&2
    exit 1
  fi
}

ring_programs=""
for source in c_shim/tests/ring_*_test.c; do
  ring_programs="$ring_programs qaultra_$(basename "$source" .c)"
done

# c_tests <sanitizer> <pattern of the names of tests> <further targets>: what is left behind is a failure too.
c_tests() {
  # shellcheck disable=SC2086 # words are meant to be split
  build "$1" qipc qipc_tests qipc-guard $ring_programs $3
  log=build/log/$1.log
  if sh tests/support/namespace.sh ctest --test-dir "build/$1" --output-on-failure --tests-regex "$2" \
    --exclude-regex "$counts_memory" >"$log" 2>&1; then
    outcome=ok
  else
    outcome="FAILED, see $log"
    failed="$failed $1"
  fi
  printf '%-10s %-8s %s\n' "$1" "$(grep -c ' Passed ' "$log")" "passed, $outcome"
}

tests="^(abi|ring_[a-z]*)[.].*$only"

# What counts the process's mappings meets those of the sanitizer.
counts_memory="supervisor_keeps_nothing"

# A thread of a test that is not joined is no defect of the library; and a report must fail the test.
thread() {
  export TSAN_OPTIONS="exitcode=66 report_thread_leaks=0"
  c_tests thread "$tests" ""
  unset TSAN_OPTIONS
}

# Objects that a thread may still look at are left at the end of the process on purpose.
address() {
  export ASAN_OPTIONS="detect_leaks=0 exitcode=66"
  c_tests address "$tests|^abi_iox2[.].*$only" "qipc_iox2 qipc_iox2_tests qipc_libraries_test"
  unset ASAN_OPTIONS
}

# Files that use all of the shim: both lanes, waiting, limits, several Workers, little memory.
runtime_files="conformance_ring conformance_queue waiting misuse_limits workers full_memory"

# The runtime is not instrumented, so the sanitizer has to be there first; it then sees what the shim does with its own memory.
runtimes() {
  build address qipc qipc-guard
  preload=$(gcc -print-file-name=libasan.so)
  reports=$PWD/build/log/runtimes-report
  rm -f "$reports"*
  for file in $runtime_files; do
    case $file in *"$only"*) ;; *) continue ;; esac
    for runtime in deno bun; do
      command="bun test --timeout=3600000"
      [ "$runtime" = bun ] || command="deno test --allow-all --no-check --v8-flags=--expose-gc"
      log=build/log/runtimes-$file-$runtime.log
      outcome=ok
      # shellcheck disable=SC2086 # words are meant to be split
      sh tests/support/namespace.sh env LD_PRELOAD="$preload" QAULTRA_IPC_LIBRARY="$PWD/build/address/lib/libqipc.so.1" \
        ASAN_OPTIONS="detect_leaks=0 exitcode=66 log_path=$reports" $command "./tests/${file}_test.ts" >"$log" 2>&1 ||
        outcome="FAILED, see $log"
      [ "$outcome" = ok ] || failed="$failed $file($runtime)"
      printf '%-24s %-5s %s\n' "$file" "$runtime" "$outcome"
    done
  done
  for report in "$reports"*; do
    [ -e "$report" ] || continue
    failed="$failed $report"
    cat "$report"
  done
}

for part in $what; do "$part"; done
if [ -n "$failed" ]; then
  echo "sanitize failed:$failed"
  exit 1
fi
