// SPDX-License-Identifier: Apache-2.0
#include "take_order.hpp"

#include "qaultra_ipc/qipc.h"

#include <algorithm>
#include <cstring>

namespace qipc {
namespace {

struct Taken {
    uint64_t origin;
    uint64_t time;
    uint32_t index;
};

uint64_t origin_at(const uint8_t* entries, uint32_t index) noexcept {
    uint64_t origin;
    std::memcpy(&origin, entries + index * QIPC_TAKE_ENTRY_BYTES + 16, sizeof origin);
    return origin;
}

} // namespace

void order_taken(uint8_t* entries, const uint64_t* times, uint32_t count) noexcept {
    uint32_t same = 1;
    while (same < count && origin_at(entries, same) == origin_at(entries, 0)) {
        ++same;
    }
    if (same >= count) {
        return;
    }
    Taken taken[QIPC_TAKE_MAX];
    for (uint32_t i = 0; i < count; ++i) {
        taken[i] = {origin_at(entries, i), times[i], i};
        // A clock that was set back, or a peer's that means nothing, does not change the order of one publisher's blocks.
        for (uint32_t before = i; before-- > 0;) {
            if (taken[before].origin == taken[i].origin) {
                taken[i].time = std::max(taken[i].time, taken[before].time);
                break;
            }
        }
    }
    std::sort(taken, taken + count, [](const Taken& a, const Taken& b) {
        return a.time != b.time ? a.time < b.time : a.index < b.index;
    });
    uint8_t ordered[QIPC_TAKE_MAX * QIPC_TAKE_ENTRY_BYTES];
    for (uint32_t i = 0; i < count; ++i) {
        std::memcpy(ordered + i * QIPC_TAKE_ENTRY_BYTES, entries + taken[i].index * QIPC_TAKE_ENTRY_BYTES,
                    QIPC_TAKE_ENTRY_BYTES);
    }
    std::memcpy(entries, ordered, count * QIPC_TAKE_ENTRY_BYTES);
}

} // namespace qipc
