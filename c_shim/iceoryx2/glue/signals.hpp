// SPDX-License-Identifier: Apache-2.0
//
// For what is shared with the other stack: nothing here depends on where a signal or the end of the process meets a thread, because
// each port has a lock of its own.
#pragma once

#include "exit.hpp"

namespace qipc {

struct CallGuard {
    const bool entered = !process_is_exiting();
};

} // namespace qipc
