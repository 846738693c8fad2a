// SPDX-License-Identifier: Apache-2.0
//
// Becoming a node of iceoryx2, and becoming one anew after its folder was removed.
#pragma once

#include "runtime.hpp"

#include <memory>

namespace qipc {

/** The node of this process, made if there is none, and made anew if it is not listed any more; counts one more handle. */
int32_t world_open(Options&& options, std::shared_ptr<World>* out);

/** Takes a handle from the count of the current node; the last one ends it. */
void world_drop(std::shared_ptr<World> world) noexcept;

/** Makes the node anew when it is not listed any more; QIPC_OK at once when it is. On failure nothing has changed. */
int32_t attach_again();

} // namespace qipc
