// SPDX-License-Identifier: Apache-2.0
#include "blank.hpp"

#include "options.hpp"

#include "iceoryx_hoofs/internal/relocatable_pointer/base_relative_pointer.hpp"
#include "iceoryx_posh/iceoryx_posh_types.hpp"

#include <atomic>
#include <sys/mman.h>

namespace qipc {
namespace {

using iox::rp::BaseRelativePointer;

/** The management segment has the first number, and the segments of chunks those that follow. */
constexpr BaseRelativePointer::id_t kSegmentsMax = 1 + iox::MAX_SHM_SEGMENTS;

std::atomic<bool> g_has_segment{false};

/** Addresses and no memory; never given back. Null where the system limits addresses: then nothing stands for what is not mapped. */
void* blank_memory() {
    static void* const memory = []() -> void* {
        // Not readable at once: a process that locks all of its memory would fill it.
        void* const made = mmap(nullptr, kPoolBytesMax, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (made == MAP_FAILED) {
            return nullptr;
        }
        madvise(made, kPoolBytesMax, MADV_DONTDUMP);
        return mprotect(made, kPoolBytesMax, PROT_READ) == 0 ? made : nullptr;
    }();
    return memory;
}

} // namespace

void blank_fill() {
    BaseRelativePointer::id_t mapped = 0;
    for (BaseRelativePointer::id_t id = 1; id <= kSegmentsMax; ++id) {
        mapped += BaseRelativePointer::getBasePtr(id) != nullptr ? 1 : 0;
    }
    g_has_segment.store(mapped > 1, std::memory_order_relaxed);
    void* const memory = blank_memory();
    for (BaseRelativePointer::id_t id = 1; memory != nullptr && id <= kSegmentsMax; ++id) {
        // Refused where there is something.
        BaseRelativePointer::registerPtr(id, memory, kPoolBytesMax);
    }
}

bool blank_has_segment() noexcept {
    return g_has_segment.load(std::memory_order_relaxed);
}

} // namespace qipc
