// SPDX-License-Identifier: Apache-2.0
//
// A subscriber port, the chunks it holds, and whether an event loop waits for it.
#pragma once

#include "port.hpp"

#include <atomic>
#include <deque>
#include <vector>

namespace qipc {

struct Waiter;

inline constexpr uint32_t kHeldMax = QIPC_TAKE_MAX;
/** Slots of the port: as many as may be held, and those of history that is being sorted out. */
inline constexpr uint32_t kSlotsMax = 2 * kHeldMax;

/** A chunk that was taken from the port and that nobody has yet. */
struct ReadyChunk {
    iox2_chunk chunk;
    uint16_t slot;
    bool is_past; // published before this subscriber was opened
};

struct Subscriber {
    PortLock lock; // of all that follows, up to the waiter
    iox2_subscriber* port = nullptr;
    uint32_t payload_size = 0;
    uint32_t alignment_mask = 0;
    uint32_t history = 0;
    uint64_t opened_ns = 0;
    std::vector<SegmentView> views; // one for each publisher met, the last one in front
    std::shared_ptr<World> world;
    std::deque<ReadyChunk> ready;
    uint32_t held_count = 0;
    uint32_t free_count = kSlotsMax;
    bool has_refusal = false; // a foreign chunk came after good ones: told by the next take
    uint16_t free_slots[kSlotsMax] = {};
    bool is_held[kSlotsMax] = {};
    ErrorDetail refusal;

    /** The waiter whose socket is written to; null when there is none. Changed with the lock. */
    Waiter* waiter = nullptr;
    std::atomic<bool> is_armed{false};

    uint32_t handle = 0;
    uint32_t runtime = 0;
};

/** Gives back what is held, unsubscribes and deletes the subscriber. */
void subscriber_close(Subscriber* subscriber) noexcept;

/** Ends the port and leaves the object, whose calls say so from then on. The caller has the port's lock and the control mutex. */
void subscriber_end_port(Subscriber& subscriber) noexcept;

/** 1 when a take would find something, 0 when not, or an error. The caller has the port's lock. */
int32_t subscriber_has_data(Subscriber& subscriber);

} // namespace qipc
