// SPDX-License-Identifier: Apache-2.0
#include "port_demand.hpp"

#include "check.hpp"
#include "port.hpp"
#include "publisher.hpp"
#include "subscriber.hpp"

namespace qipc {
namespace {

constexpr uint32_t kAlignmentMax = 64;

/** A payload size of 1 to kPayloadBytesMax and an alignment that is a power of two. */
int32_t check_payload(uint32_t payload_size, uint32_t alignment) {
    if (payload_size == 0 || payload_size > kPayloadBytesMax) {
        return fail(QIPC_E_OPTION, payload_size, static_cast<double>(kPayloadBytesMax),
                    "Cannot use a payload size of %u bytes: it must be 1 to %u", payload_size,
                    static_cast<uint32_t>(kPayloadBytesMax));
    }
    if (alignment == 0 || alignment > kAlignmentMax || (alignment & (alignment - 1)) != 0) {
        return fail(QIPC_E_OPTION, alignment, kAlignmentMax,
                    "Cannot use an alignment of %u: it must be a power of two up to %u", alignment, kAlignmentMax);
    }
    return QIPC_OK;
}

int32_t check_common(const PortDemand& demand, StreamName* name) {
    int32_t status = check_result(demand.result);
    if (status == QIPC_OK) {
        status = check_stream_name(demand.service, demand.service_len, demand.stream, demand.stream_len, demand.event,
                                   demand.event_len, name);
    }
    return status == QIPC_OK ? check_payload(demand.payload_size, demand.alignment) : status;
}

} // namespace

int32_t check_publisher_demand(const PortDemand& demand, StreamName* name) {
    if (const int32_t status = check_common(demand, name); status != QIPC_OK) {
        return status;
    }
    if (demand.history > kHistoryMax) {
        return fail(QIPC_E_HISTORY, demand.history, kHistoryMax, "Cannot keep a history of %u blocks: the limit is %u",
                    demand.history, kHistoryMax);
    }
    if ((demand.flags & ~QIPC_PUBLISHER_BLOCKING) != 0) {
        return fail(QIPC_E_OPTION, demand.flags, QIPC_PUBLISHER_BLOCKING, "Cannot use the publisher flags 0x%x",
                    demand.flags);
    }
    return QIPC_OK;
}

int32_t check_subscriber_demand(const PortDemand& demand, uint32_t capacity, StreamName* name) {
    if (const int32_t status = check_common(demand, name); status != QIPC_OK) {
        return status;
    }
    if (capacity == 0 || capacity > kCapacityMax) {
        return fail(QIPC_E_CAPACITY, capacity, kCapacityMax,
                    "Cannot use a queue capacity of %u blocks: it must be 1 to %u", capacity, kCapacityMax);
    }
    if (demand.history > kHistoryMax) {
        return fail(QIPC_E_HISTORY, demand.history, kHistoryMax,
                    "Cannot ask for a history of %u blocks: the limit is %u", demand.history, kHistoryMax);
    }
    if ((demand.flags & ~QIPC_SUBSCRIBER_BLOCKING) != 0) {
        return fail(QIPC_E_OPTION, demand.flags, QIPC_SUBSCRIBER_BLOCKING, "Cannot use the subscriber flags 0x%x",
                    demand.flags);
    }
    return QIPC_OK;
}

} // namespace qipc
