// SPDX-License-Identifier: Apache-2.0
//
// Writes blocks of the pattern into a ring by ring.h.
//
//   peer_ring_writer [--service QAULTRA] [--stream market_stream] [--count N] [--first-sequence S] [--rate BLOCKS_PER_S]
//                    [--capacity C] [--entries E] [--lossless] [--reader-timeout-ms MS] [--pattern ticks|full]
//                    [--wait-readers K] [--hold-ms MS] [--group ID] [--access MODE] [--plain] [--seal] [--unannounced]
//
// `--rate 0` (default) is as fast as it goes, `--count 0` until it is stopped. `--wait-readers` waits until K subscribers have
// joined. `--plain` leaves header bytes 25 to 31 zero, as the QAULTRA C++ broadcaster does; without it they tell the length of
// the data. `--seal` puts a checksum into each block. `--unannounced` needs no RouDi: readers are given the epoch. `--hold-ms` keeps the ring open after the last block.
// Prints "epoch" and the epoch in hexadecimal, "ready" when its readers are there, and at the end one line of JSON.
#include "ring_peer.hpp"

namespace
{
/// How long a writer that waits for room does not look whether it was stopped.
constexpr uint64_t WAIT_MS = 50;

void fill(pattern::Kind kind, bool plain, uint64_t sequence, qaultra_market_data_block& block)
{
    // The slot held another block before, so every field is written. The sequence is the ring's.
    block.timestamp_ns = pattern::header_timestamp_ns(sequence);
    block.record_count = pattern::record_count(kind, sequence);
    block.data_type = pattern::data_type(kind, sequence);
    block.flags = plain ? 0 : QAULTRA_BLOCK_FLAG_LENGTH;
    block.data_length = plain ? 0 : static_cast<uint16_t>(pattern::data_length(kind, sequence));
    block.record_size = plain ? 0 : static_cast<uint16_t>(pattern::record_size(kind));
    block.schema_id = 0;
    pattern::fill_data(kind, sequence, block.data);
}

void pause_until(uint64_t time_ns)
{
    const uint64_t now_ns = qaultra_ring_clock_ns();
    if (time_ns > now_ns)
    {
        peer::sleep_us((time_ns - now_ns) / 1000);
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
                                 "capacity",
                                 "entries",
                                 "reader-timeout-ms",
                                 "pattern",
                                 "wait-readers",
                                 "hold-ms",
                                 "group",
                                 "access"},
                                {"lossless", "plain", "seal", "unannounced"});
    const pattern::Kind kind = options.text("pattern", "ticks") == "full" ? pattern::Kind::FULL : pattern::Kind::TICKS;
    const std::string service = options.text("service", "QAULTRA");
    const std::string stream = options.text("stream", "market_stream");
    const uint64_t count = options.number("count", 0);
    const uint64_t rate = options.number("rate", 0);
    const uint64_t wait_readers = options.number("wait-readers", 0);
    const uint64_t hold_ms = options.number("hold-ms", 0);
    const bool plain = options.has("plain");
    const bool seals = options.has("seal");

    peer::Watch watch;
    uint64_t published = 0;
    uint64_t refused = 0;
    uint32_t dropped = 0;
    uint32_t checksum = 0;
    const uint64_t first = options.number("first-sequence", 0);
    {
        ring_peer::OwnRing ring(options, service, stream);
        std::printf("epoch %016llx\n", static_cast<unsigned long long>(ring.epoch()));
        std::fflush(stdout);
        std::unique_ptr<iox::popo::Publisher<qaultra_ring_announcement>> announcer;
        if (!options.has("unannounced"))
        {
            peer::open_runtime("peer_ring_writer");
            iox::popo::PublisherOptions publisher_options;
            publisher_options.historyCapacity = 1;
            announcer = std::make_unique<iox::popo::Publisher<qaultra_ring_announcement>>(
                ring_peer::announcements(service, stream), publisher_options);
            announcer->publishCopyOf(ring.announcement()).or_else([&](auto&) {
                options.fail("No chunk for the announcement");
            });
            qaultra_ring_writer_announced(&ring.writer());
        }
        while (!peer::stopped() && ring.subscriber_count() < wait_readers)
        {
            peer::sleep_us(500);
        }
        peer::say("ready");

        qaultra_ring_writer& writer = ring.writer();
        qaultra_market_data_block draft{};
        const uint64_t begin_ns = qaultra_ring_clock_ns();
        while (!peer::stopped() && (count == 0 || published < count))
        {
            qaultra_market_data_block* block = qaultra_ring_writer_claim(&writer);
            if (block == nullptr)
            {
                if (writer.next > QAULTRA_RING_SEQUENCE_MAX)
                {
                    break;
                }
                ++refused;
                qaultra_ring_writer_wait_room(&writer, WAIT_MS);
                continue;
            }
            const uint64_t sequence = writer.next;
            qaultra_market_data_block& filled = seals ? draft : *block;
            fill(kind, plain, sequence, filled);
            checksum += pattern::checksum(filled.data, pattern::data_length(kind, sequence));
            if (seals)
            {
                qaultra_ring_writer_fill_sealed(&writer, &draft);
            }
            qaultra_ring_writer_commit(&writer);
            ++published;
            if (rate != 0)
            {
                pause_until(begin_ns + published * 1'000'000'000 / rate);
            }
        }
        for (uint64_t waited_ms = 0; waited_ms < hold_ms && !peer::stopped(); waited_ms += 5)
        {
            peer::sleep_us(5000);
        }
        dropped = ring.dropped_readers();
    }
    std::printf("{\"published\":%llu,\"refused\":%llu,\"first\":%llu,\"last\":%llu,\"dropped\":%u,\"checksum\":%u}\n",
                static_cast<unsigned long long>(published),
                static_cast<unsigned long long>(refused),
                static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(published == 0 ? first : first + published - 1),
                dropped,
                checksum);
    return 0;
}
