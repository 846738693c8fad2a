// SPDX-License-Identifier: Apache-2.0
//
// A publisher port and its loans.
#pragma once

#include "port.hpp"

namespace qipc {

/** Loans at once, the one that is prepared included. */
inline constexpr uint32_t kLoansMax = 8;

struct Publisher {
    PortLock lock; // of all that follows, up to the handle
    iox2_publisher* port = nullptr;
    uint64_t id[2] = {};
    uint32_t payload_size = 0;
    uint32_t history = 0;
    uint32_t loaned = 0;   // one bit for each slot
    uint32_t prepared = 0; // the bit of the slot whose chunk the next loan gets, if any
    SegmentView view;
    uint64_t touched_bytes = 0; // of the segment, from its beginning: what was ever loaned
    uint64_t taken_bytes = 0;   // and what there is memory for
    iox2_chunk loans[kLoansMax] = {};
    WindowPlace places[kLoansMax] = {};
    std::shared_ptr<World> world;
    uint32_t handle = 0;
    uint32_t runtime = 0;
};

/** Gives back loans, stops offering and deletes the publisher. */
void publisher_close(Publisher* publisher) noexcept;

/** Ends the port and leaves the object, whose calls say so from then on. The caller has the port's lock and the control mutex. */
void publisher_end_port(Publisher& publisher) noexcept;

/** Takes a chunk into a slot that is neither loaned nor prepared; does not mark it. QIPC_OK, QIPC_NO_CHUNK or an error. The caller has
 * the port's lock. */
int32_t publisher_take_chunk(Publisher& publisher, uint32_t slot) noexcept;

} // namespace qipc
