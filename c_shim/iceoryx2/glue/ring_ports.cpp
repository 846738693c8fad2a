// SPDX-License-Identifier: Apache-2.0
#include "ring_ports.hpp"

#include "export.hpp"
#include "publisher.hpp"
#include "ring_keeper.hpp"

#include <mutex>

namespace qipc {
namespace {

constinit std::mutex g_mutex;

bool is_gone(const Publisher* publisher) noexcept {
    return publisher != nullptr && publisher->port == nullptr;
}

void count(Ring& ring) noexcept {
    const Publisher* const queue = ring.ports.queue;
    // A ring that is announced no longer is lost to newcomers, also where there is no queue lane.
    if (is_gone(queue) || is_gone(ring.ports.announcer)) {
        QAULTRA_RING_STORE(&ring.memory->header->queue_subscribers, QAULTRA_RING_QUEUE_GONE);
    } else if (queue != nullptr) {
        QAULTRA_RING_STORE(&ring.memory->header->queue_subscribers, iox2_publisher_subscribers(queue->port));
    }
}

/** A publisher that is named by its handle, or null for 0. */
int32_t find_publisher(uint32_t handle, Publisher** publisher) {
    if (handle == 0) {
        return QIPC_OK;
    }
    *publisher = handle_object<Publisher>(handle, Kind::publisher);
    if (*publisher == nullptr) {
        return handle_refusal(handle, Kind::publisher);
    }
    return (*publisher)->port == nullptr ? refuse_ended_port() : QIPC_OK;
}

void set_ports(Ring& ring, Publisher* announcer, Publisher* queue) noexcept {
    const std::lock_guard<std::mutex> lock(g_mutex);
    ring.ports = {announcer, queue};
    ring.has_queue.store(queue != nullptr, std::memory_order_relaxed);
    if (queue == nullptr) {
        QAULTRA_RING_STORE(&ring.memory->header->queue_subscribers, 0u);
    }
    count(ring);
}

} // namespace

std::mutex& ring_ports_mutex() noexcept {
    return g_mutex;
}

void ring_ports_count(Ring& ring) noexcept {
    const std::lock_guard<std::mutex> lock(g_mutex);
    // One that was closed is not found any more when its publishers are, although the keeper may be on its way to it.
    if (!ring.has_ended.load(std::memory_order_relaxed)) {
        count(ring);
    }
}

SubscriberCount ring_ports_audience(Ring& ring) noexcept {
    const std::lock_guard<std::mutex> lock(g_mutex);
    const Publisher* const announcer = ring.ports.announcer;
    SubscriberCount audience;
    if (announcer != nullptr && announcer->port != nullptr) {
        iox2_publisher_audience(announcer->world->node, announcer->port, &audience.own, &audience.others);
    }
    return audience;
}

void ring_ports_forget(const Publisher& publisher) noexcept {
    rings_each([&publisher](Ring& ring) {
        const std::lock_guard<std::mutex> lock(g_mutex);
        if (ring.ports.queue != &publisher && ring.ports.announcer != &publisher) {
            return;
        }
        QAULTRA_RING_STORE(&ring.memory->header->queue_subscribers, QAULTRA_RING_QUEUE_GONE);
        ring.ports = RingPorts{};
        ring.has_queue.store(false, std::memory_order_relaxed);
    });
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_ring_set_publishers(uint32_t handle, uint32_t announcer_handle, uint32_t queue_handle) {
    return shielded([&]() -> int32_t {
        Ring* ring = handle_object<Ring>(handle, Kind::ring);
        if (ring == nullptr) {
            return handle_refusal(handle, Kind::ring);
        }
        if (!ring->memory->is_writer) {
            return fail(QIPC_E_BAD_HANDLE, handle, 0, "Cannot name publishers of ring %u: it was attached, not made", handle);
        }
        Publisher* announcer = nullptr;
        Publisher* queue = nullptr;
        int32_t status = find_publisher(announcer_handle, &announcer);
        if (status == QIPC_OK) {
            status = find_publisher(queue_handle, &queue);
        }
        if (status == QIPC_OK) {
            set_ports(*ring, announcer, queue);
            keeper_hurry();
        }
        return status;
    });
}
