// SPDX-License-Identifier: Apache-2.0
//
// Receives blocks of the pattern through iceoryx's own C++ API and checks every field of every block.
//
//   peer_subscriber [--service QAULTRA] [--stream market_stream] [--count N] [--last-sequence S] [--expect ours|cpp]
//                   [--pattern ticks|full] [--history H] [--capacity C] [--lossless] [--delay-us D] [--raw]
//                   [--record-size B] [--schema-id I]
//
// Ends after N blocks, or with sequence S, or when it is stopped. `--expect ours` (default) demands the header fields and the
// trailer that this module writes, `cpp` that header bytes 25 to 31 are zero. `--raw` checks no content. `--delay-us` sleeps
// after each block, as a slow reader. Prints "ready" when it is subscribed, up to ten faults on stderr, and at the end one
// line of JSON; `missed` counts holes in the sequences of each publisher.
#include "pattern.hpp"
#include "peer.hpp"

#include "iceoryx_posh/mepoo/chunk_header.hpp"
#include "iceoryx_posh/popo/subscriber.hpp"

namespace
{
constexpr uint64_t FAULTS_SHOWN_MAX = 10;

struct Expectation
{
    bool ours;
    pattern::Kind kind;
    uint64_t record_size;
    uint64_t schema_id;
};

/// What one publisher has sent so far.
struct Sender
{
    uint64_t next_sequence;
    uint64_t epoch;
    uint64_t timestamp_ns;
};

uint64_t now_ns()
{
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

std::string differs(const char* field, uint64_t found, uint64_t wanted)
{
    return found == wanted
               ? std::string{}
               : std::string(field) + " is " + std::to_string(found) + ", not " + std::to_string(wanted);
}

/// The header fields and the trailer of a block that this module's broadcaster wrote.
std::string check_ours(const qaultra_market_data_block& block, const Expectation& expect, Sender& sender)
{
    const uint64_t length = pattern::data_length(expect.kind, block.sequence);
    const bool room = length <= QAULTRA_BLOCK_TRAILER_OFFSET;
    std::string fault = differs("length flag", block.flags & QAULTRA_BLOCK_FLAG_LENGTH, QAULTRA_BLOCK_FLAG_LENGTH);
    const auto also = [&fault](const std::string& next) {
        if (fault.empty())
        {
            fault = next;
        }
    };
    also(differs("data_length", block.data_length, length));
    also(differs("record_size", block.record_size, expect.record_size));
    also(differs("schema_id", block.schema_id, expect.schema_id));
    also(differs("trailer flag", (block.flags & QAULTRA_BLOCK_FLAG_TRAILER) != 0 ? 1 : 0, room ? 1 : 0));
    also(differs("unknown flags", block.flags & ~0x07U, 0));
    also(block.timestamp_ns > now_ns() ? "timestamp_ns lies in the future" : "");
    also(block.timestamp_ns < sender.timestamp_ns ? "timestamp_ns goes backwards" : "");
    sender.timestamp_ns = block.timestamp_ns;
    if (!fault.empty() || !room)
    {
        return fault;
    }
    qaultra_block_trailer trailer;
    std::memcpy(&trailer, block.data + QAULTRA_BLOCK_TRAILER_OFFSET, sizeof(trailer));
    if (sender.epoch == 0)
    {
        sender.epoch = trailer.epoch;
    }
    also(trailer.epoch == 0 ? "epoch is 0" : "");
    also(differs("epoch", trailer.epoch, sender.epoch));
    also(differs("reserved", trailer.reserved, 0));
    if ((block.flags & QAULTRA_BLOCK_FLAG_CHECKSUM) != 0)
    {
        const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&block);
        const uint32_t crc = pattern::crc32c(0, bytes + 8, QAULTRA_BLOCK_HEADER_SIZE - 8 + length);
        also(differs("crc32c", trailer.crc32c, crc));
    }
    return fault;
}

/// Header bytes 24 to 31 of a block of the C++ sender, whose timestamp follows the pattern.
std::string check_cpp(const qaultra_market_data_block& block)
{
    std::string fault = differs("timestamp_ns", block.timestamp_ns, pattern::header_timestamp_ns(block.sequence));
    const auto* bytes = reinterpret_cast<const uint8_t*>(&block);
    for (size_t at = 25; at < QAULTRA_BLOCK_HEADER_SIZE && fault.empty(); ++at)
    {
        fault = differs(("header byte " + std::to_string(at)).c_str(), bytes[at], 0);
    }
    return fault;
}

std::string check(const qaultra_market_data_block& block, const Expectation& expect, Sender& sender)
{
    std::string fault =
        differs("record_count", block.record_count, pattern::record_count(expect.kind, block.sequence));
    if (fault.empty())
    {
        fault = differs("data_type", block.data_type, pattern::data_type(expect.kind, block.sequence));
    }
    if (fault.empty())
    {
        fault = expect.ours ? check_ours(block, expect, sender) : check_cpp(block);
    }
    return fault.empty() ? pattern::check_data(expect.kind, block.sequence, block.data) : fault;
}
} // namespace

