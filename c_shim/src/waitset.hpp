// SPDX-License-Identifier: Apache-2.0
//
// Blocking a thread until one of its subscribers has data.
#pragma once

#include "runtime.hpp"

#include <cstdint>

namespace qipc {

/** Destroys the wait set of a runtime handle, if it has one. No port is attached. The caller is inside the gate. */
void wait_set_close(RuntimeHandle& runtime) noexcept;

/** Destroys the wait sets of a world; on the control thread, before the runtime is destroyed. */
void wait_set_end_all(World& world);

/** Wakes every thread that is parked in a wait, to be told that the process ends, and waits up to `wait_ms` until none is.
 * False when one still is. */
bool wake_parked_threads(uint32_t wait_ms) noexcept;

/** The same, and nobody parks any more until wait_sets_open: who is about to waits before the gate, which the caller has paused. */
bool wait_sets_bar(uint32_t wait_ms) noexcept;
void wait_sets_open() noexcept;

} // namespace qipc
