// SPDX-License-Identifier: Apache-2.0
#include "publisher.hpp"

#include "publisher_open.hpp"
#include "signals.hpp"

#include "iceoryx_binding_c/internal/cpp2c_publisher.hpp"

#include <time.h>

#include <cstring>
#include <mutex>

namespace qipc {
namespace {

inline uint64_t loans_out(const Publisher& publisher) noexcept {
    return static_cast<uint64_t>(__builtin_popcount(publisher.loaned));
}

/** Whether the process of the subscriber has closed it. The daemon takes such a queue out of the publisher's list within 100 ms,
 * unless it stands still or has died. */
bool is_left(iox::popo::SubscriberPortData::ChunkQueueData_t& queue) noexcept {
    using iox::popo::SubscriberPortData;
    auto& receiver = static_cast<decltype(SubscriberPortData::m_chunkReceiverData)&>(queue);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof" // no virtual base is between the two
    constexpr size_t kOffset = offsetof(SubscriberPortData, m_chunkReceiverData);
#pragma GCC diagnostic pop
    const auto* port = reinterpret_cast<const SubscriberPortData*>(reinterpret_cast<const char*>(&receiver) - kOffset);
    return port->m_toBeDestroyed.load(std::memory_order_relaxed);
}

/** True when a queue whose subscriber wants the publisher to wait has no room beside so many loans: publishing into a full
 * queue would wait for a reader that may be this very thread. A full queue that nobody will ever read is taken out, as the daemon
 * does it, under the same lock. */
bool is_any_queue_full(Publisher& publisher, uint64_t loans) {
    auto& distributor = publisher.port->m_chunkSenderData;
    using Distributor = std::remove_reference_t<decltype(distributor)>::ChunkDistributorData_t;
    const std::lock_guard<const Distributor> lock(distributor);
    auto& queues = distributor.m_queues;
    for (auto at = queues.begin(); at != queues.end();) {
        auto& queue = **at;
        if (queue.m_queueFullPolicy != iox::popo::QueueFullPolicy::BLOCK_PRODUCER
            || queue.m_queue.size() + loans < queue.m_queue.capacity()) {
            ++at;
        } else if (is_left(queue)) {
            queues.erase(at); // the next is in its place now
        } else {
            return true;
        }
    }
    return false;
}

int32_t refuse_slot(uint32_t slot) noexcept {
    return fail(QIPC_E_NOT_LOANED, slot, kLoansMax,
                "Cannot use loan slot %u: it is not loaned, or was published or discarded before", slot);
}

inline bool is_loaned(const Publisher& publisher, uint32_t slot) noexcept {
    return slot < kLoansMax && (publisher.loaned & (1u << slot)) != 0;
}

/** Takes a chunk into a slot that is neither loaned nor prepared; does not mark it. */
int32_t take_chunk(Publisher& publisher, uint32_t slot) noexcept {
    void* payload = nullptr;
    const iox_AllocationResult outcome =
        iox_pub_loan_aligned_chunk(publisher.pub, &payload, publisher.payload_size, publisher.alignment);
    if (outcome != AllocationResult_SUCCESS) {
        return refuse_loan(publisher, outcome);
    }
    if (!window_locate(publisher.view, payload, true, publisher.world_number, &publisher.places[slot])) {
        iox_pub_release_chunk(publisher.pub, payload);
        return fail(QIPC_E_INTERNAL, 0, 0, "The loaned chunk at %p lies in no shared mapping", payload);
    }
    publisher.loans[slot] = payload;
    return QIPC_OK;
}

/** Takes the chunk of the next loan now, while nobody waits for it. Without one the next loan looks again. */
void prepare_loan(Publisher& publisher) noexcept {
    const uint32_t slot = static_cast<uint32_t>(__builtin_ctz(~publisher.loaned));
    if (publisher.prepared == 0 && slot < kLoansMax && take_chunk(publisher, slot) == QIPC_OK) {
        publisher.prepared = 1u << slot;
    }
}

} // namespace

void publisher_destroy_port(Publisher& publisher) noexcept {
    if (port_is_ours(publisher.port, publisher.unique_id)) {
        const uint32_t taken = publisher.loaned | publisher.prepared;
        for (uint32_t slot = 0; slot < kLoansMax; ++slot) {
            if ((taken & (1u << slot)) != 0) {
                iox_pub_release_chunk(publisher.pub, publisher.loans[slot]);
            }
        }
        iox_pub_deinit(publisher.pub);
    } else if (publisher.pub != nullptr) {
        // The port in this place may be another's by now: only the binding's own object may be touched.
        publisher.pub->m_portData = nullptr;
        delete publisher.pub;
    }
    publisher.pub = nullptr;
    publisher.port = removed_port<iox::popo::PublisherPortData>();
}

void publisher_close(Publisher* publisher) noexcept {
    // Inside of the gate, so that who takes all ports from the stack meets it either whole or not at all.
    const CallGuard guard;
    handle_free(publisher->handle);
    if (guard.entered) {
        publisher_destroy_port(*publisher);
        delete publisher;
    }
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
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (!port_is_ours(publisher->port, publisher->unique_id)) {
            return refuse_removed_port();
        }
        const uint32_t free_slots = publisher->prepared != 0 ? publisher->prepared : ~publisher->loaned;
        const uint32_t slot = static_cast<uint32_t>(__builtin_ctz(free_slots));
        if (slot >= kLoansMax) {
            return fail(QIPC_E_TOO_MANY_LOANS, kLoansMax + 1.0, kLoansMax,
                        "Cannot loan another block: %u are loaned, the limit of one publisher", kLoansMax);
        }
        if (publisher->is_blocking && is_any_queue_full(*publisher, loans_out(*publisher))) {
            return QIPC_QUEUE_FULL;
        }
        if (publisher->prepared == 0) {
            if (const int32_t status = take_chunk(*publisher, slot); status != QIPC_OK) {
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
        if (!is_loaned(*publisher, slot)) {
            return refuse_slot(slot);
        }
        const bool stamps = (flags & QIPC_PUBLISH_STAMP) != 0;
        if ((flags & ~(QIPC_PUBLISH_STAMP | QIPC_PUBLISH_PREPARE)) != 0 || (stamps && publisher->payload_size < 16)) {
            return fail(QIPC_E_OPTION, flags, QIPC_PUBLISH_STAMP | QIPC_PUBLISH_PREPARE,
                        "Cannot publish a payload of %u bytes with flags %u: a stamp needs 16 bytes",
                        publisher->payload_size, flags);
        }
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (!port_is_ours(publisher->port, publisher->unique_id)) {
            return refuse_removed_port();
        }
        const RoomLockGuard room(publisher->room, publisher->is_blocking);
        if (publisher->is_blocking && (!room.fits || is_any_queue_full(*publisher, 0))) {
            return QIPC_QUEUE_FULL;
        }
        void* payload = publisher->loans[slot];
        if (stamps) {
            timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            const uint64_t nanoseconds =
                static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
            std::memcpy(static_cast<uint8_t*>(payload) + 8, &nanoseconds, sizeof nanoseconds);
        }
        publisher->loaned &= ~(1u << slot);
        iox_pub_publish_chunk(publisher->pub, payload);
        const int32_t status = after_call("publish");
        if ((flags & QIPC_PUBLISH_PREPARE) != 0) {
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
        if (!is_loaned(*publisher, slot)) {
            return refuse_slot(slot);
        }
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (!port_is_ours(publisher->port, publisher->unique_id)) {
            return refuse_removed_port();
        }
        publisher->loaned &= ~(1u << slot);
        iox_pub_release_chunk(publisher->pub, publisher->loans[slot]);
        return after_call("discard");
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
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (!port_is_ours(publisher->port, publisher->unique_id)) {
            return refuse_removed_port();
        }
        auto& distributor = publisher->port->m_chunkSenderData;
        uint32_t words[2] = {0, static_cast<uint32_t>(__builtin_popcount(publisher->loaned))};
        {
            using Distributor = std::remove_reference_t<decltype(distributor)>::ChunkDistributorData_t;
            const std::lock_guard<const Distributor> lock(distributor);
            words[0] = static_cast<uint32_t>(distributor.m_queues.size());
        }
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
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (!port_is_ours(publisher->port, publisher->unique_id)) {
            return refuse_removed_port();
        }
        return publisher->is_blocking && is_any_queue_full(*publisher, loans_out(*publisher)) ? QIPC_QUEUE_FULL : QIPC_OK;
    });
}
