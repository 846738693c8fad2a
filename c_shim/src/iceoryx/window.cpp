// SPDX-License-Identifier: Apache-2.0
#include "window.hpp"

#include "check.hpp"
#include "lease.hpp"
#include "mapping.hpp"
#include "runtime.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace qipc {
namespace {

struct Window {
    uint32_t id = 0;
    void* address = nullptr; // null while not mapped
    uint64_t length = 0;
    uint32_t holders = 0; // threads that have mapped it and not unmapped it
};

struct Segment {
    uint64_t world = 0;
    bool alive = false; // the stack still maps it at `base`
    bool writable = false;
    uintptr_t base = 0;
    uint64_t length = 0;
    std::vector<Window> windows;
};

struct Windows {
    std::mutex mutex;
    std::vector<Segment> segments;
    uint32_t next_id = 1;
};

Windows& all() {
    static Windows& instance = *new Windows;
    return instance;
}

void unmap(Window& window) noexcept {
    if (window.address != nullptr && window.holders == 0) {
        munmap(window.address, window.length);
        window.address = nullptr;
    }
}

/** Segments of connections that are over, as soon as nothing of them is mapped. */
void forget_unmapped(Windows& here) noexcept {
    std::erase_if(here.segments, [](const Segment& segment) {
        return !segment.alive && std::all_of(segment.windows.begin(), segment.windows.end(),
                                             [](const Window& window) { return window.address == nullptr; });
    });
}

/** A second mapping of part of a segment. An old size of 0 asks the kernel to duplicate instead of to move. */
int32_t map(const Segment& segment, Window& window, uint64_t offset) {
    void* source = reinterpret_cast<void*>(segment.base + offset);
    void* copy = mremap(source, 0, window.length, MREMAP_MAYMOVE);
    if (copy == MAP_FAILED) {
        return fail(QIPC_E_SYSTEM, errno, 0, "Cannot map window %u of %llu bytes: %s", window.id,
                    static_cast<unsigned long long>(window.length), std::strerror(errno));
    }
    if (mprotect(copy, window.length, segment.writable ? PROT_READ | PROT_WRITE : PROT_READ) != 0) {
        const int number = errno;
        munmap(copy, window.length);
        return fail(QIPC_E_SYSTEM, number, 0, "Cannot protect window %u: %s", window.id, std::strerror(number));
    }
    window.address = copy;
    return QIPC_OK;
}

/** The window of this id and its segment, or nulls. Called with the mutex held. */
Window* find(Windows& here, uint32_t id, Segment** owner) {
    for (Segment& segment : here.segments) {
        if (segment.windows.empty() || id < segment.windows.front().id || id > segment.windows.back().id) {
            continue;
        }
        *owner = &segment;
        return &segment.windows[id - segment.windows.front().id];
    }
    return nullptr;
}

} // namespace

bool window_find_segment(const void* payload, bool writable, uint64_t world, SegmentView* view) {
    Windows& here = all();
    const std::lock_guard<std::mutex> lock(here.mutex);
    const uintptr_t address = reinterpret_cast<uintptr_t>(payload);
    for (const Segment& segment : here.segments) {
        if (segment.alive && segment.world == world && segment.writable == writable
            && address - segment.base < segment.length) {
            *view = {segment.base, segment.length, segment.windows.front().id};
            return true;
        }
    }
    Mapping mapping;
    if (!mapping_of(payload, &mapping)) {
        return false;
    }
    Segment segment;
    segment.world = world;
    segment.alive = true;
    segment.writable = writable;
    segment.base = mapping.base;
    segment.length = mapping.length;
    for (uint64_t offset = 0; offset < segment.length; offset += kWindowStride) {
        Window window;
        window.id = here.next_id++;
        window.length = std::min(segment.length - offset, kWindowStride + kPayloadBytesMax);
        segment.windows.push_back(window);
    }
    *view = {segment.base, segment.length, segment.windows.front().id};
    here.segments.push_back(std::move(segment));
    return true;
}

void window_world_closed(uint64_t world) noexcept {
    Windows& here = all();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (Segment& segment : here.segments) {
        if (segment.world != world) {
            continue;
        }
        segment.alive = false;
        for (Window& window : segment.windows) {
            unmap(window);
        }
    }
    forget_unmapped(here);
}

int32_t window_each_writable(uint64_t world, SegmentVisit visit, void* context) {
    Windows& here = all();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (const Segment& segment : here.segments) {
        if (segment.alive && segment.writable && segment.world == world) {
            const int32_t status = visit(context, reinterpret_cast<void*>(segment.base), segment.length);
            if (status != QIPC_OK) {
                return status;
            }
        }
    }
    return QIPC_OK;
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_window_map(uint32_t runtime, uint32_t id, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        RuntimeHandle* owner = handle_object<RuntimeHandle>(runtime, Kind::runtime);
        if (owner == nullptr) {
            return handle_refusal(runtime, Kind::runtime);
        }
        const WorldLease world(owner->world);
        if (world->is_down) {
            return refuse_world_that_is_down();
        }
        Thread* thread = thread_current();
        Windows& here = all();
        const std::lock_guard<std::mutex> lock(here.mutex);
        Segment* segment = nullptr;
        Window* window = find(here, id, &segment);
        if (window == nullptr ? id != 0 && id < here.next_id : segment->world != world->number) {
            return fail(QIPC_E_DAEMON_GONE, id, 0, "Cannot map window %u: it is of a connection that is over", id);
        }
        if (window == nullptr) {
            return fail(QIPC_E_BAD_HANDLE, id, 0, "Cannot map window %u: this runtime has none of that number", id);
        }
        auto& held = thread->windows;
        const bool holds = std::find(held.begin(), held.end(), id) != held.end();
        held.reserve(held.size() + 1);
        if (window->address == nullptr) {
            if (const int32_t status = map(*segment, *window, (id - segment->windows.front().id) * kWindowStride);
                status != QIPC_OK) {
                return status;
            }
        }
        if (!holds) {
            held.push_back(id);
            ++window->holders;
        }
        const uint64_t words[2] = {reinterpret_cast<uint64_t>(window->address), window->length};
        const uint32_t writable = segment->writable ? 1 : 0;
        std::memcpy(result, words, sizeof words);
        std::memcpy(result + 16, &writable, sizeof writable);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_window_unmap(uint32_t id) {
    return shielded([&]() -> int32_t {
        Thread* thread = thread_current();
        if (thread == nullptr) {
            return fail(QIPC_E_INTERNAL, 0, 0, "Cannot unmap window %u: no record of this thread", id);
        }
        auto& held = thread->windows;
        const auto at = std::find(held.begin(), held.end(), id);
        if (at == held.end()) {
            return fail(QIPC_E_BAD_HANDLE, id, 0, "Cannot unmap window %u: this thread has not mapped it", id);
        }
        held.erase(at);
        Windows& here = all();
        const std::lock_guard<std::mutex> lock(here.mutex);
        Segment* segment = nullptr;
        Window* window = find(here, id, &segment);
        if (window == nullptr) {
            return QIPC_OK;
        }
        --window->holders;
        if (!segment->alive) {
            unmap(*window);
            forget_unmapped(here);
        }
        return QIPC_OK;
    });
}
