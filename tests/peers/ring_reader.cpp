// SPDX-License-Identifier: Apache-2.0
//
// Reads blocks of the pattern from rings by ring.h and checks every field of every block.
//
//   peer_ring_reader [--service QAULTRA] [--stream market_stream] [--epoch HEX] [--count N] [--last-sequence S]
//                    [--expect ours|cpp] [--pattern ticks|full] [--history H|all] [--observe] [--in-place] [--delay-us D]
//                    [--record-size B] [--schema-id I] [--sealed] [--raw] [--stay]
//
// Finds the rings of the stream by iceoryx, or with `--epoch`, which may be given without a RouDi, the one of that epoch; it
// merges several. Ends after N blocks, or with sequence S, or when all rings have ended and `--stay` is not given, or when it
// is stopped. `--expect ours` (default) demands the header that this module writes, `cpp` that of peer_ring_writer. `--in-place`
// reads without a copy, `--sealed` demands a checksum, `--observe` without holding a lossless writer back, `--raw` checks no content, `--delay-us` sleeps
// after each block. Prints "ready" when it looks for rings, or has joined the one of the epoch; up to ten faults on stderr; at
// the end one line of JSON.
#include "ring_peer.hpp"

#include <algorithm>
#include <vector>

namespace
{
constexpr uint64_t FAULTS_SHOWN_MAX = 10;
/// Blocks that one ring gives before the next has its turn.
constexpr uint32_t TURN_BLOCKS_MAX = 64;
/// Looks in vain before this process sleeps.
constexpr uint32_t SPINS_MAX = 2000;
/// How long a reader that is parked does not look whether it was stopped, or a ring was announced.
constexpr uint64_t WAIT_MS = 20;
constexpr uint64_t POLL_US = 50;

using Announcements = iox::popo::Subscriber<qaultra_ring_announcement>;
using Rings = std::vector<std::unique_ptr<ring_peer::FoundRing>>;

struct Expectation
{
    bool ours;
    bool raw;
    bool sealed;
    pattern::Kind kind;
    uint64_t record_size;
    uint64_t schema_id;
};

struct Report
{
    uint64_t received = 0;
    uint64_t missed = 0;
    uint64_t gaps = 0;
    uint64_t torn = 0;
    uint64_t corrupt = 0;
    uint64_t dropped = 0;
    uint64_t bad = 0;
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t rings = 0;
    uint32_t checksum = 0;
};

std::string differs(const char* field, uint64_t found, uint64_t wanted)
{
    return found == wanted
               ? std::string{}
               : std::string(field) + " is " + std::to_string(found) + ", not " + std::to_string(wanted);
}

uint64_t now_ns()
{
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

/// Compares with the pattern. Returns an empty string, or what differs first.
std::string check(const qaultra_market_data_block& block, uint64_t sequence, uint64_t epoch, const Expectation& expect)
{
    const uint64_t length = pattern::data_length(expect.kind, sequence);
    std::string fault;
    const auto also = [&fault](const std::string& next) {
        if (fault.empty())
        {
            fault = next;
        }
    };
    also(differs("sequence", block.sequence, sequence));
    also(differs("record_count", block.record_count, pattern::record_count(expect.kind, sequence)));
    also(differs("data_type", block.data_type, pattern::data_type(expect.kind, sequence)));
    also(differs("length flag", block.flags & QAULTRA_BLOCK_FLAG_LENGTH, QAULTRA_BLOCK_FLAG_LENGTH));
    also(differs("data_length", block.data_length, length));
    also(differs("record_size", block.record_size, expect.record_size));
    also(differs("schema_id", block.schema_id, expect.schema_id));
    if (!expect.ours)
    {
        also(differs("timestamp_ns", block.timestamp_ns, pattern::header_timestamp_ns(sequence)));
        also(differs("flags", block.flags, QAULTRA_BLOCK_FLAG_LENGTH));
    }
    also(block.timestamp_ns > now_ns() ? "timestamp_ns lies in the future" : "");
    if (expect.sealed)
    {
        also(differs("checksum flag", block.flags & QAULTRA_BLOCK_FLAG_CHECKSUM, QAULTRA_BLOCK_FLAG_CHECKSUM));
    }
    also(differs("unknown flags", block.flags & ~0x07U, 0));
    if ((block.flags & QAULTRA_BLOCK_FLAG_TRAILER) != 0)
    {
        qaultra_block_trailer trailer;
        std::memcpy(&trailer, block.data + QAULTRA_BLOCK_TRAILER_OFFSET, sizeof(trailer));
        also(differs("trailer's epoch", trailer.epoch, epoch));
        also(differs("trailer's reserved", trailer.reserved, 0));
        if ((block.flags & QAULTRA_BLOCK_FLAG_CHECKSUM) != 0 && fault.empty())
        {
            const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&block);
            const uint32_t crc = pattern::crc32c(0, bytes + 8, QAULTRA_BLOCK_HEADER_SIZE - 8 + length);
            also(differs("crc32c", trailer.crc32c, crc));
        }
    }
    return fault.empty() ? pattern::check_data(expect.kind, sequence, block.data) : fault;
}

void find_rings(const peer::Options& options, Announcements& announcements, Rings& rings, Report& report)
{
    bool more = true;
    while (more)
    {
        more = false;
        announcements.take().and_then([&](auto& sample) {
            more = true;
            const qaultra_ring_announcement& announced = *sample;
            const auto known = [&](const auto& ring) { return ring->epoch() == announced.epoch; };
            if (sample.getChunkHeader()->userPayloadSize() != sizeof(announced)
                || announced.magic != QAULTRA_RING_ANNOUNCE_MAGIC || announced.version != QAULTRA_RING_VERSION
                || std::any_of(rings.begin(), rings.end(), known))
            {
                return;
            }
            auto ring = ring_peer::FoundRing::open(options, announced.epoch);
            if (ring != nullptr)
            {
                rings.push_back(std::move(ring));
                ++report.rings;
            }
        });
    }
}

/// Takes one block, when there is one. A block that was overwritten meanwhile is not looked at any further.
bool take(ring_peer::FoundRing& ring, bool in_place, const Expectation& expect, Report& report)
{
    static qaultra_market_data_block copy;
    qaultra_ring_reader& reader = ring.reader();
    const qaultra_market_data_block* block = nullptr;
    if (in_place)
    {
        block = qaultra_ring_reader_next(&reader);
    }
    else if (qaultra_ring_reader_copy(&reader, &copy) != 0)
    {
        block = &copy;
    }
    if (block == nullptr)
    {
        return false;
    }
    const uint64_t sequence = in_place ? reader.next : copy.sequence;
    const uint32_t sum = pattern::checksum(block->data, pattern::data_length(expect.kind, sequence));
    const std::string fault = expect.raw ? std::string{} : check(*block, sequence, ring.epoch(), expect);
    if (in_place && qaultra_ring_reader_release(&reader) == 0)
    {
        return true;
    }
    report.first = report.received == 0 ? sequence : report.first;
    report.last = sequence;
    ++report.received;
    report.checksum += sum;
    if (!fault.empty() && ++report.bad <= FAULTS_SHOWN_MAX)
    {
        std::fprintf(stderr, "Block %llu: %s\n", static_cast<unsigned long long>(sequence), fault.c_str());
    }
    return true;
}

void add(Report& report, const qaultra_ring_reader& reader)
{
    report.missed += reader.missed;
    report.gaps += reader.gaps;
    report.torn += reader.torn;
    report.corrupt += reader.corrupt;
    report.dropped += reader.dropped;
}
} // namespace

