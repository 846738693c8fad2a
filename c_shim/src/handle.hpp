// SPDX-License-Identifier: Apache-2.0
//
// Handles: generation << 16 | index into one fixed table. A data call resolves its handle with three loads and no lock.
#pragma once

#include "thread.hpp"

#include <atomic>
#include <cstdint>

namespace qipc {

enum class Kind : uint32_t { none = 0, runtime, publisher, subscriber, waiter, ring };

/** Handles of one process at once: more than a daemon has ports for, plus rings, and runtimes and waiters of every thread. */
inline constexpr uint32_t kHandlesMax = 4096;

struct HandleSlot {
    std::atomic<uint32_t> handle{0}; // 0 while free
    std::atomic<uint32_t> owner{0};
    std::atomic<uint32_t> kind{0};
    std::atomic<uint32_t> issued{0}; // generations given out so far, saturating
    std::atomic<void*> object{nullptr};
};

extern HandleSlot g_handles[kHandlesMax];

/** The status of a handle that handle_object refused, with its detail. */
int32_t handle_refusal(uint32_t handle, Kind kind) noexcept;

/** The object of a live handle of this kind that the calling thread owns, or null. */
template <typename Object>
inline Object* handle_object(uint32_t handle, Kind kind) noexcept {
    const uint32_t index = handle & 0xFFFFu;
    if (__builtin_expect(index >= kHandlesMax, 0)) {
        return nullptr;
    }
    const HandleSlot& slot = g_handles[index];
    if (__builtin_expect(slot.handle.load(std::memory_order_acquire) != handle || handle == 0
                             || slot.owner.load(std::memory_order_relaxed) != t_token
                             || slot.kind.load(std::memory_order_relaxed) != static_cast<uint32_t>(kind),
                         0)) {
        return nullptr;
    }
    return static_cast<Object*>(slot.object.load(std::memory_order_relaxed));
}

/** Makes a handle of the calling thread. QIPC_E_TOO_MANY_HANDLES when the table is full. */
int32_t handle_make(Kind kind, void* object, uint32_t* handle);

/** Frees a handle of any thread; the object is the caller's to delete. */
void handle_free(uint32_t handle) noexcept;

/** Calls `visit(handle, kind, object)` for every live handle. For when no thread is inside of the gate; a handle of what is not
 * freed there can come and go meanwhile, and then is visited whole or not at all. */
template <typename Visit>
void handle_each(Visit&& visit) {
    for (HandleSlot& slot : g_handles) {
        const uint32_t handle = slot.handle.load(std::memory_order_acquire);
        void* object = slot.object.load(std::memory_order_acquire);
        const uint32_t kind = slot.kind.load(std::memory_order_acquire);
        if (handle != 0 && object != nullptr && slot.handle.load(std::memory_order_relaxed) == handle) {
            visit(handle, static_cast<Kind>(kind), object);
        }
    }
}

} // namespace qipc
