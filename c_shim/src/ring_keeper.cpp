// SPDX-License-Identifier: Apache-2.0
#include "ring_keeper.hpp"

#include "background_thread.hpp"
#include "ring_file.hpp"
#include "ring_ports.hpp"
#include "ring_remains.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace qipc {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kThreadName[] = "qipc-rings";
constexpr std::chrono::milliseconds kCountInterval{10};  // between two counts of native subscribers
constexpr std::chrono::milliseconds kBeatInterval{100};  // between two beats, and two looks for the dead

struct KeptName {
    uint64_t epoch;
    bool for_others;
    Clock::time_point until;
};

using Rings = std::vector<std::shared_ptr<Ring>>;

struct Keeper {
    std::mutex mutex; // held to change or copy the lists, never while anything is done with them
    std::condition_variable changed;
    Rings rings;
    std::vector<KeptName> names;
    bool has_thread = false;
    bool is_hurried = false;
};

Keeper& keeper() {
    static Keeper& instance = *new Keeper; // never destroyed: the thread may outlive the static destructors
    return instance;
}

void unlink_due_names(Keeper& here, std::unique_lock<std::mutex>& lock) {
    std::vector<uint64_t> due;
    const Clock::time_point now = Clock::now();
    std::erase_if(here.names, [&](const KeptName& name) {
        if (name.until <= now) {
            due.push_back(name.epoch);
        }
        return name.until <= now;
    });
    lock.unlock();
    for (const uint64_t epoch : due) {
        qaultra_ring_unlink(epoch);
    }
    lock.lock();
}

/** Tells the writer that the reader of the kept entry lives. */
void beat_entry(const Ring& ring, uint32_t now_ms) noexcept {
    const uint64_t kept = ring.entry.load(std::memory_order_acquire);
    if (kept == kNoEntry) {
        return;
    }
    qaultra_ring_entry& entry = ring.memory->table.entries[static_cast<uint32_t>(kept)];
    // Another's by now when its generation is another.
    if (qaultra_ring_entry_with(QAULTRA_RING_LOAD(&entry.state), 0) == static_cast<uint32_t>(kept >> 32)) {
        QAULTRA_RING_STORE(&entry.heartbeat_ms, now_ms);
    }
}

/** One round over all rings; returns after how long the next is due. */
std::chrono::milliseconds look_after(const Rings& rings) {
    const uint32_t now_ms = clock_ms();
    bool counts = false;
    // The beats first: counting may have to wait for a signal that is being delivered.
    for (const auto& ring : rings) {
        if (ring->memory->is_writer && !ring->has_ended.load(std::memory_order_acquire)) {
            qaultra_ring_keeper_turn(&ring->care, now_ms);
        }
        beat_entry(*ring, now_ms);
    }
    for (const auto& ring : rings) {
        if (ring->memory->is_writer) {
            ring_ports_count(*ring);
            counts = counts || ring->has_queue.load(std::memory_order_relaxed);
        }
    }
    return counts ? kCountInterval : kBeatInterval;
}

void keep(void*) {
    Keeper& here = keeper();
    std::unique_lock<std::mutex> lock(here.mutex);
    for (;;) {
        here.is_hurried = false;
        const auto is_hurried = [&here] { return here.is_hurried; };
        if (here.rings.empty() && here.names.empty()) {
            here.changed.wait(lock, is_hurried);
            continue;
        }
        Rings rings = here.rings;
        lock.unlock();
        const Clock::time_point next = Clock::now() + look_after(rings);
        rings.clear(); // a ring that was closed meanwhile is unmapped here
        lock.lock();
        unlink_due_names(here, lock);
        here.changed.wait_until(lock, next, is_hurried);
    }
}

} // namespace

bool keeper_add(const std::shared_ptr<Ring>& ring) {
    Keeper& here = keeper();
    const std::lock_guard<std::mutex> lock(here.mutex);
    if (!here.has_thread) {
        here.has_thread = start_background_thread(kThreadName, keep, nullptr);
    }
    if (!here.has_thread) {
        return false;
    }
    here.rings.push_back(ring);
    here.is_hurried = true;
    here.changed.notify_all();
    return true;
}

void keeper_remove(const Ring& ring) noexcept {
    Keeper& here = keeper();
    std::shared_ptr<Ring> removed; // let go of without the lock: it may unmap
    const std::lock_guard<std::mutex> lock(here.mutex);
    const auto at = std::find_if(here.rings.begin(), here.rings.end(),
                                 [&ring](const std::shared_ptr<Ring>& one) { return one.get() == &ring; });
    if (at != here.rings.end()) {
        removed.swap(*at);
        here.rings.erase(at);
    }
}

void keeper_hurry() noexcept {
    Keeper& here = keeper();
    const std::lock_guard<std::mutex> lock(here.mutex);
    here.is_hurried = true;
    here.changed.notify_all();
}

void keeper_unlink_later(uint64_t epoch, bool for_others) noexcept {
    try {
        Keeper& here = keeper();
        const std::lock_guard<std::mutex> lock(here.mutex);
        here.names.push_back({epoch, for_others, Clock::now() + std::chrono::milliseconds(kRingKeepMs)});
    } catch (...) {
        qaultra_ring_unlink(epoch); // without memory to remember them
    }
}

void keeper_unlink_at_exit() noexcept {
    Keeper& here = keeper();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (const KeptName& name : here.names) {
        if (!name.for_others) {
            qaultra_ring_unlink(name.epoch);
        }
    }
}

void rings_each(const std::function<void(Ring&)>& visit) {
    Rings rings;
    {
        Keeper& here = keeper();
        const std::lock_guard<std::mutex> lock(here.mutex);
        rings = here.rings;
    }
    for (const auto& ring : rings) {
        visit(*ring);
    }
}

} // namespace qipc
