// SPDX-License-Identifier: Apache-2.0
//
// The end of the process: everything is disconnected once, and every call after that says QIPC_E_CLOSED.
#pragma once

#include "error.hpp"

#include <atomic>
#include <cstdint>

namespace qipc {

extern std::atomic<bool> g_exiting;

inline bool process_is_exiting() noexcept {
    return g_exiting.load(std::memory_order_acquire);
}

/** QIPC_E_CLOSED with its detail, in the words of the stack. */
int32_t refuse_after_exit() noexcept;

/** Disconnects; the first call does it, later ones return at once. */
void process_exit() noexcept;

/** Of the stack: disconnects from it, after the rings have ended; and what comes when no handle is left. */
void stack_leave_at_exit() noexcept;
void stack_left_at_exit() noexcept;

/** Has `process_exit` called when the process ends by itself. Once. */
void register_process_exit() noexcept;

} // namespace qipc
