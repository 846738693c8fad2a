#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# same_libraries.sh PROGRAM LIBRARY LIBRARY: whether both export the same symbols, each of qipc.h, and nothing else; then runs the
# program with them.
set -eu

program=$1 one=$2 other=$3
symbols() { nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sort; }
declared=$(grep -o 'qipc_[a-z0-9_]*(' "$(dirname "$0")/../include/qaultra_ipc/qipc.h" | tr -d '(' | sort -u)
for library in "$one" "$other"; do
    if [ "$(symbols "$library")" != "$declared" ]; then
        echo "$library does not export what qipc.h declares:" >&2
        symbols "$library" >&2
        exit 1
    fi
done
# Words on purpose: one argument a symbol.
# shellcheck disable=SC2086
exec "$program" "$one" "$other" $declared
