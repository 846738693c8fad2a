// SPDX-License-Identifier: Apache-2.0
//
// The process's connection as its threads share it: who works with it holds a lease, so that it is not replaced under him.
#pragma once

#include "runtime.hpp"

#include <cstdint>
#include <memory>

namespace qipc {

/** The connection of this process, or null. */
std::shared_ptr<World> world_current() noexcept;
void world_set_current(std::shared_ptr<World> world) noexcept;

/** Held by every call that uses a world outside of the gate. Not while it waits for data, because who attaches again waits for
 * all leases. */
class WorldLease {
  public:
    /** `place` is the calling thread's own reference. It may be to a world that was replaced, and then becomes one to the current. */
    explicit WorldLease(std::shared_ptr<World>& place);
    ~WorldLease();
    WorldLease(const WorldLease&) = delete;
    WorldLease& operator=(const WorldLease&) = delete;

    World& operator*() const noexcept { return m_world; }
    World* operator->() const noexcept { return &m_world; }

  private:
    World& m_world;
};

/** All leases, as soon as nobody holds one and for as long as this lives. */
class AllLeases {
  public:
    explicit AllLeases(uint32_t wait_ms);
    ~AllLeases();
    AllLeases(const AllLeases&) = delete;
    AllLeases& operator=(const AllLeases&) = delete;

    const bool are_taken;
};

/** The status of a call on a world whose ports and memory are gone. */
int32_t refuse_world_that_is_down() noexcept;

} // namespace qipc
