// SPDX-License-Identifier: Apache-2.0
//
// Threads that sleep until there is data: outside of the gate, and yet inside of the stack, so that they have to be woken before
// its memory goes.
#pragma once

extern "C" {
#include "iceoryx_binding_c/wait_set.h"
}

#include <chrono>
#include <cstdint>

namespace iox::popo {
struct ConditionVariableData;
}

namespace qipc {

/** Sleeps in the wait set with this condition variable. False when the process ends. Does not sleep while that is barred; the
 * caller then waits before the gate, which is paused. */
bool park(iox_ws_t set, iox::popo::ConditionVariableData& condition, std::chrono::nanoseconds time);

/** Wakes every thread that is parked in a wait, to be told that the process ends, and waits up to `wait_ms` until none is.
 * False when one still is. */
bool wake_parked_threads(uint32_t wait_ms) noexcept;

/** The same, and nobody parks any more until parking_open: who is about to waits before the gate, which the caller has paused. */
bool parking_bar(uint32_t wait_ms) noexcept;
void parking_open() noexcept;

} // namespace qipc
