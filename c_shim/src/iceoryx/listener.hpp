// SPDX-License-Identifier: Apache-2.0
//
// iceoryx's listeners: threads of the stack that tell when a port has data. Each serves a fixed number of ports, so a world has
// as many as it needs; they live until it ends.
#pragma once

#include "stack.hpp"

extern "C" {
#include "iceoryx_binding_c/listener.h"
}

#include <cstdint>
#include <memory>

namespace qipc {

struct World;
struct Subscriber;

struct Listener {
    iox_listener_t listener = nullptr;
    iox::popo::ConditionVariableData* condition = nullptr;
    uint64_t world_number = 0;
    uint32_t attached = 0; // guarded by the mutex of all listeners
};

/** A listener with room for one port more, reserved for the caller. Makes one on the control thread when all are full. */
int32_t listener_acquire(const World& world, std::shared_ptr<Listener>* listener);

/** Gives the reserved place back. */
void listener_release(Listener& listener) noexcept;

/** Attaches the subscriber, so that its waiter is told of data, and detaches it. Detaching waits until no callback runs. Both
 * inside the gate, with the port being ours. */
int32_t listener_attach(Subscriber& subscriber) noexcept;
void listener_detach(Subscriber& subscriber) noexcept;

/** Ends the listeners of a world; on the control thread, before the runtime is destroyed. */
void listener_end_all(const World& world);

/** The status of a wait for which the daemon had no condition variable. */
int32_t refuse_condition() noexcept;

/** Whether a condition variable is still this process's, and has not been removed or given to another. */
bool condition_is_ours(const World& world, const iox::popo::ConditionVariableData* condition) noexcept;

/** Takes a subscriber out of the listener or wait set that it is attached to without touching its port, which is no longer
 * this process's. */
void detach_removed(Subscriber& subscriber);

} // namespace qipc
