// SPDX-License-Identifier: Apache-2.0
//
// The files that iceoryx2 has open in this process.
#pragma once

#include "runtime.hpp"

#include <vector>

namespace qipc {

/** Sets FD_CLOEXEC on those below the root: iceoryx2 does not, and programs that a script starts shall not inherit them. To be called
 * after a node or a service was opened. */
void close_root_on_exec(const World& world);

/** The descriptors that are kept with the services and the node of a world whose root was removed. */
std::vector<int> lost_descriptors(const World& world);

} // namespace qipc
