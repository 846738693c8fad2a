#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./x demo: the demo with a RouDi of its own, in a namespace where it meets nobody else's.
set -eu
exec sh tests/support/namespace.sh deno run --quiet --allow-all examples/demo/run.ts "$@"
