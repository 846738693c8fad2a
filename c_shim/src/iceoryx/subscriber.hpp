// SPDX-License-Identifier: Apache-2.0
//
// A subscriber port, the chunks it holds, and whether an event loop waits for it.
#pragma once

#include "port.hpp"

extern "C" {
#include "iceoryx_binding_c/subscriber.h"
}

#include <atomic>

namespace qipc {

struct Waiter;
struct Listener;

inline constexpr uint32_t kHeldMax = QIPC_TAKE_MAX;
inline constexpr uint32_t kCapacityMax = iox::MAX_SUBSCRIBER_QUEUE_CAPACITY;
static_assert(kHeldMax <= iox::MAX_CHUNKS_HELD_PER_SUBSCRIBER_SIMULTANEOUSLY);

struct Subscriber {
    iox_sub_t sub = nullptr;
    iox::popo::SubscriberPortData* port = nullptr;
    uint64_t unique_id = 0;
    PortTag tag;
    uint32_t payload_size = 0;
    uint32_t alignment_mask = 0;
    SegmentView view;
    uint64_t world_number = 0;

    uint32_t free_count = kHeldMax;
    bool has_refusal = false; // a foreign chunk came after good ones: told by the next take
    uint16_t free_slots[kHeldMax] = {};
    const void* held[kHeldMax] = {}; // null: the slot is free

    /** The waiter whose socket is written to, and the listener that this port is attached to; null when there is none. */
    Waiter* waiter = nullptr;
    std::shared_ptr<Listener> listener;
    std::atomic<bool> is_armed{false};

    uint32_t handle = 0;
    uint32_t runtime = 0;
    ErrorDetail refusal;
};

/** Gives back what is held, unsubscribes and deletes the subscriber. */
void subscriber_close(Subscriber* subscriber) noexcept;

/** Takes the port from the stack and leaves the object, whose calls say from then on that the port was removed. The caller is
 * inside the gate, or nobody is. */
void subscriber_destroy_port(Subscriber& subscriber);

/** True when a take would find something. The caller is inside the gate and the port is ours. */
bool subscriber_has_data(const Subscriber& subscriber) noexcept;

} // namespace qipc
