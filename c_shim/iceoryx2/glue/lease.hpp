// SPDX-License-Identifier: Apache-2.0
//
// The process's node as its threads share it: who works with it holds a lease, so that it does not end under him.
#pragma once

#include "runtime.hpp"

#include <memory>

namespace qipc {

/** The node of this process, or null. */
std::shared_ptr<World> world_current() noexcept;

class WorldLease {
  public:
    /** `place` is the calling thread's own reference. It may be to a node that was replaced, and then becomes one to the current. */
    explicit WorldLease(std::shared_ptr<World>& place) {
        if (std::shared_ptr<World> current = world_current(); current != nullptr) {
            place = std::move(current);
        }
        m_world = place;
    }

    World& operator*() const noexcept { return *m_world; }
    World* operator->() const noexcept { return m_world.get(); }

  private:
    std::shared_ptr<World> m_world;
};

/** For what is shared with the other stack. */
inline int32_t refuse_world_that_is_down() noexcept {
    return fail(QIPC_E_DAEMON_GONE, 0, 0, "This process is no node of iceoryx2 any more");
}

} // namespace qipc
