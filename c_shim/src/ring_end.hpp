// SPDX-License-Identifier: Apache-2.0
//
// The end of a ring for this process: its readers are told, its entry is freed, its names go.
#pragma once

#include "ring.hpp"

namespace qipc {

/** Ends it, once, whoever comes first. The memory stays as it is. */
void ring_end(Ring& ring, bool at_exit) noexcept;

} // namespace qipc
