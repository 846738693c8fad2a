// SPDX-License-Identifier: Apache-2.0
//
// What the ring peers share: a ring of this process's own with its keeper thread, a ring that was found, and announcements.
// Blocks travel by ring.h alone; iceoryx only introduces.
#ifndef QAULTRA_TESTS_PEERS_RING_PEER_HPP
#define QAULTRA_TESTS_PEERS_RING_PEER_HPP

#include "pattern.hpp"
#include "peer.hpp"

#include "qaultra_ipc/ring.h"

#include "iceoryx_posh/popo/publisher.hpp"
#include "iceoryx_posh/popo/subscriber.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace ring_peer
{
/// Between two turns of the keeper.
constexpr std::chrono::milliseconds KEEPER_INTERVAL{10};

inline iox::capro::ServiceDescription announcements(const std::string& service, const std::string& stream)
{
    return {peer::id(service), peer::id(stream), peer::id(QAULTRA_RING_EVENT)};
}

/// A ring that this process writes. A thread beats for it and looks after its readers until it is closed.
class OwnRing
{
  public:
    OwnRing(const peer::Options& options, const std::string& service, const std::string& stream)
    {
        m_options = qaultra_ring_options_default();
        m_options.service = service.data();
        m_options.service_bytes = static_cast<uint32_t>(service.size());
        m_options.stream = stream.data();
        m_options.stream_bytes = static_cast<uint32_t>(stream.size());
        m_options.epoch = qaultra_ring_random_epoch();
        m_options.created_ns = qaultra_ring_clock_ns();
        m_options.first_sequence = options.number("first-sequence", 0);
        m_options.capacity = static_cast<uint32_t>(options.number("capacity", m_options.capacity));
        m_options.entry_count = static_cast<uint32_t>(options.number("entries", m_options.entry_count));
        m_options.reader_timeout_ms =
            static_cast<uint32_t>(options.number("reader-timeout-ms", m_options.reader_timeout_ms));
        m_options.heartbeat_interval_ms =
            static_cast<uint32_t>(options.number("heartbeat-interval-ms", m_options.heartbeat_interval_ms));
        m_options.flags = options.has("lossless") ? QAULTRA_RING_FLAG_LOSSLESS : 0;
        m_options.group = static_cast<uint32_t>(options.number("group", m_options.group));
        m_options.access = static_cast<uint32_t>(options.number("access", m_options.access));
        const qaultra_ring_identity self = qaultra_ring_identity_self();
        const qaultra_ring_outcome outcome = qaultra_ring_create(&m_options, &self, &m_segments);
        if (outcome != QAULTRA_RING_DONE)
        {
            options.fail("Cannot make the ring: outcome " + std::to_string(outcome) + ", field "
                         + qaultra_ring_fault_field(m_segments.finding.fault) + ", " + std::strerror(errno));
        }
        m_writer = qaultra_ring_writer_bind(m_segments.data, &m_segments.shape, &m_segments.table);
        m_keeper = qaultra_ring_keeper_bind(m_segments.data, &m_segments.shape, &m_segments.table, &self);
        m_thread = std::thread([this] { keep(); });
    }

    ~OwnRing()
    {
        qaultra_ring_writer_close(&m_writer);
        {
            const std::lock_guard<std::mutex> lock(m_mutex);
            m_over = true;
        }
        m_changed.notify_one();
        m_thread.join();
        qaultra_ring_unlink(m_options.epoch);
        qaultra_ring_unmap(&m_segments);
    }

    OwnRing(const OwnRing&) = delete;
    OwnRing& operator=(const OwnRing&) = delete;

    qaultra_ring_writer& writer()
    {
        return m_writer;
    }

    uint64_t epoch() const
    {
        return m_options.epoch;
    }

    uint64_t subscriber_count() const
    {
        return qaultra_ring_count_subscribers(&m_segments.table);
    }

    uint32_t dropped_readers() const
    {
        return QAULTRA_RING_LOAD(&m_segments.table.header->dropped_readers);
    }

    qaultra_ring_announcement announcement() const
    {
        return qaultra_ring_announcement_of(&m_options);
    }

  private:
    void keep()
    {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        std::unique_lock<std::mutex> lock(m_mutex);
        while (!m_over)
        {
            qaultra_ring_keeper_turn(&m_keeper, qaultra_ring_clock_ms());
            m_changed.wait_for(lock, KEEPER_INTERVAL);
        }
    }

    qaultra_ring_options m_options{};
    qaultra_ring_segments m_segments{};
    qaultra_ring_writer m_writer{};
    qaultra_ring_keeper m_keeper{};
    std::mutex m_mutex;
    std::condition_variable m_changed;
    bool m_over = false;
    std::thread m_thread;
};

/// A ring that this process reads.
class FoundRing
{
  public:
    /// The ring of this epoch, or null when it is gone.
    static std::unique_ptr<FoundRing> open(const peer::Options& options, uint64_t epoch)
    {
        qaultra_ring_segments segments{};
        const qaultra_ring_outcome outcome = qaultra_ring_open(epoch, &segments);
        if (outcome == QAULTRA_RING_GONE)
        {
            return nullptr;
        }
        if (outcome != QAULTRA_RING_DONE)
        {
            options.fail("Cannot open the ring: outcome " + std::to_string(outcome) + ", field "
                         + qaultra_ring_fault_field(segments.finding.fault) + ", " + std::strerror(errno));
        }
        return std::unique_ptr<FoundRing>(new FoundRing(options, segments));
    }

    ~FoundRing()
    {
        qaultra_ring_reader_leave(&m_reader);
        qaultra_ring_unmap(&m_segments);
    }

    FoundRing(const FoundRing&) = delete;
    FoundRing& operator=(const FoundRing&) = delete;

    qaultra_ring_reader& reader()
    {
        return m_reader;
    }

    uint64_t epoch() const
    {
        return m_segments.shape.epoch;
    }

    /// Whether nothing more can come: it was closed or its writer died, and all of it was read.
    bool ended()
    {
        if (qaultra_ring_reader_ended(&m_reader))
        {
            return true;
        }
        // The life first: a writer that is dead commits no more, so the look after it is the last.
        return qaultra_ring_writer_alive(&m_segments) == 0 && qaultra_ring_head(m_reader.header) <= m_reader.next;
    }

  private:
    FoundRing(const peer::Options& options, const qaultra_ring_segments& segments)
        : m_segments(segments)
    {
        const qaultra_ring_identity self = qaultra_ring_identity_self();
        const uint64_t history =
            options.text("history", "0") == "all" ? QAULTRA_RING_HISTORY_ALL : options.number("history", 0);
        if (qaultra_ring_reader_join(&m_reader,
                                     m_segments.data,
                                     &m_segments.shape,
                                     &m_segments.table,
                                     &self,
                                     history,
                                     options.has("observe") ? 1 : 0,
                                     qaultra_ring_clock_ms())
            == 0)
        {
            options.fail("The ring has as many readers as it may");
        }
    }

    qaultra_ring_segments m_segments;
    qaultra_ring_reader m_reader{};
};
} // namespace ring_peer

#endif
