#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs one fuzz target in a namespace of its own, the C ABI's beside a daemon: run.sh <target> [argument of libFuzzer ...]
set -eu

fuzz=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$fuzz/../.." && pwd -P)
target=$1
shift

case $target in
  abi)
    # Rings beyond that are refused, which costs less than taking their memory.
    export QIPC_SHM_SIZE=128m
    ;;
  *) export QIPC_TEST_DAEMON=none ;;
esac
# Places in the source for the reports, by a tool that comes with the compiler of the shim.
export ASAN_OPTIONS="allow_addr2line=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1:allow_addr2line=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

# Long sequences of calls from the start: short ones reach little.
[ "$target" != abi ] || set -- -len_control=0 -max_len=1024 "$@"

findings=$root/build/fuzz/findings
mkdir -p "$findings"
exec "$root/c_shim/tests/with_roudi.sh" "$root/build/fuzz/bin/${target}_fuzz" \
  -timeout=60 -print_final_stats=1 -artifact_prefix="$findings/$target-" "$@"
