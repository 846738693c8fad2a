// SPDX-License-Identifier: Apache-2.0
#include "ring.hpp"

#include "check.hpp"
#include "exit.hpp"
#include "export.hpp"
#include "handle.hpp"
#include "platform.hpp"
#include "ring_end.hpp"
#include "ring_keeper.hpp"

#include <cstring>

namespace qipc {
int32_t ring_refuse_read_only() noexcept {
    return fail(QIPC_E_ACCESS, geteuid(), 0, "Cannot write the ring's table of readers: user %u may only read it", geteuid());
}

void ring_close(Ring* ring, RingViews views) noexcept {
    handle_free(ring->handle);
    ring->memory->views.store(views, std::memory_order_release);
    ring_end(*ring, false);
    // The end of the process may just have looked at it, and says nothing about views.
    if (!process_is_exiting()) {
        keeper_remove(*ring);
    }
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_ring_close(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Ring* ring = handle_object<Ring>(handle, Kind::ring);
        if (ring == nullptr) {
            return handle_refusal(handle, Kind::ring);
        }
        ring_close(ring, RingViews::none);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_ring_writer_alive(uint32_t handle) {
    return shielded([&]() -> int32_t {
        const Ring* ring = handle_object<Ring>(handle, Kind::ring);
        if (ring == nullptr) {
            return handle_refusal(handle, Kind::ring);
        }
        // Asking at the writer's own descriptor would exchange its lock for another.
        return ring->memory->is_writer || ring_is_locked(ring->memory->data_file.get()) ? 1 : 0;
    });
}

QIPC_EXPORT int32_t qipc_ring_keep_entry(uint32_t handle, uint32_t index) {
    return shielded([&]() -> int32_t {
        Ring* ring = handle_object<Ring>(handle, Kind::ring);
        if (ring == nullptr) {
            return handle_refusal(handle, Kind::ring);
        }
        if (index == QIPC_RING_NO_ENTRY) {
            ring->entry.store(kNoEntry, std::memory_order_release);
            return QIPC_OK;
        }
        const RingMemory& memory = *ring->memory;
        if (!memory.is_table_writable) {
            return ring_refuse_read_only();
        }
        const uint32_t count = memory.table_shape.entry_count;
        if (index >= count) {
            return fail(QIPC_E_RING_ENTRY, index, count - 1.0, "Cannot keep entry %u of a ring's table: the last is %u",
                        index, count - 1);
        }
        qaultra_ring_entry& entry = memory.table.entries[index];
        const uint32_t generation = qaultra_ring_entry_with(QAULTRA_RING_ACQUIRE(&entry.state), 0);
        QAULTRA_RING_STORE(&entry.heartbeat_ms, clock_ms());
        ring->entry.store(uint64_t{generation} << 32 | index, std::memory_order_release);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_ring_set_audience(uint32_t handle, uint32_t elsewhere) {
    return shielded([&]() -> int32_t {
        Ring* ring = handle_object<Ring>(handle, Kind::ring);
        if (ring == nullptr) {
            return handle_refusal(handle, Kind::ring);
        }
        if (!ring->memory->is_writer) {
            return fail(QIPC_E_BAD_HANDLE, handle, 0, "Cannot name readers of ring %u: it was attached, not made", handle);
        }
        ring->elsewhere.store(elsewhere, std::memory_order_relaxed);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_ring_bind_numa(uint32_t handle, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        const Ring* ring = handle_object<Ring>(handle, Kind::ring);
        if (ring == nullptr) {
            return handle_refusal(handle, Kind::ring);
        }
        uint32_t nodes[2] = {0, 0};
        const int32_t status =
            numa_bind(ring->memory->header, ring->memory->shape.segment_bytes, &nodes[0], &nodes[1]);
        if (status == QIPC_OK) {
            std::memcpy(result, nodes, sizeof nodes);
        }
        return status;
    });
}
