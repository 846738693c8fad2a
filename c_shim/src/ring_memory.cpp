// SPDX-License-Identifier: Apache-2.0
#include "ring_memory.hpp"

#include <cerrno>

namespace qipc {
namespace {

/** Lets go of a segment. Empty pages can be used as the segment could, and take no memory until somebody writes there. */
void let_go(void* address, size_t bytes, bool is_writable, RingViews views) noexcept {
    if (address == nullptr || views == RingViews::some) {
        return;
    }
    if (views == RingViews::none) {
        munmap(address, bytes);
        return;
    }
    const int rights = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
    // In one step: no other thread's mapping can come to lie there. Where it fails, the segment stays.
    mmap(address, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

} // namespace

RingMemory::~RingMemory() {
    const RingViews left = views.load(std::memory_order_acquire);
    let_go(header, shape.segment_bytes, is_writer, left);
    let_go(table.header, table_shape.segment_bytes, is_writer || is_table_writable, left);
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
