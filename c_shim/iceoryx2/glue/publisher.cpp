// SPDX-License-Identifier: Apache-2.0
#include "publisher.hpp"

#include "clock.hpp"
#include "ring_publishers.hpp"
#include "watch.hpp"

#include <sys/mman.h>
#include <time.h>
#include <utility>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace qipc {
namespace {

/** Memory is taken so far ahead of the first use of a chunk, and so much at once: iceoryx2 would meet its end as a fault. */
constexpr uint64_t kAheadBytes = 2 * kPayloadBytesMax;
constexpr uint64_t kPieceBytes = 512 * 1024;
constexpr uint64_t kPageBytes = 4096;

int32_t refuse_slot(uint32_t slot) noexcept {
    return fail(QIPC_E_NOT_LOANED, slot, kLoansMax,
                "Cannot use loan slot %u: it is not loaned, or was published or discarded before", slot);
}

inline bool is_loaned(const Publisher& publisher, uint32_t slot) noexcept {
    return slot < kLoansMax && (publisher.loaned & (1u << slot)) != 0;
}

/** Sees to it that a chunk that was never loaned before has memory. False when there is none. */
bool take_memory(Publisher& publisher) noexcept {
    const uint64_t wanted = std::min(publisher.view.length, publisher.touched_bytes + kAheadBytes);
    if (__builtin_expect(publisher.taken_bytes >= wanted, 1)) {
        return true;
    }
    for (const uint64_t more : {kPieceBytes, uint64_t{0}}) {
        const uint64_t end = std::min(publisher.view.length, wanted + more) / kPageBytes * kPageBytes;
        void* const from = reinterpret_cast<void*>(publisher.view.base + publisher.taken_bytes);
        if (madvise(from, end - publisher.taken_bytes, MADV_POPULATE_WRITE) == 0 || errno == EINVAL) {
            publisher.taken_bytes = end; // older kernels cannot do it, and there is nothing else to do about it
            return true;
        }
    }
    return false;
}

/** Takes the chunk of the next loan now, while nobody waits for it. Without one the next loan looks again. */
void prepare_loan(Publisher& publisher) noexcept {
    const uint32_t slot = static_cast<uint32_t>(__builtin_ctz(~publisher.loaned));
    if (publisher.prepared == 0 && slot < kLoansMax && publisher_take_chunk(publisher, slot) == QIPC_OK) {
        publisher.prepared = 1u << slot;
    }
}

void stamp(const iox2_chunk& chunk) noexcept {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t nanoseconds = static_cast<uint64_t>(now.tv_sec) * kNsPerS + static_cast<uint64_t>(now.tv_nsec);
    std::memcpy(static_cast<uint8_t*>(chunk.payload) + 8, &nanoseconds, sizeof nanoseconds);
}

} // namespace

int32_t publisher_take_chunk(Publisher& publisher, uint32_t slot) noexcept {
    if (publisher.view.length != 0 && !take_memory(publisher)) {
        return QIPC_NO_CHUNK;
    }
    iox2_chunk& chunk = publisher.loans[slot];
    iox2_failure failure;
    const int32_t status = iox2_publisher_loan(publisher.port, slot, &chunk, &failure);
    if (status != QIPC_OK) {
        return status == QIPC_NO_CHUNK ? status : refuse(status, failure);
    }
    if (!window_locate(publisher.view, publisher.id, chunk.payload, true, publisher.world->number, &publisher.places[slot])) {
        iox2_publisher_discard(publisher.port, slot);
        return fail(QIPC_E_INTERNAL, 0, 0, "The loaned chunk at %p lies in no shared mapping", chunk.payload);
    }
    const uint64_t end = reinterpret_cast<uintptr_t>(chunk.payload) + chunk.payload_bytes - publisher.view.base;
    publisher.touched_bytes = std::max(publisher.touched_bytes, end);
    return QIPC_OK;
}

void publisher_end_port(Publisher& publisher) noexcept {
    iox2_publisher* port = nullptr;
    {
        const std::lock_guard<std::mutex> rings(ring_ports_mutex());
        std::swap(port, publisher.port);
    }
    if (port != nullptr) {
        iox2_publisher_close(port, world_is_lost(*publisher.world));
        publisher.loaned = 0;
        publisher.prepared = 0;
    }
}

namespace {

/** Before it is gone, those who have subscribed have to open its memory: this process's own now, others in their next rounds. */
void meet_subscribers(Publisher& publisher) noexcept {
    watch_meet();
    uint32_t own = 0;
    uint32_t others = 0;
    if (const PortLockGuard lock(publisher.lock); publisher.port != nullptr && publisher.world->node != nullptr) {
        iox2_publisher_audience(publisher.world->node, publisher.port, &own, &others);
    }
    const auto met = publisher.opened + 2 * kConnectInterval;
    if (others > 0 && std::chrono::steady_clock::now() < met) {
        std::this_thread::sleep_until(met);
    }
}

} // namespace

