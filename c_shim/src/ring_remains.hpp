// SPDX-License-Identifier: Apache-2.0
//
// What writers leave that were killed: files in /dev/shm that nobody holds the lock of.
#pragma once

#include <cstdint>

namespace qipc {

/** How long a ring that its writer closed in order keeps its names, if it has kept them for a reader that is still to come. */
inline constexpr uint32_t kRingKeepMs = 5000;

/** Removes the names of rings whose writer is dead, as far as this user may. */
void ring_remove_remains() noexcept;

} // namespace qipc
