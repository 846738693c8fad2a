// SPDX-License-Identifier: Apache-2.0
//
// A publisher port and its loans.
#pragma once

#include "port.hpp"
#include "room_lock.hpp"

extern "C" {
#include "iceoryx_binding_c/publisher.h"
}

namespace qipc {

inline constexpr uint32_t kLoansMax = iox::MAX_CHUNKS_ALLOCATED_PER_PUBLISHER_SIMULTANEOUSLY;
inline constexpr uint32_t kHistoryMax = static_cast<uint32_t>(iox::MAX_PUBLISHER_HISTORY);
static_assert(kLoansMax < 32);

struct Publisher {
    iox_pub_t pub = nullptr;
    iox::popo::PublisherPortData* port = nullptr;
    uint64_t unique_id = 0;
    uint32_t payload_size = 0;
    uint32_t alignment = 0;
    uint32_t loaned = 0; // one bit for each slot
    uint32_t prepared = 0; // the bit of the slot whose chunk the next loan gets, if any
    bool is_blocking = false;
    RoomLock room; // of a blocking one
    SegmentView view;
    void* loans[kLoansMax] = {};
    WindowPlace places[kLoansMax] = {};
    uint64_t world_number = 0;
    uint32_t handle = 0;
    uint32_t runtime = 0;
};

/** Gives back loans, stops offering and deletes the publisher. */
void publisher_close(Publisher* publisher) noexcept;

/** Takes the port from the stack and leaves the object, whose calls say from then on that the port was removed. The caller is
 * inside the gate, or nobody is. */
void publisher_destroy_port(Publisher& publisher) noexcept;

} // namespace qipc
