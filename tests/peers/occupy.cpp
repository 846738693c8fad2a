// SPDX-License-Identifier: Apache-2.0
//
// Takes up what iceoryx has a limited number of, or sends what a block is not, for tests of limits and misuse.
//
//   peer_occupy [--service QAULTRA] [--stream market_stream] [--event Data] [--subscribers K] [--publishers K]
//               [--history H] [--foreign-size BYTES --foreign-alignment A --foreign-count N] [--foreign-wait]
//               [--loan-all] [--size BYTES]
//
// `--subscribers` and `--publishers` open up to K raw ports; the opening ends without a crash where RouDi refuses one.
// `--foreign-*` publishes N chunks of that size and alignment, with `--foreign-wait` after a first subscriber has come.
// `--loan-all` loans chunks of `--size` (8192) on publishers of its own until the pool has none left. Prints "ready" when all
// is taken, holds it until stdin ends or SIGTERM, then prints one line of JSON.
#include "peer.hpp"

#include "iceoryx_hoofs/error_handling/error_handling.hpp"
#include "iceoryx_posh/internal/popo/ports/publisher_port_user.hpp"
#include "iceoryx_posh/popo/publisher_options.hpp"
#include "iceoryx_posh/popo/subscriber_options.hpp"

#include <vector>

namespace
{
using PublisherPort = iox::PublisherPortUserType;
using SubscriberPort = iox::SubscriberPortUserType;

std::vector<PublisherPort::MemberType_t*> publishers;
std::vector<SubscriberPort::MemberType_t*> subscribers;
uint64_t chunks_loaned = 0;
uint64_t chunks_sent = 0;

PublisherPort::MemberType_t* open_publisher(const iox::capro::ServiceDescription& description, uint64_t history)
{
    iox::popo::PublisherOptions options;
    options.historyCapacity = history;
    auto* data = iox::runtime::PoshRuntime::getInstance().getMiddlewarePublisher(description, options);
    if (data != nullptr)
    {
        publishers.push_back(data);
    }
    return data;
}

void send_foreign(const iox::capro::ServiceDescription& description, const peer::Options& options)
{
    auto* data = open_publisher(description, options.number("history", 0));
    if (data == nullptr)
    {
        options.fail("No publisher to be had");
    }
    PublisherPort port(data);
    while (options.has("foreign-wait") && !peer::stopped() && !port.hasSubscribers())
    {
        peer::sleep_us(500);
    }
    const auto size = static_cast<uint32_t>(options.number("foreign-size", 8192));
    const auto alignment = static_cast<uint32_t>(options.number("foreign-alignment", 64));
    for (uint64_t i = 0; i < options.number("foreign-count", 1) && !peer::stopped(); ++i)
    {
        port.tryAllocateChunk(size, alignment, iox::CHUNK_NO_USER_HEADER_SIZE, iox::CHUNK_NO_USER_HEADER_ALIGNMENT)
            .and_then([&](iox::mepoo::ChunkHeader* chunk) {
                std::memset(chunk->userPayload(), 0xEE, size);
                port.sendChunk(chunk);
                ++chunks_sent;
            })
            .or_else([&](auto&) { options.fail("No chunk of this size to be had"); });
    }
}

void loan_all(const iox::capro::ServiceDescription& description, uint32_t size)
{
    bool room = true;
    while (room && !peer::stopped())
    {
        auto* data = open_publisher(description, 0);
        if (data == nullptr)
        {
            return;
        }
        PublisherPort port(data);
        for (uint32_t i = 0; room && i < iox::MAX_CHUNKS_ALLOCATED_PER_PUBLISHER_SIMULTANEOUSLY; ++i)
        {
            port.tryAllocateChunk(size, 64, iox::CHUNK_NO_USER_HEADER_SIZE, iox::CHUNK_NO_USER_HEADER_ALIGNMENT)
                .and_then([&](iox::mepoo::ChunkHeader*) { ++chunks_loaned; })
                .or_else([&](auto&) { room = false; });
        }
    }
}
} // namespace

int main(int argc, char** argv)
{
    const peer::Options options(argc,
                                argv,
                                {"service",
                                 "stream",
                                 "event",
                                 "subscribers",
                                 "publishers",
                                 "history",
                                 "foreign-size",
                                 "foreign-alignment",
                                 "foreign-count",
                                 "size"},
                                {"foreign-wait", "loan-all"});
    peer::Watch watch;
    peer::open_runtime("peer_occupy");
    // A refused port is what this program looks for: iceoryx's own handler would end the process.
    const auto handler = iox::ErrorHandler::setTemporaryErrorHandler(
        [](const iox::Error, const std::function<void()>, const iox::ErrorLevel) {});

    const iox::capro::ServiceDescription description{peer::id(options.text("service", "QAULTRA")),
                                                     peer::id(options.text("stream", "market_stream")),
                                                     peer::id(options.text("event", "Data"))};
    for (uint64_t i = 0; i < options.number("publishers", 0) && !peer::stopped(); ++i)
    {
        if (open_publisher(description, options.number("history", 0)) == nullptr)
        {
            break;
        }
    }
    for (uint64_t i = 0; i < options.number("subscribers", 0) && !peer::stopped(); ++i)
    {
        auto* data = iox::runtime::PoshRuntime::getInstance().getMiddlewareSubscriber(
            description, iox::popo::SubscriberOptions{});
        if (data == nullptr)
        {
            break;
        }
        subscribers.push_back(data);
    }
    for (auto* data : subscribers)
    {
        SubscriberPort port(data);
        while (!peer::stopped() && port.getSubscriptionState() != iox::SubscribeState::SUBSCRIBED
               && port.getSubscriptionState() != iox::SubscribeState::WAIT_FOR_OFFER)
        {
            peer::sleep_us(500);
        }
    }
    if (options.has("foreign-size") || options.has("foreign-alignment"))
    {
        send_foreign(description, options);
    }
    if (options.has("loan-all"))
    {
        loan_all(description, static_cast<uint32_t>(options.number("size", 8192)));
    }
    peer::say("ready");
    while (!peer::stopped())
    {
        peer::sleep_us(2000);
    }

    for (auto* data : subscribers)
    {
        SubscriberPort(data).destroy();
    }
    for (auto* data : publishers)
    {
        PublisherPort(data).destroy(); // RouDi takes its loans back.
    }
    std::printf("{\"publishers\":%zu,\"subscribers\":%zu,\"sent\":%llu,\"loaned\":%llu}\n",
                publishers.size(),
                subscribers.size(),
                static_cast<unsigned long long>(chunks_sent),
                static_cast<unsigned long long>(chunks_loaned));
    return 0;
}
