// SPDX-License-Identifier: Apache-2.0
#include "blank.hpp"
#include "control.hpp"
#include "lease.hpp"
#include "port_demand.hpp"
#include "port_pool.hpp"
#include "retry.hpp"
#include "signals.hpp"
#include "subscriber.hpp"

#include "iceoryx_binding_c/internal/cpp2c_subscriber.hpp"
#include "iceoryx_hoofs/error_handling/error_handling.hpp"

#include <cstdio>
#include <cstring>
#include <random>
#include <unistd.h>

namespace qipc {
namespace {

/** What the control thread makes. */
struct Made {
    iox_sub_t sub = nullptr;
    iox::Error error = iox::Error::kNO_ERROR;
};

struct Request {
    StreamName name;
    uint32_t capacity = 0;
    uint32_t history = 0;
    bool blocking = false;
    PortTag tag;
};

PortTag make_tag() {
    std::random_device random;
    PortTag tag;
    std::snprintf(tag.text, sizeof tag.text, "%08x%08x", random(), random());
    return tag;
}

int32_t refuse_port(const StreamName& name, iox::Error error) {
    if (error == iox::Error::kPOSH__RUNTIME_ROUDI_SUBSCRIBER_LIST_FULL) {
        return fail(QIPC_E_TOO_MANY_SUBSCRIBERS, iox::MAX_SUBSCRIBERS + 1.0, iox::MAX_SUBSCRIBERS,
                    "Cannot open a subscriber of \"%s\": the daemon has %u, the limit", name.stream.c_str(),
                    iox::MAX_SUBSCRIBERS);
    }
    return fail(QIPC_E_INTERNAL, static_cast<double>(error), 0,
                "Cannot open a subscriber of \"%s\": the stack reported %s", name.stream.c_str(),
                stack_error_name(error));
}

int32_t request_port(const World& world, const Request& request, iox_sub_t* sub) {
    const auto made = std::make_shared<Made>();
    const auto job = std::make_shared<Job>();
    job->work = [made, request] {
        iox_sub_options_t options;
        iox_sub_options_init(&options);
        options.queueCapacity = request.capacity;
        options.historyRequest = request.history;
        options.nodeName = request.tag.text;
        options.queueFullPolicy =
            request.blocking ? QueueFullPolicy_BLOCK_PRODUCER : QueueFullPolicy_DISCARD_OLDEST_DATA;
        iox_sub_storage_t storage;
        stack_take_error();
        made->sub = iox_sub_init(&storage, request.name.service.c_str(), request.name.stream.c_str(),
                                 request.name.event.c_str(), &options);
        made->error = stack_take_error();
    };
    job->undo = [made] {
        if (made->sub != nullptr) {
            iox_sub_deinit(made->sub);
        }
    };
    if (const int32_t status = world_run(world, job); status != QIPC_OK) {
        return status;
    }
    if (made->sub == nullptr || made->sub->m_portData == nullptr) {
        if (made->sub != nullptr) {
            iox_sub_deinit(made->sub);
        }
        return world_refusal(world, refuse_port(request.name, made->error));
    }
    *sub = made->sub;
    return QIPC_OK;
}

int32_t refuse_stream(const StreamName& name) {
    constexpr uint32_t limit = iox::MAX_SUBSCRIBERS_PER_PUBLISHER;
    return fail(QIPC_E_STREAM_FULL, limit + 1.0, limit,
                "Cannot open a subscriber of \"%s\": a publisher of it serves %u subscribers, the limit",
                name.stream.c_str(), limit);
}

/**
 * Opens the port and sees to it that every publisher of the stream serves it. The daemon removes closed ports a moment later,
 * so while some are about to go it is asked again.
 */
int32_t make_port(const World& world, const Request& request, iox_sub_t* sub) {
    Retry retry(world.options.timeout_ms);
    std::vector<uint64_t> refused; // ports of this very call, whose closing frees nothing
    for (;;) {
        bool is_closing = false;
        bool is_stream_closing = false;
        if (world.pool != nullptr) {
            is_closing = port_pool_closing_subscribers(*world.pool) > 0;
            is_stream_closing = port_pool_closing_subscribers_of(*world.pool, request.name, refused) > 0;
        }
        int32_t status = request_port(world, request, sub);
        if (status == QIPC_OK && world.pool != nullptr) {
            const CallGuard guard;
            if (!guard.entered) {
                return refuse_closed_gate();
            }
            const Connection connection = port_pool_connection(*world.pool, request.name, *(*sub)->m_portData);
            if (connection != Connection::complete) {
                is_stream_closing = is_stream_closing || connection == Connection::missed;
                refused.push_back(static_cast<uint64_t>((*sub)->m_portData->m_uniqueId));
                iox_sub_deinit(*sub);
                status = refuse_stream(request.name);
            }
        }
        const bool may_change = (status == QIPC_E_TOO_MANY_SUBSCRIBERS && is_closing)
                                || (status == QIPC_E_STREAM_FULL && is_stream_closing);
        if (!may_change || !retry.again()) {
            return status;
        }
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
        Request request;
        const PortDemand demand = {service,      service_len, stream,  stream_len, event, event_len,
                                   payload_size, alignment,   history, flags,      result};
        int32_t status = check_subscriber_demand(demand, capacity, &request.name);
        if (status != QIPC_OK) {
            return status;
        }
        RuntimeHandle* owner = handle_object<RuntimeHandle>(runtime, Kind::runtime);
        if (owner == nullptr) {
            return handle_refusal(runtime, Kind::runtime);
        }
        const WorldLease world(owner->world);
        if (!blank_has_segment()) {
            return fail(QIPC_E_ACCESS, geteuid(), 0,
                        "Cannot open a subscriber of \"%s\": user %u may connect to RouDi and may not read any of its segments",
                        request.name.stream.c_str(), geteuid());
        }
        request.capacity = capacity;
        request.history = history;
        request.blocking = (flags & QIPC_SUBSCRIBER_BLOCKING) != 0;
        request.tag = make_tag();
        auto subscriber = std::make_unique<Subscriber>();
        subscriber->tag = request.tag;
        status = make_port(*world, request, &subscriber->sub);
        if (status != QIPC_OK) {
            return status;
        }
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        subscriber->port = subscriber->sub->m_portData;
        subscriber->unique_id = static_cast<uint64_t>(subscriber->port->m_uniqueId);
        subscriber->payload_size = payload_size;
        subscriber->alignment_mask = alignment - 1;
        subscriber->world_number = world->number;
        subscriber->runtime = runtime;
        for (uint32_t slot = 0; slot < kHeldMax; ++slot) {
            // The lowest slot lies on top.
            subscriber->free_slots[slot] = static_cast<uint16_t>(kHeldMax - 1 - slot);
        }
        status = handle_make(Kind::subscriber, subscriber.get(), &subscriber->handle);
        if (status != QIPC_OK) {
            subscriber_destroy_port(*subscriber);
            return status;
        }
        std::memset(result, 0, QIPC_RESULT_BYTES);
        const uint32_t words[2] = {subscriber->handle, capacity};
        std::memcpy(result, words, sizeof words);
        subscriber.release();
        return QIPC_OK;
    });
}
