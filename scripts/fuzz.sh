#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./x fuzz <what> [arguments]
set -eu

usage() {
  cat <<'END'
Usage: ./x fuzz <what> [arguments]

  api    random calls on the public API in Deno and Bun; ./x fuzz api --help tells more
  c      coverage-guided fuzzing of the C ABI and of what reads shared memory in C; ./x fuzz c --help tells more
  sanitize
         the C tests, and test files of both runtimes, under the sanitizers; ./x fuzz sanitize --help tells more
END
}

what=${1:-help}
[ $# -eq 0 ] || shift

case $what in
  help | -h | --help) usage ;;
  api) exec deno run --quiet --no-check --allow-all tests/fuzz/run.ts "$@" ;;
  c) exec sh scripts/fuzz/c.sh "$@" ;;
  sanitize) exec sh scripts/fuzz/sanitize.sh "$@" ;;
  *)
    echo "./x fuzz has no \"$what\"" >&2
    usage >&2
    exit 2
    ;;
esac
