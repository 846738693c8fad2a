// SPDX-License-Identifier: Apache-2.0
//
// What the two kinds of ports have in common.
#pragma once

#include "check.hpp"
#include "runtime.hpp"
#include "stream_name.hpp"
#include "window.hpp"

#include <atomic>
#include <cstdint>
#include <sched.h>
#include <string>

namespace qipc {

/** The event of a stream's blocks. */
inline constexpr const char* kDataEvent = "Data";
/** The event of the announcements of rings. */
inline constexpr const char* kRingEvent = "Ring";

int32_t check_stream_name(const uint8_t* service, uint32_t service_len, const uint8_t* stream, uint32_t stream_len,
                          const uint8_t* event, uint32_t event_len, StreamName* name);

/** QIPC_E_SHM_TOO_SMALL when there is not enough for a service and a port with some blocks: iceoryx2 would meet the end of the memory as
 * a fault. */
int32_t check_free_memory(uint32_t payload_size);

inline constexpr uint32_t kPayloadAlignment = 64;
inline constexpr uint32_t kHistoryMax = 16;
inline constexpr uint32_t kCapacityMax = 256;

/** What is asked of iceoryx2 for a stream. The texts are those of `name`, `type` and the options, which outlive it. */
iox2_service service_wanted(const World& world, const StreamName& stream, const std::string& name, uint32_t payload_size);

/** Who has a port, its thread or one of this library's, has it alone. Held for about a microsecond. */
class PortLock {
  public:
    bool try_take() noexcept { return !m_is_taken.exchange(true, std::memory_order_acquire); }
    void take() noexcept {
        while (!try_take()) {
            sched_yield(); // a thread of this library looks at the port, or has no CPU while it does
        }
    }
    void give_back() noexcept { m_is_taken.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> m_is_taken{false};
};

class PortLockGuard {
  public:
    explicit PortLockGuard(PortLock& lock) noexcept : m_lock(lock) { lock.take(); }
    ~PortLockGuard() { m_lock.give_back(); }
    PortLockGuard(const PortLockGuard&) = delete;
    PortLockGuard& operator=(const PortLockGuard&) = delete;

  private:
    PortLock& m_lock;
};

/** What a publisher of this library tells a subscriber of it. A chunk has room for its payload to be aligned, 63 bytes before and behind
 * it, which nobody uses: others leave zeros there. */
struct ChunkNote {
    uint64_t published_ns; // CLOCK_MONOTONIC
    uint32_t history;      // blocks that the publisher keeps for who comes late
    uint32_t magic;
};
inline constexpr uint32_t kChunkNoteMagic = 0x51495043;

/** Where it lies: between iceoryx2's header and the payload, or behind that where there is more room. */
inline ChunkNote* note_of(const iox2_chunk& chunk) noexcept {
    static_assert(2 * (sizeof(ChunkNote) + 7) < kPayloadAlignment);
    uint8_t* const note = static_cast<uint8_t*>(chunk.payload) - sizeof(ChunkNote);
    if (note >= chunk.header_end) {
        return reinterpret_cast<ChunkNote*>(note);
    }
    const uint64_t behind = (chunk.payload_bytes + 7) & ~uint64_t{7};
    return reinterpret_cast<ChunkNote*>(static_cast<uint8_t*>(chunk.payload) + behind);
}

/** The note says nothing, as on the chunk of another. */
inline void note_clear(ChunkNote& note) noexcept {
    std::atomic_ref(note.magic).store(0, std::memory_order_relaxed);
}

/** Others may look at the chunk meanwhile: with the magic the rest is there. */
inline void note_write(ChunkNote& note, uint64_t published_ns, uint32_t history) noexcept {
    note.published_ns = published_ns;
    note.history = history;
    std::atomic_ref(note.magic).store(kChunkNoteMagic, std::memory_order_release);
}

inline bool note_is_there(ChunkNote& note) noexcept {
    return std::atomic_ref(note.magic).load(std::memory_order_acquire) == kChunkNoteMagic;
}

/** The status of a call on a port whose node was replaced, or that the end of the process has ended. */
int32_t refuse_ended_port() noexcept;

} // namespace qipc
