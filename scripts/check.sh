#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./x check: one line per check, the whole output of one that fails.
set -u
log=build/log/check
mkdir -p "$log"
failed=""
total=0

# check <name> <command ...>
check() {
  name=$1
  file="$log/$(echo "$name" | tr ' ' '-').log"
  shift
  total=$((total + 1))
  if NO_COLOR=1 "$@" >"$file" 2>&1 </dev/null; then
    printf 'ok      %s\n' "$name"
  else
    failed="$failed, $name"
    printf 'FAILED  %s\n' "$name"
    # Deno warns of every part of @types/node that it does not follow; that hides what is wrong.
    sed -e '/^Warning Failed resolving types/,/^ *at file/d' -e 's/^/    /' "$file"
  fi
}

script="deno run --quiet --no-check --allow-all"
# Everything in TypeScript, whether its folder is there yet or not.
typed=""
for path in mod.ts src tests bench examples scripts; do
  if [ -e "$path" ]; then typed="$typed $path"; fi
done

# shellcheck disable=SC2086 # words are meant to be split
{
  check "format" deno fmt --check
  check "lint" deno lint
  check "types" deno check $typed
  check "documentation" deno doc --lint mod.ts
  check "publish" deno publish --dry-run --allow-dirty
  check "layers" $script scripts/check/layers.ts
  check "runtime names" $script scripts/check/runtime_names.ts
  check "dead code" bun --bun node_modules/.bin/knip-bun --no-progress
  check "files" sh scripts/check/files.sh
}

if [ -n "$failed" ]; then
  echo "check failed: ${failed#, }"
  exit 1
fi
echo "all $total checks passed"
