// SPDX-License-Identifier: Apache-2.0
//
// Publishes blocks of the pattern through iceoryx's own C++ API, as the QAULTRA C++ broadcaster does.
//
//   peer_publisher [--service QAULTRA] [--stream market_stream] [--count N] [--first-sequence S] [--rate BLOCKS_PER_S]
//                  [--history H] [--pattern ticks|full] [--wait-subscribers K] [--hold-ms MS] [--lossless] [--skip-every E]
//
// `--rate 0` (default) is as fast as it goes, `--count 0` until it is stopped. `--wait-subscribers` waits until K queues are
// connected. `--skip-every E` leaves out every E-th sequence, a hole that the receiver must count. `--lossless` waits for
// consumers that ask for it. `--hold-ms` keeps the publisher offered after the last block. Prints "ready" when it is offered
// and its subscribers are there, and at the end one line of JSON.
#include "pattern.hpp"
#include "peer.hpp"

#include "iceoryx_posh/popo/publisher.hpp"

namespace
{
/// Reaches the number of connected queues, which the public API reduces to a bool.
class CountedPublisher : public iox::popo::Publisher<qaultra_market_data_block>
{
  public:
    using iox::popo::Publisher<qaultra_market_data_block>::Publisher;

    uint64_t subscriber_count()
    {
        struct Access : iox::popo::BasePort
        {
            static iox::popo::BasePortData* members(iox::popo::BasePort& port)
            {
                using Getter = iox::popo::BasePortData* (iox::popo::BasePort::*)();
                return (port.*static_cast<Getter>(&Access::getMembers))();
            }
        };
        auto* data = static_cast<iox::popo::PublisherPortData*>(Access::members(port()));
        return data->m_chunkSenderData.m_queues.size();
    }
};

void sleep_until(timespec& next, uint64_t period_ns)
{
    next.tv_nsec += static_cast<long>(period_ns % 1'000'000'000);
    next.tv_sec += static_cast<time_t>(period_ns / 1'000'000'000);
    if (next.tv_nsec >= 1'000'000'000)
    {
        next.tv_nsec -= 1'000'000'000;
        ++next.tv_sec;
    }
    // A publisher that is late does not sleep: even a sleep of no time is a system call, and costs more than a block.
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > next.tv_sec || (now.tv_sec == next.tv_sec && now.tv_nsec >= next.tv_nsec))
    {
        return;
    }
    while (!peer::stopped() && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr) == EINTR)
    {
    }
}
} // namespace

int main(int argc, char** argv)
{
    const peer::Options options(argc,
                                argv,
                                {"service",
                                 "stream",
                                 "count",
                                 "first-sequence",
                                 "rate",
                                 "history",
                                 "pattern",
                                 "wait-subscribers",
                                 "hold-ms",
                                 "skip-every"},
                                {"lossless"});
    const pattern::Kind kind = options.text("pattern", "ticks") == "full" ? pattern::Kind::FULL : pattern::Kind::TICKS;
    const uint64_t count = options.number("count", 0);
    const uint64_t first = options.number("first-sequence", 0);
    const uint64_t rate = options.number("rate", 0);
    const uint64_t wait_subscribers = options.number("wait-subscribers", 0);
    const uint64_t hold_ms = options.number("hold-ms", 0);
    const uint64_t skip_every = options.number("skip-every", 0);

    peer::Watch watch;
    peer::open_runtime("peer_publisher");

    uint64_t published = 0;
    uint64_t refused = 0;
    uint64_t last = 0;
    uint32_t checksum = 0;
    {
        iox::popo::PublisherOptions publisher_options;
        publisher_options.historyCapacity = options.number("history", 0);
        if (options.has("lossless"))
        {
            publisher_options.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
        }
        CountedPublisher publisher({peer::id(options.text("service", "QAULTRA")),
                                    peer::id(options.text("stream", "market_stream")),
                                    peer::id("Data")},
                                   publisher_options);
        while (!peer::stopped() && publisher.subscriber_count() < wait_subscribers)
        {
            peer::sleep_us(500);
        }
        peer::say("ready");

        timespec next{};
        clock_gettime(CLOCK_MONOTONIC, &next);
        for (uint64_t sequence = first; !peer::stopped() && (count == 0 || sequence - first < count); ++sequence)
        {
            if (skip_every != 0 && (sequence - first + 1) % skip_every == 0)
            {
                continue;
            }
            bool sent = false;
            while (!sent && !peer::stopped())
            {
                publisher.loan()
                    .and_then([&](auto& sample) {
                        pattern::fill_block(kind, sequence, *sample);
                        checksum += pattern::checksum(sample->data, pattern::data_length(kind, sequence));
                        sample.publish();
                        sent = true;
                    })
                    .or_else([&](auto&) {
                        ++refused;
                        peer::sleep_us(100);
                    });
            }
            if (sent)
            {
                ++published;
                last = sequence;
            }
            if (rate != 0)
            {
                sleep_until(next, 1'000'000'000 / rate);
            }
        }
        for (uint64_t waited_ms = 0; waited_ms < hold_ms && !peer::stopped(); waited_ms += 5)
        {
            peer::sleep_us(5000);
        }
    }
    std::printf("{\"published\":%llu,\"refused\":%llu,\"first\":%llu,\"last\":%llu,\"checksum\":%u}\n",
                static_cast<unsigned long long>(published),
                static_cast<unsigned long long>(refused),
                static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(last),
                checksum);
    return 0;
}
