#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing and builds the shim. It runs before every command of ./x, so looking must be cheap: each
# step compares a stamp or looks for a file, and does nothing, says nothing, when that is all right.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
asked_for=${1:-setup}
log="$root/build/log"

if ! mkdir -p "$log" 2>/dev/null || ! [ -w "$root" ] || ! [ -w "$log" ]; then
  echo "Cannot write into $root: run ./x as the user who owns this folder" >&2
  exit 1
fi

# Two commands that start together must not install at the same time.
exec 9>"$root/build/setup.lock"
flock 9

did_something=no

# step <what it does, for people> <log name> <command ...>: runs the command with its output in build/log/<log name>.log.
step() {
  what=$1
  file="$log/$2.log"
  shift 2
  did_something=yes
  echo "setup: $what"
  started=$(date +%s)
  printf '$ %s\n' "$*" >"$file"
  status=0
  "$@" >>"$file" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    {
      echo "setup: FAILED: $what"
      echo "setup: the command was: $*"
      echo "setup: it ended with status $status; its log is $file, which ends with:"
      tail -n 20 "$file" | sed 's/^/    /'
    } >&2
    exit 1
  fi
  echo "setup: done in $(($(date +%s) - started)) s"
}

# --- Debian packages: each with a file or command that shows that it is there.
missing=""
want() {
  case $1 in
    /*) [ -e "$1" ] && return 0 ;;
    *) command -v "$1" >/dev/null 2>&1 && return 0 ;;
  esac
  case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}

iceoryx=/usr/include/iceoryx/v2.0.3
want iox-roudi iceoryx
want "$iceoryx/iceoryx_binding_c/api.h" libiceoryx-binding-c-dev
want "$iceoryx/iceoryx_posh/runtime/posh_runtime.hpp" libiceoryx-posh-dev
want "$iceoryx/iceoryx_hoofs/error_handling/error_handling.hpp" libiceoryx-hoofs-dev
want g++ g++
want cmake cmake
want make make
want spin spin
want node nodejs
want npm npm
want /etc/ssl/certs/ca-certificates.crt ca-certificates
want unshare util-linux
want mount mount
# The fuzz targets. The compiler only recommends the library that they are linked with.
want clang++-14 clang-14
want "/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-$(uname -m).a" libclang-rt-14-dev

# Rust, of which Debian 12 has two: what `rustc` installs is too old for iceoryx2, which wants 1.89.
RUST_MINOR_MIN=89
rust_stamp="$root/build/rust.stamp"
rust=""
# rust_in <folder>: whether the compiler there is recent enough, with its cargo.
rust_in() {
  [ -x "$1/cargo" ] || return 1
  version=$("$1/rustc" --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
  [ "${version:-0}" -ge "$RUST_MINOR_MIN" ] && rust=$1
}
find_rust() {
  for folder in "$(dirname "$(command -v rustc || echo /usr/bin/rustc)")" "${CARGO_HOME:-${HOME:-}/.cargo}/bin" /usr/bin; do
    if rust_in "$folder"; then return 0; fi
  done
  return 1
}
# Asking a compiler takes a moment, so where the right one lies is kept.
if [ -f "$rust_stamp" ] && [ -x "$(cat "$rust_stamp")/cargo" ]; then
  rust=$(cat "$rust_stamp")
elif ! find_rust; then
  missing="$missing rustc-web cargo-web"
fi

# Python, with a folder of packages for each version of iceoryx2, which is made once.
pythons="build/python:examples/python/requirements.txt build/python-0.10.0:tests/peers/python/requirements-0.10.0.txt"
has_packages() { cmp -s "${1#*:}" "${1%%:*}/requirements.txt"; }
python_has() { python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }
for python in $pythons; do
  if ! has_packages "$python" && ! python_has; then missing="$missing python3 python3-venv"; break; fi
done

if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: these Debian packages are missing, and there is no apt-get to install them:$missing" >&2
    exit 1
  fi
  as_root=""
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "setup: Debian packages are missing, and neither root nor sudo is here to install them. Run as root:" >&2
      echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
      exit 1
    fi
    # A password, if one is needed, is asked for here, where the question can be seen.
    sudo -v || {
      echo "setup: FAILED: sudo -v, needed to install$missing" >&2
      exit 1
    }
    as_root=sudo
  fi
  step "reading the package lists of apt" apt-update $as_root apt-get update
  apt_options=""
  case $missing in *rustc-web*)
    # The recent one comes with Debian's security updates. Where those are not among the machine's sources they are read for
    # this installation alone.
    version=$(apt-cache policy rustc-web | sed -n 's/^ *Candidate: 1\.\([0-9]*\)\..*/\1/p')
    if [ "${version:-0}" -lt "$RUST_MINOR_MIN" ]; then
      parts="$root/build/apt"
      mkdir -p "$parts"
      for file in /etc/apt/sources.list.d/*; do if [ -e "$file" ]; then ln -sf "$file" "$parts"; fi; done
      echo "deb http://deb.debian.org/debian-security bookworm-security main" >"$parts/qipc-security.list"
      apt_options="-o Dir::Etc::SourceParts=$parts"
      step "reading the package lists of Debian's security updates, which have Rust" apt-security $as_root apt-get $apt_options update
    fi
    ;;
  esac
  # shellcheck disable=SC2086 # words are meant to be split
  step "installing with apt:$missing" apt-install $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get $apt_options install -y --no-install-recommends -o DPkg::Lock::Timeout=300 $missing
fi
if [ -z "$rust" ] && ! find_rust; then
  echo "setup: FAILED: there is no Rust 1.89 or newer, although rustc-web and cargo-web are installed: $(rustc --version 2>&1)" >&2
  exit 1
fi
echo "$rust" >"$rust_stamp"
# Cargo asks for its compiler by name.
PATH="$rust:$PATH"
export PATH

# --- Python packages of the peers.
for python in $pythons; do
  if has_packages "$python"; then continue; fi
  folder=${python%%:*}
  requirements=${python#*:}
  rm -rf "$folder"
  step "making a folder for Python packages" python-venv python3 -m venv "$folder"
  step "installing Python packages ($(grep == "$requirements"))" pip "$folder/bin/pip" install --disable-pip-version-check \
    -r "$requirements"
  cp "$requirements" "$folder/requirements.txt"
done

# --- npm packages, from the lock file alone. Install scripts are not run: deno and bun only copy their binary there,
# and different versions of npm treat such scripts differently, so the links are laid here.
lock_hash=$(sha256sum package-lock.json | cut -d ' ' -f 1)
stamp="$root/node_modules/.qipc-lock-sha256"
if [ "$(cat "$stamp" 2>/dev/null)" != "$lock_hash" ]; then
  step "installing npm packages (deno, bun, tools)" npm npm ci --ignore-scripts --no-fund --no-audit
  # link_binary <name> <place of the binary, of which one exists per platform>
  link_binary() {
    name=$1
    shift
    for binary in "$@"; do
      if [ -x "node_modules/$binary" ] && "node_modules/$binary" --version >>"$log/npm.log" 2>&1; then
        ln -sf "../$binary" "node_modules/.bin/$name"
        return 0
      fi
    done
    echo "setup: FAILED: npm installed no $name that runs on this machine ($(uname -s) $(uname -m)); its log is $log/npm.log" >&2
    exit 1
  }
  link_binary deno @deno/linux-x64-glibc/deno @deno/linux-arm64-glibc/deno
  link_binary bun @oven/bun-linux-x64/bin/bun @oven/bun-linux-aarch64/bin/bun
  echo "$lock_hash" >"$stamp"
fi

# --- The shim, its tests and the peers. The stamp is older than any source that changed after the build began.
built="$root/build/built.stamp"
if ! [ -f CMakeLists.txt ]; then
  echo "setup: FAILED: there is no CMakeLists.txt in $root, so the shim cannot be built" >&2
  exit 1
fi
sources="CMakeLists.txt"
for folder in c_shim cmake examples/rust tests/peers tests/torn tests/torture/raw bench/floor; do
  if [ -d "$folder" ]; then sources="$sources $folder"; fi
done
# shellcheck disable=SC2086
if ! [ -f "$built" ] || ! [ -e build/lib/libqipc.so.1 ] || [ -n "$(find $sources -newer "$built" -print -quit)" ]; then
  # A checkout that was moved or copied brings a cache with the old path in it.
  if [ -f build/CMakeCache.txt ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" build/CMakeCache.txt; then
    rm -rf build/CMakeCache.txt build/CMakeFiles build/fuzz
  fi
  touch "$built.new"
  step "configuring the build" cmake-configure cmake -S . -B build "-DQIPC_CARGO=$rust/cargo"
  step "building the shim, its tests and the peers" cmake-build cmake --build build -j "$(nproc)"
  mv "$built.new" "$built"
fi

# --- The fuzz targets, whose compiler and sanitizers make them a build of their own.
case $asked_for in setup | test | fuzz)
  fuzz_built="$root/build/fuzz/built.stamp"
  if ! [ -f "$fuzz_built" ] || [ -n "$(find CMakeLists.txt c_shim -newer "$fuzz_built" -not -path 'c_shim/fuzz/corpus*' -print -quit)" ]; then
    mkdir -p build/fuzz
    touch "$fuzz_built.new"
    step "configuring the fuzz targets" fuzz-configure cmake -S . -B build/fuzz -DQIPC_FUZZ=ON -DCMAKE_C_COMPILER=clang-14 \
      -DCMAKE_CXX_COMPILER=clang++-14
    step "building the fuzz targets" fuzz-build cmake --build build/fuzz -j "$(nproc)"
    mv "$fuzz_built.new" "$fuzz_built"
  fi
  ;;
esac

if [ "$asked_for" = setup ]; then
  if [ "$did_something" = no ]; then echo "setup: nothing to do"; else echo "setup: ready"; fi
fi
