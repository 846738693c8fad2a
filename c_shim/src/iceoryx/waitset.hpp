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

} // namespace qipc
