// SPDX-License-Identifier: Apache-2.0
//
// Windows: second mappings of the stack's segments that this library owns, so that what JavaScript sees outlives the stack's
// own mapping, and so that what a subscriber sees is read-only.
#pragma once

#include "thread.hpp"

#include <cstdint>

namespace qipc {

/** Bytes of a segment from the start of one window to the start of the next. Each is longer by the largest payload, so that
 * no payload is cut by a window's end. */
inline constexpr uint64_t kWindowStride = uint64_t{1} << 30;
inline constexpr uint64_t kPayloadBytesMax = 65536;
static_assert(kWindowStride + kPayloadBytesMax == QIPC_WINDOW_BYTES_MAX);

/** The segment that a port met last. Ports keep one, so that a data call finds window and offset by two subtractions. */
struct SegmentView {
    uintptr_t base = 0;
    uint64_t length = 0;
    uint32_t first_window = 0;
};

struct WindowPlace {
    uint32_t window;
    uint32_t offset;
};

/** Looks the segment of `payload` up in the process's mappings and registers its windows. False when there is none. */
bool window_find_segment(const void* payload, bool writable, uint64_t world, SegmentView* view);

/** Where a payload lies. False when it lies in no mapping. */
inline bool window_locate(SegmentView& view, const void* payload, bool writable, uint64_t world,
                          WindowPlace* place) {
    uint64_t offset = reinterpret_cast<uintptr_t>(payload) - view.base;
    if (__builtin_expect(offset >= view.length, 0)) {
        if (!window_find_segment(payload, writable, world, &view)) {
            return false;
        }
        offset = reinterpret_cast<uintptr_t>(payload) - view.base;
    }
    place->window = view.first_window + static_cast<uint32_t>(offset / kWindowStride);
    place->offset = static_cast<uint32_t>(offset % kWindowStride);
    return true;
}

/** The stack unmaps its segments: windows that nobody holds go, the others stay until their last holder unmaps them. */
void window_world_closed(uint64_t world) noexcept;

/** Calls `visit(address, length)` for the writable segments of a world; stops at the first status that is not QIPC_OK. */
using SegmentVisit = int32_t (*)(void* context, void* address, uint64_t length);
int32_t window_each_writable(uint64_t world, SegmentVisit visit, void* context);

} // namespace qipc
