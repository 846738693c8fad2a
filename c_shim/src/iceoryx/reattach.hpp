// SPDX-License-Identifier: Apache-2.0
//
// Attaching anew to a daemon after the one before died, or gave this process up.
#pragma once

#include <cstdint>

namespace qipc {

/** Attaches this process anew when its daemon is gone; QIPC_OK at once when it is attached. On failure nothing has changed and it
 * can be tried again. The caller has the turn. */
int32_t attach_again();

/** The daemon is about to end: disconnects from it, so that it need not end this process, and does not attach to it again. On failure it
 * can be tried again. The caller has the turn. */
int32_t leave_daemon();

} // namespace qipc
