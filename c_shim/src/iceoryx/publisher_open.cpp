// SPDX-License-Identifier: Apache-2.0
#include "publisher_open.hpp"

#include "control.hpp"
#include "lease.hpp"
#include "port_demand.hpp"
#include "port_pool.hpp"
#include "retry.hpp"
#include "signals.hpp"

#include "iceoryx_binding_c/internal/cpp2c_publisher.hpp"
#include "iceoryx_hoofs/error_handling/error_handling.hpp"
#include "iceoryx_posh/mepoo/chunk_header.hpp"
#include "iceoryx_posh/mepoo/chunk_settings.hpp"

#include <cstring>

namespace qipc {
namespace {

/** What the control thread makes. */
struct Made {
    iox_pub_t pub = nullptr;
    iox::Error error = iox::Error::kNO_ERROR;
};

void unmake(iox_pub_t pub) {
    if (pub != nullptr && pub->m_portData != nullptr) {
        iox_pub_deinit(pub);
    } else {
        delete pub;
    }
}

int32_t refuse_port(const StreamName& name, iox::Error error, uint32_t publishers_max) {
    switch (error) {
    case iox::Error::kPOSH__RUNTIME_ROUDI_PUBLISHER_LIST_FULL:
        return fail(QIPC_E_TOO_MANY_PUBLISHERS, publishers_max + 1.0, publishers_max,
                    "Cannot open a publisher of \"%s\": the daemon has %u, the limit", name.stream.c_str(),
                    publishers_max);
    case iox::Error::kPOSH__RUNTIME_NO_WRITABLE_SHM_SEGMENT:
        return fail(QIPC_E_ACCESS, 0, 0, "Cannot open a publisher of \"%s\": this user may not write any segment",
                    name.stream.c_str());
    case iox::Error::kPOSH__RUNTIME_SERVICE_DESCRIPTION_FORBIDDEN:
        return fail(QIPC_E_NAME_INVALID, 0, 0, "Cannot open a publisher of \"%s\": the daemon keeps the service \"%s\" for itself",
                    name.stream.c_str(), name.service.c_str());
    case iox::Error::kPOSH__RUNTIME_PUBLISHER_PORT_NOT_UNIQUE:
        return fail(QIPC_E_UNSUPPORTED, 0, 0, "Cannot open a publisher of \"%s\": this daemon allows one a stream",
                    name.stream.c_str());
    default:
        return fail(QIPC_E_INTERNAL, static_cast<double>(error), 0,
                    "Cannot open a publisher of \"%s\": the stack reported %s", name.stream.c_str(),
                    stack_error_name(error));
    }
}

/** Publishers that programs can have: the daemon's own take their share of the table. */
constexpr uint32_t kPublishersMax = iox::MAX_PUBLISHERS - 6;

int32_t request_port(const World& world, const StreamName& name, uint32_t history, bool blocking, iox_pub_t* pub) {
    const auto made = std::make_shared<Made>();
    const auto job = std::make_shared<Job>();
    job->work = [made, name, history, blocking] {
        iox_pub_options_t options;
        iox_pub_options_init(&options);
        options.historyCapacity = history;
        options.subscriberTooSlowPolicy =
            blocking ? ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER : ConsumerTooSlowPolicy_DISCARD_OLDEST_DATA;
        iox_pub_storage_t storage;
        stack_take_error();
        made->pub = iox_pub_init(&storage, name.service.c_str(), name.stream.c_str(), name.event.c_str(), &options);
        made->error = stack_take_error();
    };
    job->undo = [made] { unmake(made->pub); };
    if (const int32_t status = world_run(world, job); status != QIPC_OK) {
        return status;
    }
    if (made->pub == nullptr || made->pub->m_portData == nullptr) {
        unmake(made->pub);
        return world_refusal(world, refuse_port(name, made->error, kPublishersMax));
    }
    *pub = made->pub;
    return QIPC_OK;
}

/** The daemon removes closed ports a moment later, so a full table is asked again while any of it is about to be freed. */
int32_t make_port(const World& world, const StreamName& name, uint32_t history, bool blocking, iox_pub_t* pub) {
    Retry retry(world.options.timeout_ms);
    for (;;) {
        const bool is_closing = world.pool != nullptr && port_pool_closing_publishers(*world.pool) > 0;
        const int32_t status = request_port(world, name, history, blocking, pub);
        if (status != QIPC_E_TOO_MANY_PUBLISHERS || !is_closing || !retry.again()) {
            return status;
        }
    }
}

/** Loans once and gives back. An empty pool is no obstacle, a missing one is. */
int32_t try_loan(Publisher& publisher) {
    void* payload = nullptr;
    const iox_AllocationResult outcome =
        iox_pub_loan_aligned_chunk(publisher.pub, &payload, publisher.payload_size, publisher.alignment);
    if (outcome == AllocationResult_SUCCESS) {
        WindowPlace place;
        window_locate(publisher.view, payload, true, publisher.world_number, &place);
        iox_pub_release_chunk(publisher.pub, payload);
        return QIPC_OK;
    }
    const int32_t status = refuse_loan(publisher, outcome);
    return status == QIPC_NO_CHUNK ? QIPC_OK : status;
}

} // namespace

int32_t refuse_loan(const Publisher& publisher, iox_AllocationResult outcome) noexcept {
    const iox::Error error = stack_take_error();
    if (outcome == AllocationResult_RUNNING_OUT_OF_CHUNKS) {
        return QIPC_NO_CHUNK;
    }
    if (outcome == AllocationResult_NO_MEMPOOLS_AVAILABLE) {
        const auto settings = iox::mepoo::ChunkSettings::create(publisher.payload_size, publisher.alignment);
        const uint32_t needed = settings.has_error() ? publisher.payload_size : settings.value().requiredChunkSize();
        const uint32_t in_pool = needed - static_cast<uint32_t>(sizeof(iox::mepoo::ChunkHeader));
        return fail(QIPC_E_BLOCK_TOO_LARGE, in_pool, 0,
                    "Cannot loan a block of %u bytes aligned to %u: the daemon has no pool of chunks of %u bytes or more",
                    publisher.payload_size, publisher.alignment, in_pool);
    }
    return fail(QIPC_E_INTERNAL, static_cast<double>(outcome), 0, "The stack refused a loan with %d (%s)",
                static_cast<int>(outcome), stack_error_name(error));
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_publisher_open(uint32_t runtime, const uint8_t* service, uint32_t service_len,
                                        const uint8_t* stream, uint32_t stream_len, const uint8_t* event,
                                        uint32_t event_len, uint32_t payload_size, uint32_t alignment, uint32_t history,
                                        uint32_t flags, uint8_t* result) {
    return shielded([&]() -> int32_t {
        StreamName name;
        const PortDemand demand = {service,      service_len, stream,  stream_len, event, event_len,
                                   payload_size, alignment,   history, flags,      result};
        int32_t status = check_publisher_demand(demand, &name);
        if (status != QIPC_OK) {
            return status;
        }
        RuntimeHandle* owner = handle_object<RuntimeHandle>(runtime, Kind::runtime);
        if (owner == nullptr) {
            return handle_refusal(runtime, Kind::runtime);
        }
        const WorldLease world(owner->world);
        const bool blocking = (flags & QIPC_PUBLISHER_BLOCKING) != 0;
        auto publisher = std::make_unique<Publisher>();
        status = make_port(*world, name, history, blocking, &publisher->pub);
        if (status != QIPC_OK) {
            return status;
        }
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        publisher->port = publisher->pub->m_portData;
        publisher->unique_id = static_cast<uint64_t>(publisher->port->m_uniqueId);
        publisher->payload_size = payload_size;
        publisher->alignment = alignment;
        publisher->is_blocking = blocking;
        if (blocking) {
            publisher->room.open(name);
        }
        publisher->world_number = world->number;
        publisher->runtime = runtime;
        status = try_loan(*publisher);
        if (status == QIPC_OK) {
            status = handle_make(Kind::publisher, publisher.get(), &publisher->handle);
        }
        if (status != QIPC_OK) {
            publisher_destroy_port(*publisher);
            return status;
        }
        std::memset(result, 0, QIPC_RESULT_BYTES);
        const uint32_t words[2] = {publisher->handle, kLoansMax};
        std::memcpy(result, words, sizeof words);
        std::memcpy(result + 8, &publisher->unique_id, sizeof publisher->unique_id);
        publisher.release();
        return QIPC_OK;
    });
}
