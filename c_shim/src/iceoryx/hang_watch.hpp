// SPDX-License-Identifier: Apache-2.0
//
// Noticing a daemon that hangs for good, and ending it. A process that is killed inside of one of iceoryx's critical sections leaves a
// lock behind; a thread of the daemon that waits for it never goes on, and from then on the daemon answers nobody.
#pragma once

#include "daemon.hpp"

#include <cstdint>

namespace qipc {

class HangWatch {
  public:
    /** Looks whether this daemon hangs; for two seconds or so, and if a guard of this user runs it, it is killed, after which the
     * guard clears up. One that is stopped, or has no turn on a busy machine, does not hang. Costs some reads of /proc, and waits for
     * an answer when there is a suspicion. True when it was killed. */
    bool look(const DaemonIdentity& daemon);

  private:
    pid_t m_thread = 0;         // of the daemon, the one that answers
    pid_t m_daemon = 0;         // whose thread that is
    uint64_t m_sleeps = 0;      // how often it had gone to sleep at the last look
    uint64_t m_since_ns = 0;    // since when it has not woken
    uint64_t m_next_look_ns = 0;
};

} // namespace qipc
