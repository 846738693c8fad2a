// SPDX-License-Identifier: Apache-2.0
//
// The native ports that belong to a ring, as the keeper looks at them: from another thread than theirs, without any lock of the
// stack, and never after the stack has unmapped its memory. Each stack defines these.
#pragma once

#include "ring.hpp"
#include "subscriber_count.hpp"

namespace qipc {

/** Counts the subscribers of the queue into the ring's header. */
void ring_ports_count(Ring& ring) noexcept;

/** Who has subscribed to the announcements of the ring's stream. */
SubscriberCount ring_ports_audience(Ring& ring) noexcept;

} // namespace qipc
