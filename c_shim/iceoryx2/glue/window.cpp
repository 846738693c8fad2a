// SPDX-License-Identifier: Apache-2.0
#include "window.hpp"

#include "check.hpp"
#include "lease.hpp"
#include "mapping.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace qipc {
namespace {

struct Window {
    uint32_t id = 0;
    void* address = nullptr;
    uint64_t length = 0;
    uint32_t holders = 0; // threads that have mapped it and not unmapped it
};

struct Segment {
    uint64_t world = 0;
    bool alive = false; // the node has not ended
    bool writable = false;
    uint64_t publisher[2] = {};
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

/** Unmaps the windows of nodes that have ended and that nobody holds, and forgets them. */
void forget_unheld(Windows& here) noexcept {
    std::erase_if(here.segments, [](Segment& segment) {
        if (segment.alive) {
            return false;
        }
        bool is_held = false;
        for (Window& window : segment.windows) {
            if (window.holders == 0 && window.address != nullptr) {
                munmap(window.address, window.length);
                window.address = nullptr;
            }
            is_held = is_held || window.holders > 0;
        }
        return !is_held;
    });
}

/** A second mapping of part of a segment. An old size of 0 asks the kernel to duplicate instead of to move. */
bool map(uintptr_t source, bool writable, Window& window) noexcept {
    void* const copy = mremap(reinterpret_cast<void*>(source), 0, window.length, MREMAP_MAYMOVE);
    if (copy == MAP_FAILED) {
        return false;
    }
    window.address = copy;
    return mprotect(copy, window.length, writable ? PROT_READ | PROT_WRITE : PROT_READ) == 0;
}

bool is_of(const Segment& segment, const uint64_t* publisher, bool writable, uint64_t world) noexcept {
    return segment.alive && segment.world == world && segment.writable == writable && segment.publisher[0] == publisher[0] &&
           segment.publisher[1] == publisher[1];
}

/** The window of this id and its segment, or nulls. Called with the mutex held. */
Window* find(Windows& here, uint32_t id, Segment** owner) {
    for (Segment& segment : here.segments) {
        if (id >= segment.windows.front().id && id <= segment.windows.back().id) {
            *owner = &segment;
            return &segment.windows[id - segment.windows.front().id];
        }
    }
    return nullptr;
}

} // namespace

bool window_find_segment(const uint64_t* publisher, const void* payload, bool writable, uint64_t world, SegmentView* view) {
    Mapping mapping;
    if (!mapping_of(payload, &mapping)) {
        return false;
    }
    Windows& here = all();
    const std::lock_guard<std::mutex> lock(here.mutex);
    *view = {{publisher[0], publisher[1]}, mapping.base, mapping.length, 0};
    for (const Segment& segment : here.segments) {
        if (is_of(segment, publisher, writable, world) && segment.length == mapping.length) {
            view->first_window = segment.windows.front().id;
            return true;
        }
    }
    Segment segment;
    segment.world = world;
    segment.alive = true;
    segment.writable = writable;
    segment.publisher[0] = publisher[0];
    segment.publisher[1] = publisher[1];
    segment.length = mapping.length;
    bool is_mapped = true;
    uint32_t id = here.next_id;
    for (uint64_t offset = 0; is_mapped && offset < segment.length; offset += kWindowStride) {
        Window window;
        window.id = id++;
        window.length = std::min(segment.length - offset, kWindowStride + kPayloadBytesMax);
        is_mapped = map(mapping.base + offset, writable, window);
        segment.windows.push_back(window);
    }
    if (!is_mapped) {
        for (const Window& window : segment.windows) {
            if (window.address != nullptr) {
                munmap(window.address, window.length);
            }
        }
        *view = {};
        return false;
    }
    here.next_id = id;
    view->first_window = segment.windows.front().id;
    here.segments.push_back(std::move(segment));
    return true;
}

void window_world_closed(uint64_t world) noexcept {
    Windows& here = all();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (Segment& segment : here.segments) {
        segment.alive = segment.alive && segment.world != world;
    }
    forget_unheld(here);
}

int32_t window_each_writable(uint64_t world, SegmentVisit visit, void* context) {
    Windows& here = all();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (const Segment& segment : here.segments) {
        for (const Window& window : segment.windows) {
            const bool is_wanted = segment.alive && segment.writable && segment.world == world;
            const int32_t status = is_wanted ? visit(context, window.address, window.length) : QIPC_OK;
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
        if (std::find(held.begin(), held.end(), id) == held.end()) {
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
        if (Window* const window = find(here, id, &segment); window != nullptr) {
            --window->holders;
            forget_unheld(here);
        }
        return QIPC_OK;
    });
}
