// SPDX-License-Identifier: Apache-2.0
#include "handle.hpp"

#include "exit.hpp"

#include <algorithm>
#include <deque>
#include <mutex>

namespace qipc {

HandleSlot g_handles[kHandlesMax];

namespace {

constexpr uint32_t kGenerationMax = 0xFFFF;

std::mutex g_mutex;
uint32_t g_fresh = 0; // slots never used so far

// Slots are used again in the order in which they were freed, so that a stale handle is told for as long as possible.
std::deque<uint32_t>& freed() {
    static std::deque<uint32_t>& queue = *new std::deque<uint32_t>;
    return queue;
}

const char* name_of(Kind kind) noexcept {
    switch (kind) {
    case Kind::runtime:
        return "runtime";
    case Kind::publisher:
        return "publisher";
    case Kind::subscriber:
        return "subscriber";
    case Kind::waiter:
        return "waiter";
    case Kind::ring:
        return "ring";
    case Kind::none:
        break;
    }
    return "handle";
}

} // namespace

int32_t handle_refusal(uint32_t handle, Kind kind) noexcept {
    const uint32_t index = handle & 0xFFFFu;
    const uint32_t generation = handle >> 16;
    const char* what = name_of(kind);
    if (index >= kHandlesMax || generation == 0) {
        return fail(QIPC_E_BAD_HANDLE, handle, 0, "Cannot use %u: it is no handle", handle);
    }
    const HandleSlot& slot = g_handles[index];
    if (slot.handle.load(std::memory_order_acquire) == handle) {
        const Kind real = static_cast<Kind>(slot.kind.load(std::memory_order_relaxed));
        if (real != kind) {
            return fail(QIPC_E_BAD_HANDLE, handle, 0, "Cannot use handle %u: it is a %s, not a %s", handle,
                        name_of(real), what);
        }
        return fail(QIPC_E_WRONG_THREAD, handle, 0, "Cannot use %s %u: it belongs to another thread", what, handle);
    }
    if (process_is_exiting() || generation <= slot.issued.load(std::memory_order_relaxed)) {
        return fail(QIPC_E_CLOSED, handle, 0, "Cannot use %s %u: it is closed", what, handle);
    }
    return fail(QIPC_E_BAD_HANDLE, handle, 0, "Cannot use %u: it is no handle", handle);
}

int32_t handle_make(Kind kind, void* object, uint32_t* handle) {
    Thread* thread = thread_current();
    if (thread == nullptr) {
        return fail(QIPC_E_INTERNAL, 0, 0, "Cannot make a %s handle: no record of this thread", name_of(kind));
    }
    thread->handles.reserve(thread->handles.size() + 1);
    uint32_t index = 0;
    {
        const std::lock_guard<std::mutex> lock(g_mutex);
        if (g_fresh < kHandlesMax) {
            index = g_fresh++;
        } else if (!freed().empty()) {
            index = freed().front();
            freed().pop_front();
        } else {
            return fail(QIPC_E_TOO_MANY_HANDLES, kHandlesMax + 1.0, kHandlesMax,
                        "Cannot open a %s: this process has %u handles open, the limit", name_of(kind), kHandlesMax);
        }
    }
    HandleSlot& slot = g_handles[index];
    // `issued` counts to the last generation and stays there: after that every generation has been given out.
    const uint32_t issued = slot.issued.load(std::memory_order_relaxed);
    const uint32_t before = slot.kind.load(std::memory_order_relaxed) >> 16;
    const uint32_t generation = issued < kGenerationMax ? issued + 1 : (before % kGenerationMax) + 1;
    slot.issued.store(std::min(issued + 1, kGenerationMax), std::memory_order_relaxed);
    slot.kind.store(static_cast<uint32_t>(kind), std::memory_order_relaxed);
    slot.owner.store(thread->token, std::memory_order_relaxed);
    slot.object.store(object, std::memory_order_relaxed);
    *handle = generation << 16 | index;
    slot.handle.store(*handle, std::memory_order_release);
    thread->handles.push_back(*handle);
    return QIPC_OK;
}

void handle_free(uint32_t handle) noexcept {
    HandleSlot& slot = g_handles[handle & 0xFFFFu];
    slot.handle.store(0, std::memory_order_release);
    slot.object.store(nullptr, std::memory_order_relaxed);
    // The generation is kept above the kind, which nobody reads while the slot is free.
    slot.kind.store((handle >> 16) << 16, std::memory_order_relaxed);
    try {
        const std::lock_guard<std::mutex> lock(g_mutex);
        freed().push_back(handle & 0xFFFFu);
    } catch (...) {
        // Without memory for the queue the slot is lost; nothing else depends on it.
    }
    Thread* thread = thread_current();
    if (thread != nullptr) {
        auto& own = thread->handles;
        own.erase(std::remove(own.begin(), own.end(), handle), own.end());
    }
}

} // namespace qipc
