// SPDX-License-Identifier: Apache-2.0
//
// Connecting a world to the daemon and disconnecting it again. The caller has the turn.
#pragma once

#include "runtime.hpp"

#include <cstdint>
#include <memory>

namespace qipc {

/** Starts a daemon where the options ask for one and none is there. */
int32_t link_ensure_daemon(const Options& options, bool* spawned);

/** Connects, and starts a daemon first where the options ask for one. */
int32_t link_make(const std::shared_ptr<World>& world);

/** Disconnects on the control thread, every port being closed; `destroy`, where given, closes them there. */
void link_end(const std::shared_ptr<World>& world, uint32_t wait_ms, bool must_run, void (*destroy)());

/** An earlier runtime may still wait for the answer to its goodbye, of a daemon that hung or died. Nobody needs it any more,
 * and nothing can be opened before it came. False when it did not come in this time. */
bool link_end_last_goodbye(uint32_t timeout_ms);

} // namespace qipc
