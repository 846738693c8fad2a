// SPDX-License-Identifier: Apache-2.0
//
// Broadcasts a random walk, one tick a block, on a ring of its own. Strategies in TypeScript follow it like any other stream.
#include "common.hpp"

#include <iceoryx_posh/popo/publisher.hpp>

#include <chrono>
#include <cinttypes>
#include <cstring>
#include <random>
#include <thread>

namespace
{
/// A ring is taken for stale when it does not beat; 10 to 100 ms are right.
constexpr std::chrono::milliseconds KEEPER_INTERVAL{20};
constexpr uint64_t ROOM_WAIT_MS = 100;

int64_t now_ns()
{
    timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}
} // namespace

int main(int argc, char** argv)
{
    auto options = example::options(
        argc,
        argv,
        "[--service QAULTRA] [--stream market_stream] [--ticks N] [--interval-us U] [--readers-to-wait-for K]",
        {{"--service", "QAULTRA"},
         {"--stream", "market_stream"},
         {"--ticks", "0"},
         {"--interval-us", "1000"},
         {"--readers-to-wait-for", "0"}});
    const auto number = [&](const char* key) { return std::strtoull(options[key].c_str(), nullptr, 10); };
    const uint64_t count = number("--ticks");
    example::stop_on_signals();

    qaultra_ring_options ring_options = qaultra_ring_options_default();
    ring_options.service = options["--service"].data();
    ring_options.service_bytes = static_cast<uint32_t>(options["--service"].size());
    ring_options.stream = options["--stream"].data();
    ring_options.stream_bytes = static_cast<uint32_t>(options["--stream"].size());
    ring_options.epoch = qaultra_ring_random_epoch();
    ring_options.created_ns = qaultra_ring_clock_ns();
    ring_options.flags = QAULTRA_RING_FLAG_LOSSLESS;
    const qaultra_ring_identity self = qaultra_ring_identity_self();
    qaultra_ring_segments segments;
    if (qaultra_ring_create(&ring_options, &self, &segments) != QAULTRA_RING_DONE)
    {
        std::fprintf(stderr, "Cannot make the ring: %s\n", std::strerror(errno));
        return 1;
    }
    std::printf("epoch %016" PRIx64 "\n", ring_options.epoch);
    std::fflush(stdout);
    qaultra_ring_writer writer = qaultra_ring_writer_bind(segments.data, &segments.shape, &segments.table);

    // Shows that this process lives, and looks after readers that do not.
    std::atomic<bool> over{false};
    std::thread keeper([&] {
        auto keeping = qaultra_ring_keeper_bind(segments.data, &segments.shape, &segments.table, &self);
        while (!over)
        {
            qaultra_ring_keeper_turn(&keeping, qaultra_ring_clock_ms());
            std::this_thread::sleep_for(KEEPER_INTERVAL);
        }
    });

    uint64_t sent = 0;
    {
        example::open_runtime("ring_feed");
        iox::popo::PublisherOptions publisher_options;
        publisher_options.historyCapacity = 1; // For readers that come later.
        iox::popo::Publisher<qaultra_ring_announcement> announcer(
            example::rings_of(options["--service"], options["--stream"]), publisher_options);
        announcer.publishCopyOf(qaultra_ring_announcement_of(&ring_options)).or_else([](auto&) {
            std::fprintf(stderr, "Cannot announce the ring: only readers who know its epoch find it\n");
        });
        qaultra_ring_writer_announced(&writer);
        while (!example::stopped && qaultra_ring_count_subscribers(&segments.table) < number("--readers-to-wait-for"))
        {
            std::this_thread::sleep_for(KEEPER_INTERVAL);
        }

        std::mt19937_64 random(1);
        std::normal_distribution<double> step(0, 0.02);
        example::Tick tick{};
        tick.last = 100;
        std::strcpy(tick.symbol, "WALK");
        while (!example::stopped && (count == 0 || sent < count))
        {
            qaultra_market_data_block* block = qaultra_ring_writer_claim(&writer);
            if (block == nullptr)
            {
                // A reader has not read what lies there. It is waited for, or given up by the keeper when it is silent.
                qaultra_ring_writer_wait_room(&writer, ROOM_WAIT_MS);
                continue;
            }
            tick.last += step(random);
            tick.bid = tick.last - 0.01;
            tick.ask = tick.last + 0.01;
            tick.volume = 100;
            tick.timestamp_ns = now_ns();
            // All but the sequence, which is the ring's own.
            block->timestamp_ns = static_cast<uint64_t>(tick.timestamp_ns);
            block->record_count = 1;
            block->data_type = QAULTRA_DATA_TYPE_TICK;
            block->flags = QAULTRA_BLOCK_FLAG_LENGTH;
            block->data_length = sizeof(tick);
            block->record_size = sizeof(tick);
            block->schema_id = 0;
            std::memcpy(block->data, &tick, sizeof(tick));
            qaultra_ring_writer_commit(&writer);
            ++sent;
            std::this_thread::sleep_for(std::chrono::microseconds(number("--interval-us")));
        }
        // Readers that have the ring mapped still read it to its end.
        qaultra_ring_writer_close(&writer);
    }
    over = true;
    keeper.join();
    qaultra_ring_unlink(ring_options.epoch);
    qaultra_ring_unmap(&segments);
    std::fprintf(stderr, "%" PRIu64 " ticks\n", sent);
    return 0;
}
