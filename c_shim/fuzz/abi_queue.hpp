// SPDX-License-Identifier: Apache-2.0
//
// Calls with publishers, subscribers and waiters. A block must hold what was written into it, as long as it is held.
#pragma once

#include "abi_calls.hpp"

namespace fuzz {

/** Written into blocks; never twice the same. */
inline uint64_t g_word = 0;

class QueueCalls : public Calls {
  public:
    using Calls::Calls;

  protected:
    void open_port() {
        const uint32_t runtime = number(Kind::runtime);
        const Name service = name({"QAULTRA"}), stream = name({"a", "b"}), event = name({"Data", "Ring"});
        constexpr uint32_t sizes[] = {64, 8192, 64, 1, 65536, 0, 65537, UINT32_MAX};
        constexpr uint32_t alignments[] = {8, 64, 8, 1, 0, 3, 128, UINT32_MAX};
        constexpr uint32_t capacities[] = {256, 1, 2, 16, 0, 257, UINT32_MAX};
        constexpr uint32_t histories[] = {0, 1, 16, 17, UINT32_MAX};
        const uint8_t shape = m_input.byte();
        const uint32_t size = shape < 160 ? 64 : m_input.one_of(sizes);
        const uint32_t alignment = shape < 160 ? 8 : m_input.one_of(alignments);
        const uint32_t history = shape < 128 ? 0 : m_input.one_of(histories);
        const uint32_t flags = shape % 4 == 0 ? 1u : shape == 255 ? m_input.word() : 0u;
        uint8_t* const to = result();
        if (m_input.rarely(2)) {
            if (judged(qipc_publisher_open(runtime, service.bytes(), service.length, stream.bytes(), stream.length,
                                           event.bytes(), event.length, size, alignment, history, flags, to),
                       {{runtime, Kind::runtime}}) == QIPC_OK) {
                record(Kind::publisher, runtime).payload_size = size;
            }
            return;
        }
        const uint32_t capacity = m_input.one_of(capacities);
        if (judged(qipc_subscriber_open(runtime, service.bytes(), service.length, stream.bytes(), stream.length,
                                        event.bytes(), event.length, size, alignment, capacity, history, flags, to),
                   {{runtime, Kind::runtime}}) == QIPC_OK) {
            HOLDS(found<uint32_t>(4) == capacity);
            record(Kind::subscriber, runtime).payload_size = size;
        }
    }

    /** The bytes of a block in its window, which this thread has mapped. */
    uint8_t* place(uint32_t runtime, uint32_t window, uint32_t offset, uint32_t bytes, bool writable) {
        const Exact to(QIPC_RESULT_BYTES, 8);
        if (judged(qipc_window_map(runtime, window, to.bytes()), {{runtime, Kind::runtime}}) != QIPC_OK) {
            return nullptr;
        }
        uint64_t words[3];
        std::memcpy(words, to.bytes(), sizeof words);
        HOLDS(uint64_t{offset} + bytes <= words[1] && words[1] <= QIPC_WINDOW_BYTES_MAX);
        HOLDS(static_cast<uint32_t>(words[2]) == (writable ? 1u : 0u));
        return reinterpret_cast<uint8_t*>(words[0]) + offset;
    }

    void loan() {
        const uint32_t handle = number(Kind::publisher);
        if (judged(qipc_publisher_loan(handle, result()), {{handle, Kind::publisher}}) != QIPC_OK) {
            return;
        }
        Opened& publisher = *m_handles.find(handle);
        const uint32_t slot = found<uint32_t>(0), window = found<uint32_t>(4), offset = found<uint32_t>(8);
        uint8_t* const bytes = place(publisher.runtime, window, offset, publisher.payload_size, true);
        if (bytes != nullptr && publisher.payload_size >= 8) {
            std::memcpy(bytes, &++g_word, sizeof g_word);
        }
        publisher.held.push_back({slot, g_word, bytes});
    }

    /** A slot of this handle: mostly one that it has. */
    uint32_t slot_of(uint32_t handle) {
        const Opened* const one = m_handles.find(handle);
        const bool has_any = one != nullptr && !one->held.empty();
        return has_any && !m_input.rarely(16) ? one->held[m_input.below(static_cast<uint32_t>(one->held.size()))].slot
                                              : m_input.word();
    }

    /** Takes a slot from the record; false when it was not there, and then the call must have been refused. */
    bool let_go(uint32_t handle, uint32_t slot) {
        Opened& one = *m_handles.find(handle);
        for (Held& held : one.held) {
            if (held.slot == slot) {
                held = one.held.back();
                one.held.pop_back();
                return true;
            }
        }
        return false;
    }

