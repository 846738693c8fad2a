#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command beside a daemon of its own: with_roudi.sh COMMAND [ARGUMENT...]
#
# Everything happens in a mount namespace with a fresh /dev/shm and /tmp, so that runs do not meet each other or a daemon of the
# machine. The environment variable QIPC_TEST_DAEMON=none leaves the daemon out; the command then finds nobody.
set -eu

if [ "${QIPC_TEST_INSIDE:-}" != 1 ]; then
    map_root=-r
    if [ "$(id -u)" = 0 ]; then
        map_root=
    fi
    export QIPC_TEST_INSIDE=1
    # shellcheck disable=SC2086
    if ! unshare -m $map_root true 2>/dev/null; then
        echo "with_roudi.sh: this machine lets nobody make a mount namespace (unshare -m $map_root was refused)" >&2
        exit 2
    fi
    # shellcheck disable=SC2086
    exec unshare -m $map_root "$0" "$@"
fi

# The project may itself lie under /tmp, which is about to be covered: it is laid out aside first.
here=$(cd "$(dirname "$0")/../.." && pwd -P)
mount --make-rprivate / 2>/dev/null || true
case "$here/" in
/tmp/*)
    aside=$here/build/private-tmp
    mkdir -p "$aside"
    mount --no-mtab -t tmpfs tmpfs "$aside"
    mkdir -p "$aside/${here#/tmp/}"
    mount --no-mtab --bind "$here" "$aside/${here#/tmp/}"
    mount --no-mtab --move "$aside" /tmp
    ;;
*)
    mount --no-mtab -t tmpfs tmpfs /tmp
    ;;
esac
mount --no-mtab -t tmpfs -o size=2g tmpfs /dev/shm
cd "$here"

if [ "${QIPC_TEST_DAEMON:-}" = none ]; then
    exec "$@"
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
