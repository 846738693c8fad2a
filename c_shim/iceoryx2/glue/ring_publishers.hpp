// SPDX-License-Identifier: Apache-2.0
//
// The native publishers that belong to a ring.
#pragma once

#include "port.hpp"

#include <memory>

namespace qipc {

struct Publisher;

/** The publishers of a writer. Guarded by the mutex. */
struct RingPorts {
    Publisher* announcer = nullptr;
    Publisher* queue = nullptr;
};

/** Held to look at the ports of publishers from another thread than theirs, and to end them. */
std::mutex& ring_ports_mutex() noexcept;

/** A publisher is about to be deleted: no ring looks at it any more. */
void ring_ports_forget(const Publisher& publisher) noexcept;

} // namespace qipc
