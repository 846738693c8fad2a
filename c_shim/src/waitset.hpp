// SPDX-License-Identifier: Apache-2.0
//
// Blocking a thread until one of its subscribers has data.
#pragma once

#include "runtime.hpp"

#include <cstdint>

namespace qipc {

/** Destroys the wait set of a runtime handle, if it has one. No port is attached. */
void wait_set_close(RuntimeHandle& runtime) noexcept;

/** Wakes every thread that is parked in a wait, to be told that the process ends, and waits up to `wait_ms` until none is.
 * False when one still is. */
bool wake_parked_threads(uint32_t wait_ms) noexcept;

} // namespace qipc
