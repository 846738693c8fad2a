// SPDX-License-Identifier: Apache-2.0
#include "ring_ports.hpp"

#include "lease.hpp"
#include "port_pool.hpp"
#include "publisher.hpp"
#include "ring_keeper.hpp"
#include "signals.hpp"

#include <mutex>

namespace qipc {
namespace {

// Held for some microseconds, and always taken inside of the gate: who holds it waits for nobody.
constinit std::mutex g_mutex;

/** Read without the publisher's lock: a number that is a moment old does no harm, and a process that is killed while it holds
 * that lock would freeze its daemon. */
uint32_t subscribers_of(const WatchedPort& watched) noexcept {
    return static_cast<uint32_t>(watched.port->m_chunkSenderData.m_queues.size());
}

bool is_gone(const WatchedPort& watched) noexcept {
    return watched.port != nullptr && !port_is_ours(watched.port, watched.unique_id);
}

void count(Ring& ring) noexcept {
    const WatchedPort& queue = ring.ports.queue;
    // A ring that is announced no longer is lost to newcomers, also where there is no queue lane.
    if (is_gone(queue) || is_gone(ring.ports.announcer)) {
        QAULTRA_RING_STORE(&ring.memory->header->queue_subscribers, QAULTRA_RING_QUEUE_GONE);
    } else if (queue.port != nullptr) {
        QAULTRA_RING_STORE(&ring.memory->header->queue_subscribers, subscribers_of(queue));
    }
}

WatchedPort watch(const Publisher* publisher) noexcept {
    return publisher == nullptr ? WatchedPort{} : WatchedPort{publisher->port, publisher->unique_id};
}

/** Names the ports, null for none, and counts. */
int32_t set_ports(Ring& ring, std::shared_ptr<World> world, const Publisher* announcer, const Publisher* queue) {
    const CallGuard guard;
    if (!guard.entered) {
        return refuse_closed_gate();
    }
    const std::lock_guard<std::mutex> lock(g_mutex);
    ring.ports.announcer = watch(announcer);
    ring.ports.queue = watch(queue);
    ring.ports.world = std::move(world);
    ring.has_queue.store(queue != nullptr, std::memory_order_relaxed);
    if (queue == nullptr) {
        QAULTRA_RING_STORE(&ring.memory->header->queue_subscribers, 0u);
    }
    count(ring);
    return QIPC_OK;
}

/** A publisher that is named by its handle, or null for 0. */
int32_t find_publisher(uint32_t handle, const World& world, Publisher** publisher) {
    if (handle == 0) {
        return QIPC_OK;
    }
    *publisher = handle_object<Publisher>(handle, Kind::publisher);
    if (*publisher == nullptr) {
        return handle_refusal(handle, Kind::publisher);
    }
    return (*publisher)->world_number == world.number ? QIPC_OK : refuse_removed_port();
}

} // namespace

void ring_ports_count(Ring& ring) noexcept {
    const CallGuard guard;
    if (guard.entered) {
        const std::lock_guard<std::mutex> lock(g_mutex);
        count(ring);
    }
}

SubscriberCount ring_ports_audience(Ring& ring) noexcept {
    const CallGuard guard;
    if (!guard.entered) {
        return {};
    }
    const std::lock_guard<std::mutex> lock(g_mutex);
    const WatchedPort& announcer = ring.ports.announcer;
    if (announcer.port == nullptr || !port_is_ours(announcer.port, announcer.unique_id)) {
        return {};
    }
    const World& world = *ring.ports.world;
    if (world.pool == nullptr) {
        return {0, subscribers_of(announcer)};
    }
    try {
        return port_pool_subscribers(*world.pool, announcer.port->m_serviceDescription, world.name);
    } catch (...) {
        return {}; // without memory to compare names
    }
}

void ring_ports_forget(const World& world) noexcept {
    rings_each([&world](Ring& ring) {
        const std::lock_guard<std::mutex> lock(g_mutex);
        if (ring.ports.world == nullptr || ring.ports.world->number != world.number) {
            return;
        }
        if (ring.ports.queue.port != nullptr || ring.ports.announcer.port != nullptr) {
            QAULTRA_RING_STORE(&ring.memory->header->queue_subscribers, QAULTRA_RING_QUEUE_GONE);
        }
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
        RuntimeHandle* runtime = handle_object<RuntimeHandle>(ring->runtime, Kind::runtime);
        if (runtime == nullptr) {
            return handle_refusal(ring->runtime, Kind::runtime);
        }
        const WorldLease world(runtime->world);
        Publisher* announcer = nullptr;
        Publisher* queue = nullptr;
        int32_t status = find_publisher(announcer_handle, *world, &announcer);
        if (status == QIPC_OK) {
            status = find_publisher(queue_handle, *world, &queue);
        }
        if (status == QIPC_OK) {
            status = set_ports(*ring, runtime->world, announcer, queue);
        }
        if (status == QIPC_OK) {
            keeper_hurry();
        }
        return status;
    });
}
