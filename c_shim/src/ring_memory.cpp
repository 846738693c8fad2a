// SPDX-License-Identifier: Apache-2.0
#include "ring_memory.hpp"

#include <cerrno>

namespace qipc {

RingMemory::~RingMemory() {
    if (stays_mapped.load(std::memory_order_acquire)) {
        return;
    }
    if (header != nullptr) {
        munmap(header, shape.segment_bytes);
    }
    if (table.header != nullptr) {
        munmap(table.header, table_shape.segment_bytes);
    }
}

void ring_free_entry(const qaultra_ring_table& table, uint32_t index, uint32_t generation) noexcept {
    qaultra_ring_entry& entry = table.entries[index];
    // The writer's side may drop the entry meanwhile, so that one look would not always be enough.
    for (uint32_t tries = 0; tries < QAULTRA_RING_TRIES_MAX; ++tries) {
        const uint32_t state = QAULTRA_RING_ACQUIRE(&entry.state);
        const uint32_t status = qaultra_ring_entry_status(state);
        if (state - status != generation || status == QAULTRA_RING_ENTRY_FREE) {
            return;
        }
        qaultra_ring_entry_free(&table, &entry, state);
    }
}

bool ring_is_locked(int file) noexcept {
    // A shared lock, so that those who look at the same time are not taken for the writer by each other.
    if (flock(file, LOCK_SH | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK;
    }
    flock(file, LOCK_UN);
    return false;
}

} // namespace qipc
