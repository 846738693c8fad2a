// SPDX-License-Identifier: Apache-2.0
//
// The native ports that belong to a ring, as the keeper looks at them: from another thread than theirs, without any lock of the
// stack, and never after the stack has unmapped its memory.
#pragma once

#include "port_pool.hpp"
#include "ring.hpp"

namespace qipc {

struct Publisher;

/** Names the ports, null for none, and counts. */
int32_t ring_ports_set(Ring& ring, std::shared_ptr<World> world, const Publisher* announcer, const Publisher* queue);

/** Counts the subscribers of the queue into the ring's header. */
void ring_ports_count(Ring& ring) noexcept;

/** Who has subscribed to the announcements of the ring's stream. */
SubscriberCount ring_ports_audience(Ring& ring) noexcept;

/** The stack is about to unmap the memory of a world: no port of it is looked at any more. */
void ring_ports_forget(const World& world) noexcept;

} // namespace qipc
