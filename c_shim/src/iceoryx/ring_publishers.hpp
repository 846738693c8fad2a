// SPDX-License-Identifier: Apache-2.0
//
// The native publishers that belong to a ring.
#pragma once

#include "port.hpp"

#include <memory>

namespace qipc {

/** A publisher port that is looked at by others than its thread. */
struct WatchedPort {
    const iox::popo::PublisherPortData* port = nullptr;
    uint64_t unique_id = 0;
};

/** The publishers of a writer. Guarded by the mutex of ring_ports.cpp. */
struct RingPorts {
    WatchedPort announcer;
    WatchedPort queue;
    std::shared_ptr<World> world;
};

/** The stack is about to unmap the memory of a world: no port of it is looked at any more. */
void ring_ports_forget(const World& world) noexcept;

} // namespace qipc
