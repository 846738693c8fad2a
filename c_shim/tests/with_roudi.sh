#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command beside a daemon of its own: with_roudi.sh COMMAND [ARGUMENT...]
#
# Everything happens in a namespace with a fresh /dev/shm and /tmp (tests/support/namespace.sh), so that runs do not meet each
# other or a daemon of the machine. The environment variable QIPC_TEST_DAEMON=none leaves the daemon out; the command then
# finds nobody.
set -eu

if [ "${QIPC_TEST_INSIDE:-}" != 1 ]; then
    export QIPC_TEST_INSIDE=1
    exec sh "$(dirname "$0")/../../tests/support/namespace.sh" "$0" "$@"
fi

# remove_files: what daemons that were killed leave; segments are named after groups.
remove_files() {
    cut -d : -f 1 /etc/group | while read -r group; do rm -f "/dev/shm/$group"; done
    rm -f /dev/shm/iceoryx_mgmt /tmp/roudi /tmp/roudi.lock /tmp/iox-unique-roudi.lock /tmp/roudi.toml /tmp/roudi.log
}

if [ "${QIPC_TEST_DAEMON:-}" = none ]; then
    status=0
    "$@" || status=$?
    remove_files
    exit "$status"
fi

cat >/tmp/roudi.toml <<'EOF'
[general]
version = 1
[[segment]]
[[segment.mempool]]
size = 256
count = 1024
[[segment.mempool]]
size = 8320
count = 1024
EOF

iox-roudi -c /tmp/roudi.toml >/tmp/roudi.log 2>&1 &
roudi=$!
export QIPC_TEST_DAEMON_PID=$roudi
stop() {
    kill -CONT "$roudi" 2>/dev/null || true
    kill -KILL "$roudi" 2>/dev/null || true
    wait "$roudi" 2>/dev/null || true
    remove_files
}
trap stop EXIT

# It answers as soon as it says so in its log.
tries=0
until grep -q "RouDi is ready" /tmp/roudi.log 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 500 ] || ! kill -0 "$roudi" 2>/dev/null; then
        echo "iox-roudi did not start:" >&2
        cat /tmp/roudi.log >&2
        exit 1
    fi
    sleep 0.02
done

status=0
"$@" || status=$?
exit "$status"
