#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# namespace.sh <command> [argument ...]
#
# Runs the command where it meets nobody else's RouDi: in its own mount and process namespace, with an empty /dev/shm and
# an empty /tmp. Ends with the command's status; with status 97 when the command succeeded but left a process or a file
# in /dev/shm behind. What is left is named on stderr, and its processes are ended.
#
# Where this user may not make namespaces (a container without that right, a plain user in a chroot) the command runs on
# the machine's own /dev/shm and /tmp, and not at all while a RouDi runs there.
#
#   QIPC_SHM_SIZE     size of /dev/shm, default 2g
#   QIPC_NAMESPACE    "require": fail where namespaces are refused; "none": do not try them
set -u

root=$(cd "$(dirname "$0")/../.." && pwd -P)
left_behind=97
refused=2

if [ $# -eq 0 ]; then
  echo "Usage: namespace.sh <command> [argument ...]" >&2
  exit "$refused"
fi

# enter_namespaces <command ...>: starts this script again inside of them, or returns when this machine refuses.
enter_namespaces() {
  as_user=""
  [ "$(id -u)" -eq 0 ] || as_user="--map-root-user"
  # The process namespace is what ends every process of the command, daemons included, when this one ends.
  processes="--pid --fork --kill-child --mount-proc"
  # In a chroot the root folder is no mount point, whose propagation could be changed; it may be private as it is.
  for ways in "--propagation private $processes" "--propagation private" "--propagation unchanged $processes"; do
    before=$(stat -c %d /tmp)
    # shellcheck disable=SC2086 # words are meant to be split
    unshare $as_user --mount $ways mount --no-mtab -t tmpfs -o size=4k tmpfs /tmp 2>/dev/null || continue
    if [ "$(stat -c %d /tmp)" != "$before" ]; then
      # The mount reached the folder of everybody else.
      umount /tmp
      continue
    fi
    # The shell inside proves by its own number that it is the one started here, so that namespaces can be nested.
    # shellcheck disable=SC2016,SC2086
    exec unshare $as_user --mount $ways sh -c 'QIPC_NAMESPACE_INSIDE=$$ exec sh "$0" "$@"' "$0" "$@"
  done
}

# A project under /tmp stays where it is: the new /tmp is laid out aside, with the project bound into it.
mount_private_folders() {
  cwd=$(pwd -P)
  mount --no-mtab -t tmpfs -o "size=${QIPC_SHM_SIZE:-2g},mode=1777" tmpfs /dev/shm || return 1
  case $root/ in
    /tmp/*)
      aside=$root/build/private-tmp
      mkdir -p "$aside" && mount --no-mtab -t tmpfs -o mode=1777 tmpfs "$aside" &&
        mkdir -p "$aside/${root#/tmp/}" && mount --no-mtab --bind "$root" "$aside/${root#/tmp/}" &&
        mount --no-mtab --move "$aside" /tmp || return 1
      ;;
    *) mount --no-mtab -t tmpfs -o mode=1777 tmpfs /tmp || return 1 ;;
  esac
  cd "$cwd" 2>/dev/null || cd "$root" || return 1
}

# is_ours <pid>: whether the command started this process, directly or not. Without a namespace a mark in the environment
# tells, which a RouDi and its guard do not inherit: but none ran before.
is_ours() {
  if [ "$inside" = yes ]; then
    [ "$(readlink "/proc/$1/ns/mnt" 2>/dev/null)" = "$mounts" ]
  else
    grep -qsx -e iox-roudi -e qipc-guard "/proc/$1/comm" || grep -qsz "^QIPC_RUN=$QIPC_RUN\$" "/proc/$1/environ"
  fi
}

# find_others: sets `others` to the processes of the command. No subshell may run meanwhile: it would find itself.
find_others() {
  others=""
  for entry in /proc/[0-9]*; do
    pid=${entry#/proc/}
    if [ "$pid" = $$ ] || ! is_ours "$pid"; then continue; fi
    # A process that has ended and was not waited for (state Z) is nobody's burden.
    { read -r stat <"$entry/stat"; } 2>/dev/null || continue
    case ${stat##*) } in Z*) continue ;; esac
    others="$others $pid"
  done
}

inside=no
if [ "${QIPC_NAMESPACE_INSIDE:-}" = "$$" ]; then
  inside=yes
  unset QIPC_NAMESPACE_INSIDE
  mount_private_folders || exit "$refused"
  mounts=$(readlink /proc/self/ns/mnt)
  # A folder of the old /tmp that the caller may have named is out of sight now.
  unset TMP TEMP
  export TMPDIR=/tmp
else
  [ "${QIPC_NAMESPACE:-}" = none ] || enter_namespaces "$@"
  if [ "${QIPC_NAMESPACE:-}" = require ]; then
    echo "namespace.sh: this user may not make a mount namespace here" >&2
    exit "$refused"
  fi
  if cat /proc/[0-9]*/comm 2>/dev/null | grep -qx iox-roudi; then
    echo "namespace.sh: a RouDi runs on this machine, and this user may not make a namespace to keep apart from it" >&2
    exit "$refused"
  fi
  # Every process of the command inherits this mark, and keeps it when it becomes a daemon.
  QIPC_RUN="$$.$(cut -d ' ' -f 22 "/proc/$$/stat")"
fi
shm_before=$(ls -A /dev/shm)

status=0
if [ "$inside" = yes ]; then "$@" || status=$?; else QIPC_RUN=$QIPC_RUN "$@" || status=$?; fi

# A process that was told to end may need a moment for it, as a RouDi does whose last client has left.
tries=0
find_others
while [ -n "$others" ] && [ "$tries" -lt 150 ]; do
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
  if ! [ -e "$file" ] || printf '%s\n' "$shm_before" | grep -qxF "${file#/dev/shm/}"; then continue; fi
  # iceoryx2 0.10 counts its nodes there, for whoever comes next, and never removes it.
  case $file in *_node.*.global_mgmt) continue ;; esac
  left=yes
  echo "namespace.sh: left in /dev/shm: ${file#/dev/shm/}" >&2
done

if [ "$status" -eq 0 ] && [ "$left" = yes ]; then status=$left_behind; fi
exit "$status"
