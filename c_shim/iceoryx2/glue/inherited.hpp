// SPDX-License-Identifier: Apache-2.0
//
// The files below iceoryx2's root that this process has open.
#pragma once

#include "runtime.hpp"

#include <vector>

namespace qipc {

/** Sets FD_CLOEXEC on them: iceoryx2 does not, and programs that a script starts shall not inherit them. To be called after a node or a
 * service was opened. */
void close_root_on_exec(const World& world);

/** The descriptors of those that were removed. */
std::vector<int> removed_root_descriptors(const World& world);

} // namespace qipc