void publisher_close(Publisher* publisher) noexcept {
    handle_free(publisher->handle);
    meet_subscribers(*publisher);
    if (!watch_remove(publisher)) {
        return; // the end of the process has it
    }
    ring_ports_forget(*publisher);
    {
        const std::lock_guard<std::mutex> control(control_mutex());
        publisher_end_port(*publisher);
    }
    delete publisher;
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_publisher_close(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Publisher* publisher = handle_object<Publisher>(handle, Kind::publisher);
        if (publisher == nullptr) {
            return handle_refusal(handle, Kind::publisher);
        }
        publisher_close(publisher);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_publisher_loan(uint32_t handle, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        Publisher* publisher = handle_object<Publisher>(handle, Kind::publisher);
        if (publisher == nullptr) {
            return handle_refusal(handle, Kind::publisher);
        }
        const PortLockGuard lock(publisher->lock);
        if (publisher->port == nullptr) {
            return refuse_ended_port();
        }
        const uint32_t free_slots = publisher->prepared != 0 ? publisher->prepared : ~publisher->loaned;
        const uint32_t slot = static_cast<uint32_t>(__builtin_ctz(free_slots));
        if (slot >= kLoansMax) {
            return fail(QIPC_E_TOO_MANY_LOANS, kLoansMax + 1.0, kLoansMax,
                        "Cannot loan another block: %u are loaned, the limit of one publisher", kLoansMax);
        }
        if (publisher->prepared == 0) {
            if (const int32_t status = publisher_take_chunk(*publisher, slot); status != QIPC_OK) {
                return status;
            }
        }
        publisher->prepared = 0;
        publisher->loaned |= 1u << slot;
        const WindowPlace& place = publisher->places[slot];
        const uint32_t words[3] = {slot, place.window, place.offset};
        std::memcpy(result, words, sizeof words);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_publisher_publish(uint32_t handle, uint32_t slot, uint32_t flags) {
    return shielded([&]() -> int32_t {
        Publisher* publisher = handle_object<Publisher>(handle, Kind::publisher);
        if (publisher == nullptr) {
            return handle_refusal(handle, Kind::publisher);
        }
        const PortLockGuard lock(publisher->lock);
        if (!is_loaned(*publisher, slot)) {
            return publisher->port == nullptr ? refuse_ended_port() : refuse_slot(slot);
        }
        const bool stamps = (flags & QIPC_PUBLISH_STAMP) != 0;
        if ((flags & ~(QIPC_PUBLISH_STAMP | QIPC_PUBLISH_PREPARE)) != 0 || (stamps && publisher->payload_size < 16)) {
            return fail(QIPC_E_OPTION, flags, QIPC_PUBLISH_STAMP | QIPC_PUBLISH_PREPARE,
                        "Cannot publish a payload of %u bytes with flags %u: a stamp needs 16 bytes",
                        publisher->payload_size, flags);
        }
        const iox2_chunk& chunk = publisher->loans[slot];
        if (stamps) {
            stamp(chunk);
        }
        ChunkNote& note = *note_of(chunk);
        note_clear(note);
        publisher->loaned &= ~(1u << slot);
        iox2_failure failure;
        int32_t status = iox2_publisher_send(publisher->port, slot, &failure);
        // Noted now that nobody waits for it. Who comes late gets the block as history from whoever has this lock next; others do with
        // or without it.
        note_write(note, now_ns(), publisher->history);
        if (status < 0) {
            status = refuse(status, failure);
        }
        if ((flags & QIPC_PUBLISH_PREPARE) != 0 && status == QIPC_OK) {
            prepare_loan(*publisher);
        }
        return status;
    });
}

QIPC_EXPORT int32_t qipc_publisher_discard(uint32_t handle, uint32_t slot) {
    return shielded([&]() -> int32_t {
        Publisher* publisher = handle_object<Publisher>(handle, Kind::publisher);
        if (publisher == nullptr) {
            return handle_refusal(handle, Kind::publisher);
        }
        const PortLockGuard lock(publisher->lock);
        if (!is_loaned(*publisher, slot)) {
            return publisher->port == nullptr ? refuse_ended_port() : refuse_slot(slot);
        }
        publisher->loaned &= ~(1u << slot);
        iox2_publisher_discard(publisher->port, slot);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_publisher_info(uint32_t handle, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        Publisher* publisher = handle_object<Publisher>(handle, Kind::publisher);
        if (publisher == nullptr) {
            return handle_refusal(handle, Kind::publisher);
        }
        const PortLockGuard lock(publisher->lock);
        if (publisher->port == nullptr) {
            return refuse_ended_port();
        }
        const uint32_t words[2] = {iox2_publisher_subscribers(publisher->port),
                                   static_cast<uint32_t>(__builtin_popcount(publisher->loaned))};
        std::memcpy(result, words, sizeof words);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_publisher_has_room(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Publisher* publisher = handle_object<Publisher>(handle, Kind::publisher);
        if (publisher == nullptr) {
            return handle_refusal(handle, Kind::publisher);
        }
        const PortLockGuard lock(publisher->lock);
        return publisher->port == nullptr ? refuse_ended_port() : QIPC_OK;
    });
}
