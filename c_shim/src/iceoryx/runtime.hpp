// SPDX-License-Identifier: Apache-2.0
//
// The process's one connection to the daemon, and the handles that count it.
#pragma once

#include "daemon.hpp"
#include "export.hpp"
#include "handle.hpp"
#include "options.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace iox::roudi {
struct PortPoolData;
}

namespace qipc {

struct WaitSet;

/** One connection, from attaching to detaching. After the daemon's death a new one takes its place. */
struct World {
    uint64_t number = 0; // never used twice in a process
    Options options;
    std::string name;
    DaemonIdentity daemon;
    bool spawned = false;
    uint32_t handles = 0; // guarded by the turn
    /** Its ports are gone and its memory is, or is about to be. Changed by who has all leases, inside of a paused gate: so to be
     * read with a lease, or inside of the gate; as are the two below. */
    bool is_down = false;
    /** A condition variable that nothing uses: as long as it is ours, the daemon has not given us up. */
    iox::popo::ConditionVariableData* sentinel = nullptr;
    /** The daemon's table of ports; null when it was not found. */
    const iox::roudi::PortPoolData* pool = nullptr;
    std::vector<std::shared_ptr<WaitSet>> wait_sets; // guarded by the wait sets' mutex
};

/** What a runtime handle refers to. */
struct RuntimeHandle {
    uint32_t handle = 0;
    std::shared_ptr<World> world;      // brought up to date by each lease
    std::shared_ptr<WaitSet> wait_set; // made at the first blocking wait
};

/** A connection that is yet to be made, with a number of its own. An empty name stands for a unique one. The caller has the turn. */
std::shared_ptr<World> world_make(Options&& options, const std::string& name);

/** The connection of this process, made if there is none. The caller has the turn, and counts its handle. */
int32_t world_open(Options&& options, std::shared_ptr<World>* world);

/** Takes a handle from the count of the current world; the last one disconnects. The caller has the turn. */
void world_drop();

/** QIPC_OK while the daemon that this world is attached to lives and knows this process; else QIPC_E_DAEMON_GONE. */
int32_t world_check(const World& world);

/** Runs a job on the control thread, with the world's timeout, when the daemon is there. */
int32_t world_run(const World& world, const std::shared_ptr<struct Job>& job);

/** The status of a request that the stack refused with `status`: a daemon that went while it was asked is the reason then. */
int32_t world_refusal(const World& world, int32_t status);

/** Closes a runtime handle of the calling thread with everything opened through it. */
void runtime_close(RuntimeHandle* runtime) noexcept;

/** At the end of the process: disconnects whatever is connected, waiting `wait_ms` at the most. Everything that uses the
 * world is destroyed by `destroy`, on the control thread. */
void runtime_disconnect_at_exit(uint32_t wait_ms, void (*destroy)()) noexcept;

} // namespace qipc