    void use_publisher() {
        const uint32_t handle = number(Kind::publisher);
        switch (m_input.below(4)) {
        case 0:
            judged(qipc_publisher_has_room(handle), {{handle, Kind::publisher}});
            break;
        case 1:
            judged(qipc_publisher_info(handle, result()), {{handle, Kind::publisher}});
            break;
        case 2: {
            const uint32_t slot = slot_of(handle);
            const int32_t status = judged(qipc_publisher_discard(handle, slot), {{handle, Kind::publisher}});
            HOLDS(status != QIPC_OK || let_go(handle, slot));
            break;
        }
        default: {
            const uint32_t slot = slot_of(handle);
            const uint32_t flags = m_input.rarely(16) ? m_input.word() : m_input.below(8);
            const int32_t status = judged(qipc_publisher_publish(handle, slot, flags), {{handle, Kind::publisher}});
            HOLDS(status != QIPC_OK || let_go(handle, slot));
        }
        }
    }

    void take() {
        const uint32_t handle = number(Kind::subscriber);
        const uint32_t max = m_input.rarely(32) ? m_input.word() : m_input.below(4);
        const bool is_valid = max > 0 && max <= QIPC_TAKE_MAX;
        uint8_t* const to = result((is_valid ? max : 1) * QIPC_TAKE_ENTRY_BYTES);
        const int32_t count = judged(qipc_subscriber_take(handle, max, to), {{handle, Kind::subscriber}});
        HOLDS(count <= static_cast<int32_t>(is_valid ? max : 0));
        for (int32_t i = 0; i < count; ++i) {
            const uint32_t at = static_cast<uint32_t>(i) * QIPC_TAKE_ENTRY_BYTES;
            Opened& subscriber = *m_handles.find(handle);
            const uint32_t size = found<uint32_t>(at + 12);
            HOLDS(size == subscriber.payload_size);
            const uint32_t slot = found<uint32_t>(at);
            const uint8_t* const bytes =
                place(subscriber.runtime, found<uint32_t>(at + 4), found<uint32_t>(at + 8), size, false);
            uint64_t word = 0;
            if (bytes != nullptr && size >= 8) {
                std::memcpy(&word, bytes, sizeof word);
                HOLDS(word <= g_word);
            }
            subscriber.held.push_back({slot, word, bytes});
        }
    }

    void use_subscriber() {
        const uint32_t handle = number(Kind::subscriber);
        switch (m_input.below(4)) {
        case 0:
            HOLDS(judged(qipc_subscriber_has_data(handle), {{handle, Kind::subscriber}}) <= 1);
            break;
        case 1:
            judged(qipc_subscriber_wait(handle, timeout()), {{handle, Kind::subscriber}});
            break;
        case 2: {
            const uint32_t count = m_input.rarely(16) ? m_input.word() : m_input.below(4);
            const uint32_t room = count <= 64 ? count : 0;
            const Exact memory(room * sizeof(uint32_t), 8);
            for (uint32_t i = 0; i < room; ++i) {
                const uint32_t one = i == 0 ? handle : number(Kind::subscriber);
                std::memcpy(memory.bytes() + i * sizeof one, &one, sizeof one);
            }
            judged(qipc_subscriber_wait_any(memory.bytes(), count, timeout()), {{room > 0 ? handle : 0, Kind::subscriber}});
            break;
        }
        default:
            release(handle, slot_of(handle));
        }
    }

    void release(uint32_t handle, uint32_t slot) {
        const Opened* const subscriber = m_handles.find(handle);
        if (subscriber != nullptr && subscriber->is_open) {
            for (const Held& held : subscriber->held) {
                // Stable as long as it is held.
                HOLDS(held.slot != slot || held.bytes == nullptr || subscriber->payload_size < 8 ||
                      std::memcmp(held.bytes, &held.word, sizeof held.word) == 0);
            }
        }
        const int32_t status = judged(qipc_subscriber_release(handle, slot), {{handle, Kind::subscriber}});
        HOLDS(status != QIPC_OK || let_go(handle, slot));
    }

    void use_waiter() {
        const uint32_t waiter = number(Kind::waiter);
        switch (m_input.below(7)) {
        case 0: {
            const uint32_t runtime = number(Kind::runtime);
            if (judged(qipc_waiter_open(runtime, result()), {{runtime, Kind::runtime}}) == QIPC_OK) {
                record(Kind::waiter, runtime).socket = found<int>(4);
            }
            break;
        }
        case 1:
            judged(qipc_waiter_clear(waiter), {{waiter, Kind::waiter}});
            break;
        case 2: {
            const uint32_t subscriber = number(Kind::subscriber);
            judged(qipc_waiter_disarm(waiter, subscriber), {{waiter, Kind::waiter}, {subscriber, Kind::subscriber}});
            break;
        }
        case 3: {
            const uint32_t ring = number(Kind::ring), word = m_input.below(3);
            judged(qipc_waiter_arm_ring(waiter, ring, word, m_input.word()), {{waiter, Kind::waiter}, {ring, Kind::ring}});
            break;
        }
        case 4: {
            const uint32_t ring = number(Kind::ring), word = m_input.below(3);
            judged(qipc_waiter_disarm_ring(waiter, ring, word), {{waiter, Kind::waiter}, {ring, Kind::ring}});
            break;
        }
        default: {
            const uint32_t subscriber = number(Kind::subscriber);
            judged(qipc_waiter_arm(waiter, subscriber), {{waiter, Kind::waiter}, {subscriber, Kind::subscriber}});
        }
        }
    }
};

} // namespace fuzz
