// SPDX-License-Identifier: Apache-2.0
//
// A ring in memory without a byte to spare, and stores into it as any peer could make them.
#pragma once

#include "input.hpp"

#include "qaultra_ipc/ring.h"

namespace fuzz {

constexpr uint32_t kCapacity = 16;
constexpr uint32_t kEntries = 4;
constexpr uint64_t kEpoch = 7;

/** Sequences where something wraps. */
constexpr uint64_t kStarts[] = {0,           1,           kCapacity,
                                0x7FFFFFF0u, 0xFFFFFFF0u, 0x1FFFFFFF0u,
                                1000,        QAULTRA_RING_SEQUENCE_MAX - kCapacity,
                                QAULTRA_RING_SEQUENCE_MAX};

struct Ring {
    Exact data{qaultra_ring_data_bytes(kCapacity)};
    Exact table_memory{qaultra_ring_table_bytes(kEntries)};
    qaultra_ring_identity self{};
    qaultra_ring_options options{};
    qaultra_ring_shape shape{};
    qaultra_ring_table_shape table_shape{};
    qaultra_ring_table table{};

    Ring(uint32_t flags, uint64_t first_sequence) {
        options = qaultra_ring_options_default();
        options.service = "QAULTRA";
        options.service_bytes = 7;
        options.stream = "market_stream";
        options.stream_bytes = 13;
        options.epoch = kEpoch;
        options.capacity = kCapacity;
        options.entry_count = kEntries;
        options.flags = flags;
        options.first_sequence = first_sequence;
        self.pid = 1;
        self.start_time = 1;
        self.pid_namespace = 1;
        qaultra_ring_format(data.bytes(), table_memory.bytes(), &options, &self, qaultra_ring_clock_ms());
        HOLDS(qaultra_ring_check(data.bytes(), qaultra_ring_data_bytes(kCapacity), kEpoch, &shape).fault ==
              QAULTRA_RING_FAULT_NONE);
        HOLDS(qaultra_ring_readers_check(table_memory.bytes(), qaultra_ring_table_bytes(kEntries), kEpoch, &table_shape)
                  .fault == QAULTRA_RING_FAULT_NONE);
        table = qaultra_ring_table_bind(table_memory.bytes(), &table_shape);
    }

    qaultra_ring_header* header() const { return reinterpret_cast<qaultra_ring_header*>(data.bytes()); }
    qaultra_ring_slot* slots() const {
        return reinterpret_cast<qaultra_ring_slot*>(data.bytes() + QAULTRA_RING_HEADER_BYTES);
    }
};

/** A value that leads somewhere more often than a random one: near a sequence, small, or right away. */
inline uint32_t plausible(Input& input, uint64_t near) {
    const uint8_t kind = input.byte();
    const uint32_t low = static_cast<uint32_t>(near), offset = kind >> 3;
    switch (kind & 7u) {
    case 0:
        return low;
    case 1:
        return low + offset;
    case 2:
        return low - offset;
    case 3:
        return static_cast<uint32_t>(near >> 32);
    case 4:
        return offset;
    case 5:
        return 0u - offset;
    case 6:
        return low + 0x80000000u + offset;
    default:
        return input.word();
    }
}

/** Stores a word where much hinges on it, or anywhere, into the reader table. */
inline void store_into_table(Input& input, const Ring& ring, uint64_t near) {
    uint32_t* word = reinterpret_cast<uint32_t*>(ring.table_memory.bytes());
    constexpr uint32_t places[] = {16, 32, 48, 49, 50};
    const uint8_t where = input.byte();
    if (where < 96) {
        word += input.one_of(places);
    } else if (where < 224) {
        word = reinterpret_cast<uint32_t*>(&ring.table.entries[where % kEntries]) + input.below(10);
    } else {
        word += input.below(static_cast<uint32_t>(qaultra_ring_table_bytes(kEntries) / 4));
    }
    QAULTRA_RING_STORE(word, plausible(input, near));
}

/** The same for the data segment: head, state, stamps, lengths, or anywhere. */
inline void store_into_data(Input& input, const Ring& ring, uint64_t near) {
    uint32_t* word = reinterpret_cast<uint32_t*>(ring.data.bytes());
    const uint8_t where = input.byte();
    if (where < 96) {
        word += 32 + where % 3;
    } else if (where < 112) {
        word += 48 + where % 2;
    } else if (where < 240) {
        constexpr uint32_t places[] = {0, 1, 6, 7};
        word = ring.slots()[where % kCapacity].words + input.one_of(places);
    } else {
        word += input.below(static_cast<uint32_t>(qaultra_ring_data_bytes(kCapacity) / 4));
    }
    QAULTRA_RING_STORE(word, plausible(input, near));
}

} // namespace fuzz
