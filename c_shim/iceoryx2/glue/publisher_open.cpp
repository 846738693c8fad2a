// SPDX-License-Identifier: Apache-2.0
#include "descriptors.hpp"
#include "exit.hpp"
#include "free_files.hpp"
#include "lease.hpp"
#include "port_demand.hpp"
#include "publisher.hpp"
#include "reattach.hpp"
#include "service_name.hpp"
#include "watch.hpp"

#include <cstring>

namespace qipc {
namespace {

int32_t make_port(Publisher& publisher, const StreamName& stream, const std::string& name) {
    const std::lock_guard<std::mutex> control(control_mutex());
    if (const int32_t files = check_free_files("open a publisher"); files != QIPC_OK) {
        return files;
    }
    const iox2_service wanted = service_wanted(*publisher.world, stream, name, publisher.payload_size);
    iox2_failure failure{};
    const int32_t status =
        iox2_publisher_open(publisher.world->node, &wanted, kLoansMax, &publisher.port, publisher.id, &failure);
    close_root_on_exec(*publisher.world);
    return status == QIPC_OK ? QIPC_OK : refuse(status, failure);
}

/** Loans once and gives back: from then on the memory is known. */
int32_t try_loan(Publisher& publisher) {
    const int32_t status = publisher_take_chunk(publisher, 0);
    if (status == QIPC_OK) {
        iox2_publisher_discard(publisher.port, 0);
    }
    return status == QIPC_NO_CHUNK ? check_free_memory(publisher.payload_size) : status;
}

} // namespace
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
        if (flags != 0) {
            return fail(QIPC_E_UNSUPPORTED, 0, 0,
                        "Cannot open a publisher of \"%s\" that waits for its subscribers: iceoryx2's would wait for ever for one "
                        "that was killed. A lossless ring does it",
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
        auto publisher = std::make_unique<Publisher>();
        publisher->world = owner->world;
        publisher->payload_size = payload_size;
        publisher->history = history;
        publisher->runtime = runtime;
        status = make_port(*publisher, name, service_name_of(name));
        if (status != QIPC_OK) {
            return status;
        }
        status = try_loan(*publisher);
        if (status == QIPC_OK) {
            status = handle_make(Kind::publisher, publisher.get(), &publisher->handle);
        }
        if (status == QIPC_OK && (!watch_add(publisher.get()) || process_is_exiting() || publisher->world->is_lost)) {
            handle_free(publisher->handle);
            status = process_is_exiting() || publisher->world->is_lost
                         ? refuse_ended_port()
                         : fail(QIPC_E_SYSTEM, errno, 0, "Cannot watch a port: no thread could be started");
        }
        if (status != QIPC_OK) {
            const ErrorDetail detail = saved_detail();
            watch_remove(publisher.get());
            const std::lock_guard<std::mutex> control(control_mutex());
            publisher_end_port(*publisher);
            restore_detail(detail);
            return status;
        }
        std::memset(result, 0, QIPC_RESULT_BYTES);
        const uint32_t words[2] = {publisher->handle, kLoansMax};
        const uint64_t origin = origin_of(publisher->id);
        std::memcpy(result, words, sizeof words);
        std::memcpy(result + 8, &origin, sizeof origin);
        publisher.release();
        return QIPC_OK;
    });
}
