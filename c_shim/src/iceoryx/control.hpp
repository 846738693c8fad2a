// SPDX-License-Identifier: Apache-2.0
//
// The control thread: whatever talks to the daemon runs there, one job after the other, while the caller waits with a
// deadline. A job that is late stays where it is; its result is undone when it arrives.
#pragma once

#include "error.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace qipc {

/**
 * One request. `work` and `undo` run on the control thread and share what they need by shared_ptr: the caller's stack is
 * gone when they are late. `undo` runs after `work` when nobody waited for it to the end.
 */
struct Job {
    std::function<void()> work;
    std::function<void()> undo;
    /** Runs although the gate for calls is closed: the disconnecting at the end of the process. */
    bool at_exit = false;
    /** Runs in its turn even when nobody waits for it any longer, or when its turn comes after a late job. */
    bool must_run = false;

    // Guarded by the control thread's mutex.
    bool done = false;
    bool abandoned = false;
    bool is_refused = false; // the process ends, so it was not run
};

/** Runs the job and waits. QIPC_OK when it ran; QIPC_E_DAEMON_HUNG when it is late, or at once while an earlier one is. */
int32_t control_run(const std::shared_ptr<Job>& job, uint32_t timeout_ms);

/** True while a late job has not ended. */
bool control_is_stuck() noexcept;

/** To be called on the control thread in a place from which it can not go on: a new thread takes its place, and this one
 * never returns. */
[[noreturn]] void control_forsake_thread() noexcept;

/** True on the control thread. */
bool control_is_here() noexcept;

} // namespace qipc
