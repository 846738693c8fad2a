// SPDX-License-Identifier: Apache-2.0
//
// Windows: second mappings of publishers' segments that this library owns. What JavaScript sees outlives iceoryx2's own mapping, which
// goes with a publisher even while blocks of it are held; and what a subscriber sees is read-only. They are made when the first
// block of a publisher is met, because later there may be nothing to map again.
#pragma once

#include "thread.hpp"

#include <cstdint>

namespace qipc {

/** Bytes of a segment from the start of one window to the start of the next. Each is longer by the largest payload, so that
 * no payload is cut by a window's end. */
inline constexpr uint64_t kWindowStride = uint64_t{1} << 30;
inline constexpr uint64_t kPayloadBytesMax = 65536;
static_assert(kWindowStride + kPayloadBytesMax == QIPC_WINDOW_BYTES_MAX);

/** A publisher's segment as one port has it mapped. */
struct SegmentView {
    uint64_t publisher[2] = {};
    uintptr_t base = 0;
    uint64_t length = 0;
    uint32_t first_window = 0;
};

struct WindowPlace {
    uint32_t window;
    uint32_t offset;
};

/** Looks the segment of `payload` up in the process's mappings, and registers the windows of its publisher unless they are. False when it
 * lies in none, or nothing can be mapped. */
bool window_find_segment(const uint64_t* publisher, const void* payload, bool writable, uint64_t world, SegmentView* view);

/** Where a payload lies. False when it lies in no mapping. */
inline bool window_locate(SegmentView& view, const uint64_t* publisher, const void* payload, bool writable, uint64_t world,
                          WindowPlace* place) {
    uint64_t offset = reinterpret_cast<uintptr_t>(payload) - view.base;
    const bool is_known =
        offset < view.length && view.publisher[0] == publisher[0] && view.publisher[1] == publisher[1];
    if (__builtin_expect(!is_known, 0)) {
        if (!window_find_segment(publisher, payload, writable, world, &view)) {
            return false;
        }
        offset = reinterpret_cast<uintptr_t>(payload) - view.base;
    }
    place->window = view.first_window + static_cast<uint32_t>(offset / kWindowStride);
    place->offset = static_cast<uint32_t>(offset % kWindowStride);
    return true;
}

/** A publisher's id in the 64 bits that takes tell. */
inline uint64_t origin_of(const uint64_t* publisher) noexcept {
    // The halves differ in few bits between publishers of one process, so they are spread before they are joined.
    return publisher[0] * 0x9e3779b97f4a7c15 ^ (publisher[1] * 0xc2b2ae3d27d4eb4f >> 7 | publisher[1] << 57);
}

/** A node has ended: windows that nobody holds go, the others stay until their last holder unmaps them. */
void window_world_closed(uint64_t world) noexcept;

/** Calls `visit(address, length)` for the writable segments of a world; stops at the first status that is not QIPC_OK. */
using SegmentVisit = int32_t (*)(void* context, void* address, uint64_t length);
int32_t window_each_writable(uint64_t world, SegmentVisit visit, void* context);

} // namespace qipc
