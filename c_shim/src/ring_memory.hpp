// SPDX-License-Identifier: Apache-2.0
//
// The two mapped segments of a ring. What lies in them, and how it is accessed, is stated by ring.h.
#pragma once

#include "fd.hpp"

#include "qaultra_ipc/qipc.h"
#include "qaultra_ipc/ring.h"

#include <atomic>
#include <cstdint>

namespace qipc {

/** Words of a table that can be waited on. */
inline constexpr uint32_t kRingWords = 2;

/** Who may still look at the segments through JavaScript's views when they are let go. */
enum class RingViews : uint8_t {
    none,     // their owner said so: they are unmapped
    some,     // nobody said that there are none, and their thread lives: they stay mapped
    orphaned, // their thread has ended, and what it handed on must not crash: empty pages take their place
};

/** Shared by whoever looks at the segments, which are let go with the last one of them. */
struct RingMemory {
    uint64_t epoch = 0;
    bool is_writer = false;
    bool is_table_writable = false;
    /** Open as long as the ring is: of the writer the lock on it is the proof of its life, of a reader it is where it looks. */
    Fd data_file;
    /** Of the writer alone: its lock tells a ring that is being made from the remains of one. */
    Fd table_file;
    qaultra_ring_header* header = nullptr;
    qaultra_ring_shape shape{};
    qaultra_ring_table table{};
    qaultra_ring_table_shape table_shape{};
    std::atomic<RingViews> views{RingViews::none};

    RingMemory() = default;
    RingMemory(const RingMemory&) = delete;
    RingMemory& operator=(const RingMemory&) = delete;
    ~RingMemory();

    uint32_t* word(uint32_t which) const noexcept {
        return which == QIPC_RING_DATA ? &table.header->data_word : &table.header->room_word;
    }
};

/** Frees an entry that is still of this generation, whatever its status has become; a writer that waits for its reader goes on. */
void ring_free_entry(const qaultra_ring_table& table, uint32_t index, uint32_t generation) noexcept;

/** Whether the process that made the ring still holds its lock. Not to be asked at the writer's own descriptor, whose lock would
 * be exchanged for another. */
bool ring_is_locked(int file) noexcept;

} // namespace qipc
