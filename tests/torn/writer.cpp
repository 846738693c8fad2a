// SPDX-License-Identifier: Apache-2.0
//
// Writes blocks of pattern.h into a lossy ring by ring.h, as fast as it goes.
//
//   torn_writer --stream NAME --used BYTES --first-sequence S --capacity C --heartbeat-interval-ms MS
//
// Says {"epoch":"<16 hexadecimal digits>"}, waits for a reader, writes until its input ends, and says {"sent":N}.
#include "pattern.h"
#include "ring_peer.hpp"

namespace
{
/// Blocks between two looks whether it was stopped.
constexpr uint32_t SLICE = 4096;
constexpr uint64_t POLL_US = 500;
} // namespace

int main(int argc, char** argv)
{
    const peer::Options options(
        argc, argv, {"stream", "used", "first-sequence", "capacity", "heartbeat-interval-ms"}, {});
    const std::string stream = options.text("stream", "");
    const uint32_t used_bytes = static_cast<uint32_t>(options.number("used", 64));
    const uint64_t first = options.number("first-sequence", 0);

    peer::Watch watch;
    uint64_t next = first;
    {
        ring_peer::OwnRing ring(options, "QAULTRA", stream);
        peer::open_runtime("torn_writer");
        iox::popo::PublisherOptions publisher_options;
        publisher_options.historyCapacity = 1;
        iox::popo::Publisher<qaultra_ring_announcement> announcer(ring_peer::announcements("QAULTRA", stream),
                                                                  publisher_options);
        announcer.publishCopyOf(ring.announcement()).or_else([&](auto&) {
            options.fail("No chunk for the announcement");
        });
        std::printf("{\"epoch\":\"%016llx\"}\n", static_cast<unsigned long long>(ring.epoch()));
        std::fflush(stdout);
        while (!peer::stopped() && ring.subscriber_count() == 0)
        {
            peer::sleep_us(POLL_US);
        }
        qaultra_ring_writer& writer = ring.writer();
        while (!peer::stopped())
        {
            for (uint32_t i = 0; i < SLICE; ++i)
            {
                qaultra_market_data_block* block = qaultra_ring_writer_claim(&writer);
                torn_fill(block, writer.next, used_bytes);
                qaultra_ring_writer_commit(&writer);
                qaultra_ring_writer_prepare(&writer);
            }
        }
        next = writer.next;
    }
    std::printf("{\"sent\":%llu}\n", static_cast<unsigned long long>(next - first));
    return 0;
}
