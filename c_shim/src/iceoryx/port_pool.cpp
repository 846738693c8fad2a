// SPDX-License-Identifier: Apache-2.0
#include "port_pool.hpp"

#include "mapping.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <thread>
#include <tuple>

namespace qipc {
namespace {

using iox::popo::ConditionVariableData;
using iox::popo::PublisherPortData;
using iox::popo::SubscriberPortData;
using iox::roudi::FixedPositionContainer;
using iox::roudi::PortPoolData;

/** How often a publisher's list of subscribers is read before it is believed: it is being changed while it is read. */
constexpr int kLooks = 5;

/** The container's elements. It consists of one vector, which begins with the elements and ends with their number. */
template <typename Data, uint64_t Capacity>
const auto& elements_of(const FixedPositionContainer<Data, Capacity>& container) {
    using Elements = iox::cxx::vector<iox::cxx::optional<Data>, Capacity>;
    static_assert(sizeof(Elements) == sizeof(container));
    return reinterpret_cast<const Elements&>(container);
}

template <typename Data, uint64_t Capacity>
uint64_t count_of(const FixedPositionContainer<Data, Capacity>& container) {
    return elements_of(container).size();
}

template <typename Data, uint64_t Capacity>
bool is_plausible(const FixedPositionContainer<Data, Capacity>& container) {
    const uint64_t count = count_of(container);
    if (count > Capacity) {
        return false;
    }
    const iox::cxx::optional<Data>* elements = elements_of(container).data();
    for (uint64_t i = 0; i < count; ++i) {
        const auto* flag = reinterpret_cast<const uint8_t*>(&elements[i]) + sizeof(Data);
        if (*flag > 1) {
            return false;
        }
    }
    return true;
}

template <typename Data, uint64_t Capacity, typename Visit>
void each(const FixedPositionContainer<Data, Capacity>& container, Visit&& visit) {
    const uint64_t count = std::min(count_of(container), Capacity);
    const iox::cxx::optional<Data>* elements = elements_of(container).data();
    for (uint64_t i = 0; i < count; ++i) {
        const Data* data = reinterpret_cast<const Data*>(&elements[i]);
        if (is_occupied(data)) {
            visit(*data);
        }
    }
}

template <uint64_t Capacity>
std::string text_of(const iox::cxx::string<Capacity>& text) {
    return std::string(text.c_str(), strnlen(text.c_str(), Capacity));
}

bool is_of_daemon(const PublisherPortData& publisher) {
    return text_of(publisher.m_runtimeName) == iox::roudi::IPC_CHANNEL_ROUDI_NAME;
}

/** The daemon makes its own publishers before any other, so the first of the table is one of them. */
bool looks_like_pool(const PortPoolData& pool) {
    if (!is_plausible(pool.m_interfacePortMembers) || !is_plausible(pool.m_nodeMembers)
        || !is_plausible(pool.m_conditionVariableMembers) || !is_plausible(pool.m_publisherPortMembers)
        || !is_plausible(pool.m_subscriberPortMembers) || !is_plausible(pool.m_serverPortMembers)
        || !is_plausible(pool.m_clientPortMembers) || count_of(pool.m_publisherPortMembers) == 0) {
        return false;
    }
    const auto* first =
        reinterpret_cast<const PublisherPortData*>(elements_of(pool.m_publisherPortMembers).data());
    return is_occupied(first) && is_of_daemon(*first);
}

using Key = std::tuple<std::string, std::string, std::string>;

Key key_of(const iox::capro::ServiceDescription& description) {
    return Key(text_of(description.getServiceIDString()), text_of(description.getInstanceIDString()),
               text_of(description.getEventIDString()));
}

Key key_of(const StreamName& name) {
    return Key(name.service, name.stream, name.event);
}

using Queue = SubscriberPortData::ChunkQueueData_t;

Connection connection_of(const PublisherPortData& publisher, const iox::rp::RelativePointer<Queue>& queue) {
    const auto& queues = publisher.m_chunkSenderData.m_queues;
    const uint64_t count = std::min(queues.size(), queues.capacity());
    for (uint64_t i = 0; i < count; ++i) {
        const auto& entry = queues.data()[i];
        if (entry.getId() == queue.getId() && entry.getOffset() == queue.getOffset()) {
            return Connection::complete;
        }
    }
    return count == queues.capacity() ? Connection::no_place : Connection::missed;
}

} // namespace

const PortPoolData* port_pool_locate(const ConditionVariableData* condition) {
    Mapping segment;
    if (condition == nullptr || !mapping_of(condition, &segment)) {
        return nullptr;
    }
    const uintptr_t element = reinterpret_cast<uintptr_t>(condition);
    constexpr uint64_t stride = sizeof(iox::cxx::optional<ConditionVariableData>);
    for (uint64_t i = 0; i < iox::MAX_NUMBER_OF_CONDITION_VARIABLES; ++i) {
        const uintptr_t before = offsetof(PortPoolData, m_conditionVariableMembers) + i * stride;
        const uintptr_t base = element - before;
        if (element - segment.base < before || base % alignof(PortPoolData) != 0
            || segment.base + segment.length - base < sizeof(PortPoolData)) {
            continue;
        }
        const PortPoolData& pool = *reinterpret_cast<const PortPoolData*>(base);
        if (i < count_of(pool.m_conditionVariableMembers) && looks_like_pool(pool)) {
            return &pool;
        }
    }
    return nullptr;
}

std::vector<StreamCount> port_pool_streams(const PortPoolData& pool) {
    std::set<Key> internal;
    std::map<Key, StreamCount> streams;
    each(pool.m_publisherPortMembers, [&](const PublisherPortData& publisher) {
        const Key key = key_of(publisher.m_serviceDescription);
        if (is_of_daemon(publisher)) {
            internal.insert(key);
        } else if (!publisher.m_toBeDestroyed.load(std::memory_order_relaxed)
                   && publisher.m_offeringRequested.load(std::memory_order_relaxed)) {
            ++streams[key].publishers;
            if (publisher.m_options.subscriberTooSlowPolicy != iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER) {
                ++streams[key].lossy_publishers;
            }
        }
    });
    each(pool.m_subscriberPortMembers, [&](const SubscriberPortData& subscriber) {
        if (!subscriber.m_toBeDestroyed.load(std::memory_order_relaxed)
            && subscriber.m_subscribeRequested.load(std::memory_order_relaxed)) {
            ++streams[key_of(subscriber.m_serviceDescription)].subscribers;
        }
    });
    std::vector<StreamCount> found;
    for (auto& [key, count] : streams) {
        if (internal.count(key) == 0) {
            count.name = {std::get<0>(key), std::get<1>(key), std::get<2>(key)};
            found.push_back(count);
        }
    }
    return found;
}

uint32_t port_pool_closing_publishers(const PortPoolData& pool) {
    uint32_t count = 0;
    each(pool.m_publisherPortMembers, [&](const PublisherPortData& publisher) {
        count += publisher.m_toBeDestroyed.load(std::memory_order_relaxed) ? 1 : 0;
    });
    return count;
}

uint32_t port_pool_closing_subscribers(const PortPoolData& pool) {
    uint32_t count = 0;
    each(pool.m_subscriberPortMembers, [&](const SubscriberPortData& subscriber) {
        count += subscriber.m_toBeDestroyed.load(std::memory_order_relaxed) ? 1 : 0;
    });
    return count;
}

uint32_t port_pool_closing_subscribers_of(const PortPoolData& pool, const StreamName& name,
                                          const std::vector<uint64_t>& except) {
    const Key key = key_of(name);
    uint32_t count = 0;
    each(pool.m_subscriberPortMembers, [&](const SubscriberPortData& subscriber) {
        const uint64_t id = static_cast<uint64_t>(subscriber.m_uniqueId);
        if (subscriber.m_toBeDestroyed.load(std::memory_order_relaxed)
            && key_of(subscriber.m_serviceDescription) == key
            && std::find(except.begin(), except.end(), id) == except.end()) {
            ++count;
        }
    });
    return count;
}

SubscriberCount port_pool_subscribers(const PortPoolData& pool, const iox::capro::ServiceDescription& description,
                                      const std::string& runtime_name) {
    const Key key = key_of(description);
    SubscriberCount count;
    each(pool.m_subscriberPortMembers, [&](const SubscriberPortData& subscriber) {
        if (!subscriber.m_toBeDestroyed.load(std::memory_order_relaxed)
            && subscriber.m_subscribeRequested.load(std::memory_order_relaxed)
            && key_of(subscriber.m_serviceDescription) == key) {
            ++(text_of(subscriber.m_runtimeName) == runtime_name ? count.own : count.others);
        }
    });
    return count;
}

Connection port_pool_connection(const PortPoolData& pool, const StreamName& name, SubscriberPortData& subscriber) {
    const Key key = key_of(name);
    const iox::rp::RelativePointer<Queue> queue(static_cast<Queue*>(&subscriber.m_chunkReceiverData));
    const bool wants_blocking = subscriber.m_options.queueFullPolicy == iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
    Connection worst = Connection::complete;
    each(pool.m_publisherPortMembers, [&](const PublisherPortData& publisher) {
        const bool can_connect =
            !wants_blocking
            || publisher.m_options.subscriberTooSlowPolicy == iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
        if (worst == Connection::no_place || !can_connect || publisher.m_toBeDestroyed.load(std::memory_order_relaxed)
            || !publisher.m_offered.load(std::memory_order_relaxed)
            || key_of(publisher.m_serviceDescription) != key) {
            return;
        }
        Connection connection = connection_of(publisher, queue);
        for (int look = 1; look < kLooks && connection != Connection::complete; ++look) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            connection = connection_of(publisher, queue);
        }
        worst = connection != Connection::complete ? connection : worst;
    });
    return worst;
}

} // namespace qipc
