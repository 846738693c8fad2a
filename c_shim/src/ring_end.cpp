// SPDX-License-Identifier: Apache-2.0
#include "ring_end.hpp"

#include "ring_keeper.hpp"
#include "ring_ports.hpp"
#include "ring_waiter.hpp"

namespace qipc {
namespace {

/** How often entries were taken, by this process and by others: who has left again has had its chance. */
SubscriberCount attached_readers(const RingMemory& memory) noexcept {
    SubscriberCount attached;
    const qaultra_ring_identity own = qaultra_ring_identity_self();
    const uint32_t used = qaultra_ring_entries_used(&memory.table);
    for (uint32_t i = 0; i < used; ++i) {
        const qaultra_ring_entry& entry = memory.table.entries[i];
        const uint32_t generations = QAULTRA_RING_ACQUIRE(&entry.state) / QAULTRA_RING_ENTRY_GENERATION;
        const bool is_own =
            QAULTRA_RING_LOAD(&entry.pid) == own.pid && QAULTRA_RING_LOAD(&entry.pid_namespace) == own.pid_namespace;
        (is_own ? attached.own : attached.others) += generations;
    }
    return attached;
}

/** Removes the names now, or leaves them for those who have subscribed and not attached yet. */
void end_names(Ring& ring, bool at_exit) noexcept {
    const SubscriberCount audience = ring_ports_audience(ring);
    const SubscriberCount attached = attached_readers(*ring.memory);
    // Of which process those on other stacks are nobody knows.
    const uint32_t elsewhere = ring.elsewhere.load(std::memory_order_relaxed);
    const bool some_may_come = audience.own + audience.others + elsewhere > attached.own + attached.others;
    const bool others_may_come = audience.others > attached.others || (elsewhere > 0 && some_may_come);
    if (at_exit ? !others_may_come : !some_may_come) {
        qaultra_ring_unlink(ring.memory->epoch);
    } else if (!at_exit) {
        keeper_unlink_later(ring.memory->epoch, others_may_come);
    }
}

void end_writer(Ring& ring, bool at_exit) noexcept {
    const RingMemory& memory = *ring.memory;
    QAULTRA_RING_STORE(&memory.header->heartbeat_ms, clock_ms());
    QAULTRA_RING_RELEASE(&memory.header->state, QAULTRA_RING_CLOSED);
    QAULTRA_RING_FULL_BARRIER();
    qaultra_ring_wake_surely(&memory.table.header->data_word);
    qaultra_ring_wake_surely(&memory.table.header->room_word);
    end_names(ring, at_exit);
    // Not left to the closing of the descriptors: a child that was forked may have inherited them.
    flock(memory.data_file.get(), LOCK_UN);
    flock(memory.table_file.get(), LOCK_UN);
}

} // namespace

void ring_end(Ring& ring, bool at_exit) noexcept {
    if (ring.has_ended.exchange(true)) {
        return;
    }
    ring_disarm_all(ring);
    if (ring.memory->is_writer) {
        end_writer(ring, at_exit);
    }
    const uint64_t kept = ring.entry.exchange(kNoEntry);
    if (kept != kNoEntry) {
        ring_free_entry(ring.memory->table, static_cast<uint32_t>(kept), static_cast<uint32_t>(kept >> 32));
    }
}

void rings_end_at_exit() noexcept {
    try {
        // Writers first: whose readers have attached is told by the entries, which go with the readers.
        rings_each([](Ring& ring) {
            if (ring.memory->is_writer) {
                ring_end(ring, true);
            }
        });
        rings_each([](Ring& ring) { ring_end(ring, true); });
        keeper_unlink_at_exit();
    } catch (...) {
        // Without memory to list them; the next runtime of whatever process removes what is left.
    }
}

} // namespace qipc
