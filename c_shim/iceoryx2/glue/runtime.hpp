// SPDX-License-Identifier: Apache-2.0
//
// This process as a node of iceoryx2, and the handles that count it.
#pragma once

#include "export.hpp"
#include "handle.hpp"
#include "iox2.h"
#include "options.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace qipc {

/** One node, from its making to its end. When the root was removed under it, a new one takes its place. */
struct World {
    uint64_t number = 0; // never used twice in a process
    Options options;
    std::string name;
    iox2_node* node = nullptr;
    std::string node_path; // of the file that the node lives by
    uint32_t handles = 0;  // guarded by the control mutex
    std::atomic<bool> is_lost{false}; // another has its place, or is to have it
    /** For what is shared with the other stack: here no memory goes before its ports. */
    static constexpr bool is_down = false;

    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();
};

/** What a runtime handle refers to. */
struct RuntimeHandle {
    uint32_t handle = 0;
    std::shared_ptr<World> world; // brought up to date by each lease
};

/** Held to make and to end nodes and ports, for some milliseconds at the most. */
std::mutex& control_mutex() noexcept;

/** QIPC_OK while this process is listed as a node, else QIPC_E_DAEMON_GONE. Some system calls. */
int32_t world_check(const World& world);

/** Whether the root was removed under the node: what it has there by name is not its own any more. */
bool world_is_lost(const World& world) noexcept;

/** The status of a failure of iceoryx2, with its detail. */
int32_t refuse(int32_t status, const iox2_failure& failure) noexcept;

/** Closes a runtime handle of the calling thread with everything opened through it. */
void runtime_close(RuntimeHandle* runtime) noexcept;

/** At the end of the process: ends the node, if there is one. Its ports were ended before. */
void runtime_end_at_exit() noexcept;

} // namespace qipc
