// SPDX-License-Identifier: Apache-2.0
#include "clock.hpp"
#include "descriptors.hpp"
#include "exit.hpp"
#include "free_files.hpp"
#include "lease.hpp"
#include "port_demand.hpp"
#include "reattach.hpp"
#include "service_name.hpp"
#include "subscriber.hpp"
#include "watch.hpp"

#include <cerrno>
#include <cstring>

namespace qipc {
namespace {

/** Publishers of other processes that have nothing to send look for newcomers every 10 ms, if they are of this library. */
constexpr uint64_t kHistoryWaitMs = 30;
constexpr uint64_t kHistoryLookNs = 500000;

int32_t make_port(Subscriber& subscriber, const StreamName& stream, uint32_t* capacity) {
    const std::string name = service_name_of(stream);
    const std::lock_guard<std::mutex> control(control_mutex());
    if (const int32_t files = check_free_files("open a subscriber"); files != QIPC_OK) {
        return files;
    }
    const iox2_service wanted = service_wanted(*subscriber.world, stream, name, subscriber.payload_size);
    iox2_failure failure{};
    const int32_t status =
        iox2_subscriber_open(subscriber.world->node, &wanted, kSlotsMax, capacity, &subscriber.port, &failure);
    close_root_on_exec(*subscriber.world);
    return status == QIPC_OK ? QIPC_OK : refuse(status, failure);
}

/** Lets publishers hand over their history: those of this process now, and those of others soon. */
void wait_for_history(Subscriber& subscriber) {
    watch_connect();
    const uint64_t end = now_ns() + ms_to_ns(kHistoryWaitMs);
    const iox2_node* const node = subscriber.world->node;
    while (iox2_subscriber_has_data(subscriber.port) == 0 &&
           iox2_subscriber_other_publishers(node, subscriber.port) > 0 && now_ns() < end) {
        sleep_ns(kHistoryLookNs);
    }
}

} // namespace
} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_subscriber_open(uint32_t runtime, const uint8_t* service, uint32_t service_len,
                                         const uint8_t* stream, uint32_t stream_len, const uint8_t* event,
                                         uint32_t event_len, uint32_t payload_size, uint32_t alignment,
                                         uint32_t capacity, uint32_t history, uint32_t flags, uint8_t* result) {
    return shielded([&]() -> int32_t {
        StreamName name;
        const PortDemand demand = {service,      service_len, stream,  stream_len, event, event_len,
                                   payload_size, alignment,   history, flags,      result};
        int32_t status = check_subscriber_demand(demand, capacity, &name);
        if (status != QIPC_OK) {
            return status;
        }
        if (flags != 0) {
            return fail(QIPC_E_UNSUPPORTED, 0, 0,
                        "Cannot open a subscriber of \"%s\" that publishers wait for: no publisher of iceoryx2 that waits can be "
                        "relied on. A lossless ring does it",
                        name.stream.c_str());
        }
        RuntimeHandle* owner = handle_object<RuntimeHandle>(runtime, Kind::runtime);
        if (owner == nullptr) {
            return handle_refusal(runtime, Kind::runtime);
        }
        if (status = check_free_memory(payload_size); status != QIPC_OK) {
            return status;
        }
        if (status = attach_again(); status != QIPC_OK) {
            return status;
        }
        const WorldLease world(owner->world);
        auto subscriber = std::make_unique<Subscriber>();
        subscriber->world = owner->world;
        subscriber->payload_size = payload_size;
        subscriber->alignment_mask = alignment - 1;
        subscriber->history = history;
        subscriber->runtime = runtime;
        for (uint32_t slot = 0; slot < kSlotsMax; ++slot) {
            // The lowest slot lies on top.
            subscriber->free_slots[slot] = static_cast<uint16_t>(kSlotsMax - 1 - slot);
        }
        subscriber->opened_ns = now_ns();
        if (status = make_port(*subscriber, name, &capacity); status != QIPC_OK) {
            return status;
        }
        if (history > 0) {
            wait_for_history(*subscriber);
        }
        status = handle_make(Kind::subscriber, subscriber.get(), &subscriber->handle);
        if (status == QIPC_OK && (!watch_add(subscriber.get()) || process_is_exiting() || subscriber->world->is_lost)) {
            handle_free(subscriber->handle);
            status = process_is_exiting() || subscriber->world->is_lost
                         ? refuse_ended_port()
                         : fail(QIPC_E_SYSTEM, errno, 0, "Cannot watch a port: no thread could be started");
        }
        if (status != QIPC_OK) {
            const ErrorDetail detail = saved_detail();
            watch_remove(subscriber.get());
            const std::lock_guard<std::mutex> control(control_mutex());
            subscriber_end_port(*subscriber);
            restore_detail(detail);
            return status;
        }
        std::memset(result, 0, QIPC_RESULT_BYTES);
        const uint32_t words[2] = {subscriber->handle, capacity};
        std::memcpy(result, words, sizeof words);
        subscriber.release();
        return QIPC_OK;
    });
}
