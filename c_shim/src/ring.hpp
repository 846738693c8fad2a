// SPDX-License-Identifier: Apache-2.0
//
// A ring as one thread has it: made by it or attached.
#pragma once

#include "ring_memory.hpp"
#include "ring_publishers.hpp"

#include <atomic>
#include <memory>

namespace qipc {

inline constexpr uint64_t kNoEntry = UINT64_MAX;

/** Shared by its thread's handle and the keeper. */
struct Ring {
    std::shared_ptr<RingMemory> memory;
    RingPorts ports;
    /** Of a writer; used by the keeper's thread alone. */
    qaultra_ring_keeper care{};
    /** The keeper looks every few milliseconds: a queue is counted. */
    std::atomic<bool> has_queue{false};
    /** The entry that is kept: its generation (the state without its status) above its index. kNoEntry: none. */
    std::atomic<uint64_t> entry{kNoEntry};
    /** Subscribers of its announcements on other stacks. */
    std::atomic<uint32_t> elsewhere{0};
    /** Set by whoever ends it, its thread or the end of the process. */
    std::atomic<bool> has_ended{false};
    uint32_t handle = 0;
    uint32_t runtime = 0;
};

/** The status of a call that would write a table which this user may only read. */
int32_t ring_refuse_read_only() noexcept;

/** Closes a ring of the calling thread. */
void ring_close(Ring* ring, RingViews views) noexcept;

/** At the end of the process: all rings end, of all threads, and stay mapped. */
void rings_end_at_exit() noexcept;

} // namespace qipc
