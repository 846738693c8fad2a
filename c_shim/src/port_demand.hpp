// SPDX-License-Identifier: Apache-2.0
//
// What a port is opened with, checked before anything is touched. The limits are the stack's own, from its port.hpp and publisher.hpp.
#pragma once

#include "stream_name.hpp"

#include <cstdint>

namespace qipc {

/** The arguments that both kinds of ports have. */
struct PortDemand {
    const uint8_t* service;
    uint32_t service_len;
    const uint8_t* stream;
    uint32_t stream_len;
    const uint8_t* event;
    uint32_t event_len;
    uint32_t payload_size;
    uint32_t alignment;
    uint32_t history;
    uint32_t flags;
    const uint8_t* result;
};

/** QIPC_OK and the name, or the status of the first argument that is wrong. */
int32_t check_publisher_demand(const PortDemand& demand, StreamName* name);
int32_t check_subscriber_demand(const PortDemand& demand, uint32_t capacity, StreamName* name);

} // namespace qipc