int main(int argc, char** argv)
{
    const peer::Options options(argc,
                                argv,
                                {"service",
                                 "stream",
                                 "epoch",
                                 "count",
                                 "last-sequence",
                                 "expect",
                                 "pattern",
                                 "history",
                                 "delay-us",
                                 "record-size",
                                 "schema-id"},
                                {"observe", "in-place", "sealed", "raw", "stay"});
    const pattern::Kind kind = options.text("pattern", "ticks") == "full" ? pattern::Kind::FULL : pattern::Kind::TICKS;
    const Expectation expect{options.text("expect", "ours") == "ours",
                             options.has("raw"),
                             options.has("sealed"),
                             kind,
                             options.number("record-size", pattern::record_size(kind)),
                             options.number("schema-id", 0)};
    const uint64_t count = options.number("count", UINT64_MAX);
    const uint64_t last_sequence = options.number("last-sequence", UINT64_MAX);
    const uint64_t delay_us = options.number("delay-us", 0);
    const bool in_place = options.has("in-place");

    peer::Watch watch;
    Report report;
    Rings rings;
    {
        std::unique_ptr<Announcements> announcements;
        if (options.has("epoch"))
        {
            const uint64_t epoch = std::strtoull(options.text("epoch", "").c_str(), nullptr, 16);
            auto ring = ring_peer::FoundRing::open(options, epoch);
            if (ring == nullptr)
            {
                options.fail("There is no ring of this epoch");
            }
            rings.push_back(std::move(ring));
            report.rings = 1;
        }
        else
        {
            peer::open_runtime("peer_ring_reader");
            iox::popo::SubscriberOptions subscriber_options;
            subscriber_options.historyRequest = 1;
            announcements = std::make_unique<Announcements>(
                ring_peer::announcements(options.text("service", "QAULTRA"), options.text("stream", "market_stream")),
                subscriber_options);
        }
        peer::say("ready");

        const auto over = [&] {
            return peer::stopped() || report.received >= count
                   || (report.received != 0 && report.last >= last_sequence)
                   || (report.rings != 0 && rings.empty() && !options.has("stay"));
        };
        uint32_t spins = 0;
        while (!over())
        {
            bool busy = false;
            for (auto& ring : rings)
            {
                for (uint32_t i = 0; i < TURN_BLOCKS_MAX && !over() && take(*ring, in_place, expect, report); ++i)
                {
                    busy = true;
                    if (delay_us != 0)
                    {
                        peer::sleep_us(delay_us);
                    }
                }
            }
            spins = busy ? 0 : spins + 1;
            if (spins < SPINS_MAX && !rings.empty())
            {
                continue;
            }
            spins = 0;
            if (announcements != nullptr)
            {
                find_rings(options, *announcements, rings, report);
            }
            for (auto ring = rings.begin(); ring != rings.end();)
            {
                const bool ended = (*ring)->ended();
                if (ended)
                {
                    add(report, (*ring)->reader());
                }
                ring = ended ? rings.erase(ring) : ring + 1;
            }
            if (rings.size() == 1)
            {
                qaultra_ring_reader_wait(&rings.front()->reader(), WAIT_MS);
            }
            else if (!over())
            {
                peer::sleep_us(POLL_US);
            }
        }
        for (const auto& ring : rings)
        {
            add(report, ring->reader());
        }
        rings.clear();
    }
    const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf("{\"received\":%llu,\"missed\":%llu,\"gaps\":%llu,\"torn\":%llu,\"corrupt\":%llu,\"dropped\":%llu,\"bad\":%llu,"
                "\"first\":%llu,\"last\":%llu,\"rings\":%llu,\"checksum\":%u}\n",
                number(report.received),
                number(report.missed),
                number(report.gaps),
                number(report.torn),
                number(report.corrupt),
                number(report.dropped),
                number(report.bad),
                number(report.first),
                number(report.last),
                number(report.rings),
                report.checksum);
    return 0;
}
