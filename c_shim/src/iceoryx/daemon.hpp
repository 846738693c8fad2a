// SPDX-License-Identifier: Apache-2.0
//
// The daemon of iceoryx (RouDi): whether it is healthy, and starting one. Nothing here uses iceoryx's runtime, so that a
// daemon that is absent, dead or hung can be told before the runtime, which would end the process, is asked.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace qipc {

/// One life of a daemon: the identity of its socket file, and its process.
struct DaemonIdentity {
    uint64_t dev = 0;
    uint64_t ino = 0;
    pid_t pid = 0; ///< as this process's namespace counts it; 0 when it has no number there
};

/// Asks the daemon for a registration and takes it back. QIPC_OK when it answered within `timeout_ms`; then `*out` (when
/// given) is its identity. QIPC_E_DAEMON_ABSENT, QIPC_E_DAEMON_HUNG, QIPC_E_ACCESS or QIPC_E_SYSTEM otherwise.
int32_t daemon_probe(uint32_t timeout_ms, DaemonIdentity* out);

/// This life of the daemon is about to end: from now on daemon_probe says that it is absent.
void daemon_ends(const DaemonIdentity& identity);

/// QIPC_OK while the daemon of that identity has its socket open, QIPC_E_DAEMON_GONE when it is dead or was replaced. Does
/// not tell whether it is hung. Costs four system calls and never waits.
int32_t daemon_alive(const DaemonIdentity& identity);

/// What a daemon that this process starts is to be like.
struct SpawnOptions {
    uint64_t pool_bytes = 0;   ///< bytes of the block pool
    bool keep = false;         ///< the daemon outlives the last process that asked for it
    uint32_t timeout_ms = 0;   ///< how long one answer of the daemon may take
    std::string readers;       ///< group that may read the segment; empty: the user's own
    std::string writers;       ///< group that may write the segment; empty: the user's own
};

/// Sees to it that a healthy daemon is there: uses the one that answers, or starts one. `*spawned` (when given) tells which.
/// A daemon that was started this way and not with `keep` ends after the last process that asked for it has left or died.
int32_t daemon_ensure(const SpawnOptions& options, bool* spawned);

/// This process needs a spawned daemon no longer. Without a daemon_ensure before it does nothing.
void daemon_leave();

} // namespace qipc