int main(int argc, char** argv)
{
    const peer::Options options(argc,
                                argv,
                                {"service",
                                 "stream",
                                 "count",
                                 "last-sequence",
                                 "expect",
                                 "pattern",
                                 "history",
                                 "capacity",
                                 "delay-us",
                                 "record-size",
                                 "schema-id"},
                                {"lossless", "raw"});
    const pattern::Kind kind = options.text("pattern", "ticks") == "full" ? pattern::Kind::FULL : pattern::Kind::TICKS;
    const Expectation expect{options.text("expect", "ours") == "ours",
                             kind,
                             options.number("record-size", pattern::record_size(kind)),
                             options.number("schema-id", 0)};
    const bool raw = options.has("raw");
    const uint64_t count = options.number("count", UINT64_MAX);
    const uint64_t last_sequence = options.number("last-sequence", UINT64_MAX);
    const uint64_t delay_us = options.number("delay-us", 0);

    peer::Watch watch;
    peer::open_runtime("peer_subscriber");

    std::map<uint64_t, Sender> senders;
    uint64_t received = 0;
    uint64_t missed = 0;
    uint64_t backwards = 0;
    uint64_t bad = 0;
    uint64_t first = 0;
    uint64_t last = 0;
    uint32_t checksum = 0;
    {
        iox::popo::SubscriberOptions subscriber_options;
        subscriber_options.queueCapacity = options.number("capacity", 256);
        subscriber_options.historyRequest = options.number("history", 0);
        if (options.has("lossless"))
        {
            subscriber_options.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
        }
        iox::popo::Subscriber<qaultra_market_data_block> subscriber({peer::id(options.text("service", "QAULTRA")),
                                                                     peer::id(options.text("stream", "market_stream")),
                                                                     peer::id("Data")},
                                                                    subscriber_options);
        while (!peer::stopped() && subscriber.getSubscriptionState() != iox::SubscribeState::SUBSCRIBED
               && subscriber.getSubscriptionState() != iox::SubscribeState::WAIT_FOR_OFFER)
        {
            peer::sleep_us(500);
        }
        peer::say("ready");

        const auto handle = [&](const qaultra_market_data_block& block, const iox::mepoo::ChunkHeader& chunk) {
            if (chunk.userPayloadSize() != sizeof(block))
            {
                ++received;
                ++bad;
                return;
            }
            const uint64_t origin = static_cast<uint64_t>(chunk.originId());
            const auto [entry, is_new] = senders.try_emplace(origin, Sender{block.sequence, 0, 0});
            Sender& sender = entry->second;
            if (block.sequence >= sender.next_sequence)
            {
                missed += block.sequence - sender.next_sequence;
                sender.next_sequence = block.sequence + 1;
            }
            else
            {
                ++backwards;
            }
            if (received == 0)
            {
                first = block.sequence;
            }
            last = block.sequence;
            ++received;
            const uint32_t length = (block.flags & QAULTRA_BLOCK_FLAG_LENGTH) != 0
                                        ? block.data_length
                                        : pattern::data_length(kind, block.sequence);
            checksum += pattern::checksum(block.data, length <= QAULTRA_BLOCK_DATA_SIZE ? length : 0);
            const std::string fault = raw ? std::string{} : check(block, expect, sender);
            if (!fault.empty() && ++bad <= FAULTS_SHOWN_MAX)
            {
                std::fprintf(stderr,
                             "Block %llu: %s\n",
                             static_cast<unsigned long long>(block.sequence),
                             fault.c_str());
            }
        };
        while (!peer::stopped() && received < count && !(received != 0 && last >= last_sequence))
        {
            bool empty = false;
            subscriber.take()
                .and_then([&](auto& sample) { handle(*sample, *sample.getChunkHeader()); })
                .or_else([&](auto&) { empty = true; });
            if (empty || delay_us != 0)
            {
                peer::sleep_us(empty ? 50 : delay_us);
            }
        }
    }
    std::printf("{\"received\":%llu,\"missed\":%llu,\"bad\":%llu,\"backwards\":%llu,\"first\":%llu,\"last\":%llu,"
                "\"publishers\":%zu,\"checksum\":%u}\n",
                static_cast<unsigned long long>(received),
                static_cast<unsigned long long>(missed),
                static_cast<unsigned long long>(bad),
                static_cast<unsigned long long>(backwards),
                static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(last),
                senders.size(),
                checksum);
    return 0;
}
