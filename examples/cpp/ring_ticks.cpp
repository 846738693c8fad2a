// SPDX-License-Identifier: Apache-2.0
//
// Prints the ticks of a stream: of all its broadcasters that are announced, or of the one with the given epoch.
#include "common.hpp"

#include <iceoryx_posh/popo/subscriber.hpp>

#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <memory>
#include <vector>

namespace
{
constexpr uint64_t WAIT_MS = 20;

/// A ring that is mapped, and this process's reader of it.
class Ring
{
  public:
    static std::unique_ptr<Ring> open(uint64_t epoch)
    {
        qaultra_ring_segments segments;
        const qaultra_ring_outcome outcome = qaultra_ring_open(epoch, &segments);
        if (outcome == QAULTRA_RING_DONE)
        {
            return std::unique_ptr<Ring>(new Ring(segments));
        }
        // GONE is no fault: its writer ended meanwhile.
        std::fprintf(stderr,
                     "Cannot read ring %016" PRIx64 ": %s\n",
                     epoch,
                     outcome == QAULTRA_RING_GONE      ? "it is gone"
                     : outcome == QAULTRA_RING_INVALID ? qaultra_ring_fault_field(segments.finding.fault)
                                                       : std::strerror(errno));
        return nullptr;
    }

    ~Ring()
    {
        qaultra_ring_reader_leave(&reader);
        qaultra_ring_unmap(&m_segments);
    }

    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    uint64_t epoch() const
    {
        return m_segments.shape.epoch;
    }

    /// Whether all was read that will ever be there.
    bool ended()
    {
        // A writer that was killed says nothing, but its lock is free then.
        const bool alive = qaultra_ring_writer_alive(&m_segments) != 0;
        return qaultra_ring_reader_ended(&reader) != 0 || (!alive && qaultra_ring_reader_next(&reader) == nullptr);
    }

    qaultra_ring_reader reader{};

  private:
    explicit Ring(const qaultra_ring_segments& segments)
        : m_segments(segments)
    {
        const qaultra_ring_identity self = qaultra_ring_identity_self();
        if (qaultra_ring_reader_join(&reader, m_segments.data, &m_segments.shape, &m_segments.table, &self, 0, 0,
                                     qaultra_ring_clock_ms())
            == 0)
        {
            std::fprintf(stderr, "The ring has no entry free: reading it uncounted\n");
        }
    }

    qaultra_ring_segments m_segments;
};

/// Prints the ticks of the next block, when there is one. The copy is one that the writer did not touch meanwhile.
bool print_block(Ring& ring, uint64_t& ticks)
{
    static qaultra_market_data_block block;
    if (qaultra_ring_reader_copy(&ring.reader, &block) == 0)
    {
        return false;
    }
    if (block.data_type != QAULTRA_DATA_TYPE_TICK)
    {
        return true;
    }
    // What a peer wrote is not trusted with our memory.
    const uint64_t room = QAULTRA_BLOCK_DATA_SIZE / sizeof(example::Tick);
    const uint64_t count = std::min(block.record_count, room);
    for (uint64_t i = 0; i < count; ++i)
    {
        example::Tick tick;
        std::memcpy(&tick, block.data + i * sizeof(tick), sizeof(tick));
        std::printf("%" PRIu64 " %.*s last %.4f bid %.4f ask %.4f volume %" PRIu64 "\n",
                    block.sequence,
                    static_cast<int>(strnlen(tick.symbol, sizeof(tick.symbol))),
                    tick.symbol,
                    tick.last,
                    tick.bid,
                    tick.ask,
                    tick.volume);
    }
    ticks += count;
    return true;
}
} // namespace

int main(int argc, char** argv)
{
    auto options = example::options(argc,
                                    argv,
                                    "[--service QAULTRA] [--stream market_stream] [--epoch HEX] [--ticks N]",
                                    {{"--service", "QAULTRA"}, {"--stream", "market_stream"}, {"--epoch", ""}, {"--ticks", "0"}});
    const uint64_t wanted = std::strtoull(options["--ticks"].c_str(), nullptr, 10);
    example::stop_on_signals();

    using Announcements = iox::popo::Subscriber<qaultra_ring_announcement>;
    std::unique_ptr<Announcements> announcements;
    std::vector<std::unique_ptr<Ring>> rings;
    const auto add = [&](uint64_t epoch) {
        const auto same = [&](const auto& ring) { return ring->epoch() == epoch; };
        if (std::none_of(rings.begin(), rings.end(), same))
        {
            auto ring = Ring::open(epoch);
            if (ring != nullptr)
            {
                rings.push_back(std::move(ring));
            }
        }
    };
    if (!options["--epoch"].empty())
    {
        add(std::strtoull(options["--epoch"].c_str(), nullptr, 16));
    }
    else
    {
        example::open_runtime("ring_ticks");
        iox::popo::SubscriberOptions subscriber_options;
        subscriber_options.historyRequest = 1; // A ring is announced once, perhaps long ago.
        announcements = std::make_unique<Announcements>(
            example::rings_of(options["--service"], options["--stream"]), subscriber_options);
    }

    uint64_t ticks = 0;
    uint64_t missed = 0;
    while (!example::stopped && (wanted == 0 || ticks < wanted) && (announcements != nullptr || !rings.empty()))
    {
        bool busy = false;
        for (auto& ring : rings)
        {
            busy = print_block(*ring, ticks) || busy;
        }
        if (busy)
        {
            continue;
        }
        while (announcements != nullptr && announcements->hasData())
        {
            announcements->take().and_then([&](auto& sample) {
                const bool known = sample->magic == QAULTRA_RING_ANNOUNCE_MAGIC && sample->version == QAULTRA_RING_VERSION;
                if (known)
                {
                    add(sample->epoch);
                }
            });
        }
        for (auto ring = rings.begin(); ring != rings.end();)
        {
            const bool ended = (*ring)->ended();
            missed += ended ? (*ring)->reader.missed : 0;
            ring = ended ? rings.erase(ring) : ring + 1;
        }
        if (rings.size() == 1)
        {
            // Parks until a block comes; the limit is for new rings, Ctrl-C and the writer's death.
            qaultra_ring_reader_wait(&rings.front()->reader, WAIT_MS);
        }
        else
        {
            qaultra_ring_pause(QAULTRA_RING_POLL_NS);
        }
    }
    for (const auto& ring : rings)
    {
        missed += ring->reader.missed;
    }
    std::fprintf(stderr, "%" PRIu64 " ticks, %" PRIu64 " blocks missed\n", ticks, missed);
    return 0;
}
