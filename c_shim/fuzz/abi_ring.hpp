// SPDX-License-Identifier: Apache-2.0
//
// Calls with rings, whose segments are written over as a hostile peer would.
#pragma once

#include "abi_queue.hpp"

#include "qaultra_ipc/ring.h"

namespace fuzz {

class RingCalls : public QueueCalls {
  public:
    using QueueCalls::QueueCalls;

  protected:
    void record_ring(uint32_t runtime, uint64_t epoch, bool is_writer) {
        Opened& ring = record(Kind::ring, runtime);
        ring.epoch = epoch;
        const bool is_table_writable = is_writer || found<uint32_t>(4) == 1;
        ring.data = is_writer ? reinterpret_cast<uint32_t*>(found<uint64_t>(16)) : nullptr;
        ring.data_bytes = found<uint64_t>(24);
        ring.table = is_table_writable ? reinterpret_cast<uint32_t*>(found<uint64_t>(32)) : nullptr;
        ring.table_bytes = found<uint64_t>(40);
    }

    void make_ring() {
        const uint32_t runtime = number(Kind::runtime);
        const Name service = name({"QAULTRA"}), stream = name({"a", "b"});
        constexpr uint32_t capacities[] = {16, 32, 0, 8, 17, 65536, 131072, 0x80000000u};
        constexpr uint32_t entries[] = {4, 1, 1024, 0, 1025, UINT32_MAX};
        constexpr uint32_t modes[] = {0660, 0600, 0666, 0644, 0777, 0066, 0, UINT32_MAX};
        constexpr double firsts[] = {0, 1, 9007199254740991.0, 9007199254740992.0, 0.5, -1, std::numeric_limits<double>::quiet_NaN()};
        const uint8_t shape = m_input.byte();
        const bool is_usual = shape < 192;
        const uint32_t capacity = is_usual ? 16 : m_input.one_of(capacities);
        const uint32_t entry_count = is_usual ? 4 : m_input.one_of(entries);
        const uint32_t flags = is_usual ? shape % 2 : m_input.word() % 3;
        const uint32_t period = is_usual ? 1000 : m_input.word();
        const double first = is_usual ? 0 : m_input.one_of(firsts);
        const uint32_t group = is_usual ? QIPC_GROUP_OWN : m_input.word() % 3;
        const uint32_t access = is_usual ? 0660 : m_input.one_of(modes);
        uint8_t* const to = result();
        if (judged(qipc_ring_create(runtime, service.bytes(), service.length, stream.bytes(), stream.length, capacity,
                                    entry_count, m_input.byte(), flags, period, m_input.rarely(2) ? 1 : period, first, group,
                                    access, to),
                   {{runtime, Kind::runtime}}) == QIPC_OK) {
            record_ring(runtime, found<uint64_t>(8), true);
        }
    }

    void attach_ring() {
        const uint32_t runtime = number(Kind::runtime);
        const Opened* const ring = m_handles.pick(m_input, Kind::ring, m_here);
        const uint64_t epoch = ring != nullptr && !m_input.rarely(16) ? ring->epoch : m_input.quad();
        uint8_t* const to = result();
        if (judged(qipc_ring_attach(runtime, static_cast<uint32_t>(epoch), static_cast<uint32_t>(epoch >> 32), to),
                   {{runtime, Kind::runtime}}) == QIPC_OK) {
            record_ring(runtime, epoch, false);
        }
    }

    /** As a peer that is broken or hostile. */
    void spoil_ring() {
        const Opened* const ring = m_handles.pick(m_input, Kind::ring, m_here);
        if (ring == nullptr || !ring->is_open) {
            return;
        }
        const bool is_data = ring->data != nullptr && m_input.rarely(2);
        uint32_t* const words = is_data ? ring->data : ring->table;
        if (words == nullptr) {
            return;
        }
        const uint64_t bytes = is_data ? ring->data_bytes : ring->table_bytes;
        // The header and the first entries, mostly.
        const uint64_t at = m_input.rarely(4) ? m_input.word() : m_input.rarely(2) ? m_input.byte() : 1024 + m_input.byte();
        QAULTRA_RING_STORE(&words[at % (bytes / 4)], m_input.rarely(2) ? m_input.word() : m_input.byte());
    }

    void use_ring() {
        const uint32_t handle = number(Kind::ring);
        switch (m_input.below(6)) {
        case 0:
            HOLDS(judged(qipc_ring_writer_alive(handle), {{handle, Kind::ring}}) <= 1);
            break;
        case 1: {
            constexpr uint32_t entries[] = {0, 1, 3, 4, 1023, 1024, QIPC_RING_NO_ENTRY};
            judged(qipc_ring_keep_entry(handle, m_input.one_of(entries)), {{handle, Kind::ring}});
            break;
        }
        case 2: {
            const uint32_t announcer = m_input.rarely(2) ? 0 : number(Kind::publisher);
            const uint32_t queue = m_input.rarely(2) ? 0 : number(Kind::publisher);
            const int32_t status = qipc_ring_set_publishers(handle, announcer, queue);
            judged(status, {{handle, Kind::ring}, {announcer, announcer == 0 ? Kind::none : Kind::publisher},
                            {queue, queue == 0 ? Kind::none : Kind::publisher}});
            break;
        }
        case 3:
            judged(qipc_ring_bind_numa(handle, result()), {{handle, Kind::ring}});
            break;
        case 4:
            judged(qipc_ring_wake(handle, m_input.below(3)), {{handle, Kind::ring}});
            break;
        default:
            wait_for_rings(handle);
        }
    }

    void wait_for_rings(uint32_t first) {
        const uint32_t count = m_input.rarely(16) ? m_input.word() : m_input.below(4);
        const uint32_t room = count <= QIPC_RING_WAITS_MAX ? count : 0;
        const Exact memory(room * 16, 8);
        for (uint32_t i = 0; i < room; ++i) {
            const uint32_t entry[4] = {i == 0 ? first : number(Kind::ring), m_input.below(3), m_input.below(3), 0};
            std::memcpy(memory.bytes() + i * sizeof entry, entry, sizeof entry);
        }
        judged(qipc_ring_wait(memory.bytes(), count, timeout()), {{room > 0 ? first : 0, Kind::ring}});
    }

    void close_ring(uint32_t handle) {
        if (judged(qipc_ring_close(handle), {{handle, Kind::ring}}) == QIPC_OK) {
            forget(*m_handles.find(handle));
        }
    }
};

} // namespace fuzz
