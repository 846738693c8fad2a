// SPDX-License-Identifier: Apache-2.0
//
// Headers of both segments that say anything at all, in files of any size. What the checks let through is then used.
#include "fuzzed_ring.hpp"

using namespace fuzz;

namespace {

/** The segment as its writer made it, with words changed, and cut or extended to a size. */
std::string segment_from(Input& input, const uint8_t* made, uint64_t made_bytes) {
    std::string bytes(reinterpret_cast<const char*>(made), made_bytes);
    const uint32_t changes = input.below(8);
    for (uint32_t i = 0; i < changes; ++i) {
        // The header's fields are words; its names lie behind.
        const uint32_t at = input.below(184) * 4;
        const uint32_t value = plausible(input, input.rarely(2) ? made_bytes : kEpoch);
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }
    switch (input.below(8)) {
    case 0:
        bytes.resize(input.below(QAULTRA_RING_HEADER_BYTES + 64));
        break;
    case 1:
        bytes.resize(made_bytes - input.byte());
        break;
    case 2:
        bytes.resize(made_bytes + input.byte());
        break;
    case 3: // no writer's at all
        bytes.resize(QAULTRA_RING_HEADER_BYTES);
        bytes.replace(0, QAULTRA_RING_HEADER_BYTES, input.text(QAULTRA_RING_HEADER_BYTES));
        bytes.resize(QAULTRA_RING_HEADER_BYTES);
        break;
    default:
        break;
    }
    return bytes;
}

bool judge(const qaultra_ring_finding& finding) {
    HOLDS(finding.fault < QAULTRA_RING_FAULT_COUNT);
    HOLDS(std::strcmp(qaultra_ring_fault_field(finding.fault), "unknown") != 0);
    return finding.fault == QAULTRA_RING_FAULT_NONE;
}

void read_some(const uint8_t* data, const qaultra_ring_shape& shape, const qaultra_ring_table& table, const Ring& ring) {
    qaultra_ring_reader reader;
    qaultra_ring_reader_join(&reader, data, &shape, &table, &ring.self, QAULTRA_RING_HISTORY_ALL, 0, 0);
    for (uint32_t i = 0; i < kCapacity; ++i) {
        const qaultra_market_data_block* const block = qaultra_ring_reader_next(&reader);
        if (block == nullptr) {
            break;
        }
        HOLDS(reinterpret_cast<const uint8_t*>(block + 1) <= data + shape.segment_bytes);
        qaultra_ring_reader_release(&reader);
    }
    qaultra_ring_reader_ended(&reader);
    qaultra_ring_reader_leave(&reader);
}

void data_from(Input& input, const Ring& ring) {
    const std::string segment = segment_from(input, ring.data.bytes(), qaultra_ring_data_bytes(kCapacity));
    const Exact memory(segment.size());
    std::memcpy(memory.bytes(), segment.data(), segment.size());
    const uint64_t epoch = input.rarely(4) ? 0 : kEpoch;
    qaultra_ring_shape shape;
    if (!judge(qaultra_ring_check(memory.bytes(), segment.size(), epoch, &shape))) {
        return;
    }
    HOLDS(shape.segment_bytes <= segment.size() && shape.segment_bytes == qaultra_ring_data_bytes(shape.capacity));
    HOLDS(qaultra_ring_capacity_valid(shape.capacity) && shape.epoch != 0 && (epoch == 0 || shape.epoch == epoch));
    HOLDS(shape.first_sequence <= QAULTRA_RING_SEQUENCE_MAX && shape.flags <= QAULTRA_RING_FLAG_LOSSLESS);
    HOLDS(shape.service_bytes <= QAULTRA_RING_NAME_BYTES_MAX && shape.stream_bytes <= QAULTRA_RING_NAME_BYTES_MAX);
    read_some(memory.bytes(), shape, qaultra_ring_table_none(), ring);
    read_some(memory.bytes(), shape, ring.table, ring);
}

void table_from(Input& input, const Ring& ring) {
    const std::string segment = segment_from(input, ring.table_memory.bytes(), qaultra_ring_table_bytes(kEntries));
    const Exact memory(segment.size());
    std::memcpy(memory.bytes(), segment.data(), segment.size());
    qaultra_ring_table_shape shape;
    if (!judge(qaultra_ring_readers_check(memory.bytes(), segment.size(), kEpoch, &shape))) {
        return;
    }
    HOLDS(shape.segment_bytes <= segment.size() && shape.segment_bytes == qaultra_ring_table_bytes(shape.entry_count));
    const qaultra_ring_table table = qaultra_ring_table_bind(memory.bytes(), &shape);
    HOLDS(qaultra_ring_entries_used(&table) <= shape.entry_count);
    HOLDS(qaultra_ring_count_subscribers(&table) <= uint64_t{UINT32_MAX} * shape.entry_count);
    read_some(ring.data.bytes(), ring.shape, table, ring);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
    Input input(bytes, length);
    const uint8_t kind = input.byte();
    const Ring ring((kind & 1u) != 0 ? QAULTRA_RING_FLAG_LOSSLESS : 0, input.one_of(kStarts));
    if ((kind & 2u) != 0) {
        data_from(input, ring);
    } else {
        table_from(input, ring);
    }
    return 0;
}
