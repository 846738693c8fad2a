// SPDX-License-Identifier: Apache-2.0
//
// iceoryx2 opens the files of its root without O_CLOEXEC: programs that a script starts shall not inherit them.
#pragma once

#include "runtime.hpp"

namespace qipc {

/** Sets FD_CLOEXEC on the files below the root that this process has open. To be called after a node or a service was opened. */
void close_root_on_exec(const World& world);

} // namespace qipc
