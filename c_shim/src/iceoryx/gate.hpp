// SPDX-License-Identifier: Apache-2.0
//
// The gate behind call_enter and call_leave, as the delivery of signals sees it. Async-signal-safe, but for the last.
#pragma once

#include <cstdint>

namespace qipc {

/** Tells the kernel that pauses of this process's gate are to reach all of its threads, which makes call_enter cheap. */
void gate_prepare() noexcept;

/** Newcomers wait in call_enter until each pause was taken back. */
void gate_pause() noexcept;
void gate_resume(uint32_t pauses = 1) noexcept;

/** Whether no thread is inside, this one included. To be called after gate_pause. */
bool gate_all_out() noexcept;

/** Waits for that, `wait_ms` at the most, and returns whether it is so. */
bool gate_wait_all_out(uint32_t wait_ms) noexcept;

/** Whether a thread that never entered is ready to run; not this one. Reads /proc, so not for a handler. */
bool gate_outsider_runs() noexcept;

} // namespace qipc
