// SPDX-License-Identifier: Apache-2.0
//
// Closing in bulk: what a runtime handle opened, what a thread owns, what the process has.
#pragma once

#include "thread.hpp"

#include <cstdint>

namespace qipc {

/** Closes the calling thread's rings, waiters and ports that were opened through this runtime handle. */
void close_ports_of(uint32_t runtime) noexcept;

/** Closes everything that a thread owns; called on that thread at its end. Its windows and the memory of its rings stay: only the
 * thread could say that no view of them is left. */
void close_everything_of(Thread& thread) noexcept;

} // namespace qipc
