#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# namespace.sh <command> [argument ...]
#
# Runs the command where it meets nobody else's RouDi: in its own mount and process namespace, with an empty /dev/shm and
# an empty /tmp. Ends with the command's status; with status 97 when the command succeeded but left a process or a file
# in /dev/shm behind. What is left is named on stderr and then ended.
#
#   QIPC_SHM_SIZE     size of /dev/shm, default 2g
#   QIPC_NAMESPACE    "none": no namespaces, the machine's own /dev/shm and /tmp. It is also what happens where neither
#                     root nor a plain user may make namespaces (a container without that right), unless it is "require".
set -u

root=$(cd "$(dirname "$0")/../.." && pwd -P)
left_behind=97

if [ $# -eq 0 ]; then
  echo "Usage: namespace.sh <command> [argument ...]" >&2
  exit 2
fi

# Outside: enter the namespaces, by the first way that this machine allows.
if [ "${QIPC_NAMESPACE_INSIDE:-}" != "$$" ]; then
  as_user=""
  [ "$(id -u)" -eq 0 ] || as_user="--map-root-user"
  # The process namespace is what ends every process of the command, daemons included, when this one ends.
  for ways in "--mount --propagation private --pid --fork --kill-child --mount-proc" "--mount --propagation private"; do
    if [ "${QIPC_NAMESPACE:-}" = none ]; then break; fi
    # shellcheck disable=SC2086
    if unshare $as_user $ways mount --no-mtab -t tmpfs -o size=4k tmpfs /tmp 2>/dev/null; then
      # The shell inside proves by its own number that it is the one started here, so that namespaces can be nested.
      # shellcheck disable=SC2016,SC2086
      exec unshare $as_user $ways sh -c 'QIPC_NAMESPACE_INSIDE=$$ exec sh "$0" "$@"' "$0" "$@"
    fi
  done
  if [ "${QIPC_NAMESPACE:-}" = require ]; then
    echo "namespace.sh: this user may not make a mount namespace here (unshare $as_user --mount was refused)" >&2
    exit 2
  fi
  exec "$@"
fi
unset QIPC_NAMESPACE_INSIDE

# Inside. A project under /tmp stays where it is: the new /tmp is laid out aside, with the project bound into it.
cwd=$(pwd -P)
mount --no-mtab -t tmpfs -o "size=${QIPC_SHM_SIZE:-2g},mode=1777" tmpfs /dev/shm || exit 2
case $root/ in
  /tmp/*)
    aside=$root/build/private-tmp
    mkdir -p "$aside" && mount --no-mtab -t tmpfs -o mode=1777 tmpfs "$aside" &&
      mkdir -p "$aside/${root#/tmp/}" && mount --no-mtab --bind "$root" "$aside/${root#/tmp/}" &&
      mount --no-mtab --move "$aside" /tmp || exit 2
    ;;
  *) mount --no-mtab -t tmpfs -o mode=1777 tmpfs /tmp || exit 2 ;;
esac
cd "$cwd" 2>/dev/null || cd "$root" || exit 2

status=0
"$@" || status=$?

# find_others: sets `others` to every process that shares these mounts, except this shell. No subshell may run meanwhile:
# it would find itself.
find_others() {
  others=""
  for entry in /proc/[0-9]*; do
    pid=${entry#/proc/}
    [ "$pid" != $$ ] && [ "$(readlink "$entry/ns/mnt" 2>/dev/null)" = "$mounts" ] || continue
    # A process that has ended and was not waited for (state Z) is nobody's burden.
    { read -r stat <"$entry/stat"; } 2>/dev/null || continue
    case ${stat##*) } in Z*) continue ;; esac
    others="$others $pid"
  done
}

# A process that was told to end may need a moment for it.
mounts=$(readlink /proc/self/ns/mnt)
tries=0
find_others
while [ -n "$others" ] && [ "$tries" -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.02
  find_others
done
left=no
for pid in $others; do
  left=yes
  echo "namespace.sh: still running: $pid $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")" >&2
  kill -KILL "$pid" 2>/dev/null
done
for file in /dev/shm/* /dev/shm/.[!.]*; do
  [ -e "$file" ] || continue
  left=yes
  echo "namespace.sh: left in /dev/shm: ${file#/dev/shm/}" >&2
done

if [ "$status" -eq 0 ] && [ "$left" = yes ]; then status=$left_behind; fi
exit "$status"
