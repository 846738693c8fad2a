// SPDX-License-Identifier: Apache-2.0
//
// The daemon's table of all ports, as it lies in the management segment. iceoryx has no call that lists other processes' ports or
// tells that a publisher has no room for a subscriber, so the table is read in place: never written, and with care, since
// the daemon changes it meanwhile.
#pragma once

#include "port.hpp"
#include "stream_list.hpp"
#include "subscriber_count.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace qipc {

/** Finds the table from an element of it that this process has. Null when what lies there does not look like it. */
const iox::roudi::PortPoolData* port_pool_locate(const iox::popo::ConditionVariableData* condition);

/** The streams of all processes, sorted by name, without the daemon's own. */
std::vector<StreamCount> port_pool_streams(const iox::roudi::PortPoolData& pool);

/** Ports that were closed and that the daemon has not removed yet: it does so every 100 ms. */
uint32_t port_pool_closing_publishers(const iox::roudi::PortPoolData& pool);
uint32_t port_pool_closing_subscribers(const iox::roudi::PortPoolData& pool);

/** Those of one stream, which may still take a publisher's places; `except` are ids that do not count. */
uint32_t port_pool_closing_subscribers_of(const iox::roudi::PortPoolData& pool, const StreamName& name,
                                          const std::vector<uint64_t>& except);

/** Subscriber ports of one stream: those of the runtime of this name, and those of others. Ones that were closed do not count,
 * which a publisher may still serve for a moment. */
SubscriberCount port_pool_subscribers(const iox::roudi::PortPoolData& pool,
                                      const iox::capro::ServiceDescription& description,
                                      const std::string& runtime_name);

enum class Connection {
    complete, // every publisher of the stream that can serve this subscriber does
    no_place, // one has given all its places to others
    missed    // one has places, but had none when the daemon looked, and it does not look again
};

Connection port_pool_connection(const iox::roudi::PortPoolData& pool, const StreamName& name,
                                iox::popo::SubscriberPortData& subscriber);

} // namespace qipc
