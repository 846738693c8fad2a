// SPDX-License-Identifier: Apache-2.0
#include "subscriber.hpp"

#include "take_order.hpp"
#include "waiter.hpp"
#include "watch.hpp"

#include <algorithm>
#include <cstring>

namespace qipc {
namespace {

/** Publishers whose segments are remembered. */
constexpr size_t kViewsMax = 64;

int32_t refuse_held() noexcept {
    return fail(QIPC_E_TOO_MANY_HELD, kHeldMax + 1.0, kHeldMax,
                "Cannot take another block: %u are held, the limit of one subscriber. Release some", kHeldMax);
}

int32_t refuse_slot(uint32_t slot) noexcept {
    return fail(QIPC_E_NOT_HELD, slot, kHeldMax, "Cannot release slot %u: it is not held, or was released before",
                slot);
}

void free_slot(Subscriber& subscriber, uint16_t slot) noexcept {
    iox2_subscriber_release(subscriber.port, slot);
    subscriber.free_slots[subscriber.free_count++] = slot;
}

bool is_good(const Subscriber& subscriber, const iox2_chunk& chunk) noexcept {
    return chunk.payload_bytes == subscriber.payload_size &&
           (reinterpret_cast<uintptr_t>(chunk.payload) & subscriber.alignment_mask) == 0;
}

int32_t refuse_chunk(const Subscriber& subscriber, const iox2_chunk& chunk) noexcept {
    if (chunk.payload_bytes != subscriber.payload_size) {
        return fail(QIPC_E_FOREIGN_CHUNK, static_cast<double>(chunk.payload_bytes), subscriber.payload_size,
                    "Refused a chunk of %llu bytes from a peer: this subscriber takes chunks of %u bytes",
                    static_cast<unsigned long long>(chunk.payload_bytes), subscriber.payload_size);
    }
    return fail(QIPC_E_FOREIGN_CHUNK, static_cast<double>(reinterpret_cast<uintptr_t>(chunk.payload)),
                subscriber.alignment_mask + 1.0, "Refused a chunk from a peer that is not aligned to %u bytes",
                subscriber.alignment_mask + 1);
}

/** What a publisher keeps for who comes late, of blocks that were published before the subscriber was opened; -1 of others. */
int64_t history_of(const Subscriber& subscriber, const iox2_chunk& chunk) noexcept {
    ChunkNote& note = *note_of(chunk);
    const bool is_past = note_is_there(note) && note.published_ns < subscriber.opened_ns;
    return is_past ? int64_t{std::min(note.history, subscriber.history)} : -1;
}

bool is_same_publisher(const iox2_chunk& one, const iox2_chunk& other) noexcept {
    return one.publisher[0] == other.publisher[0] && one.publisher[1] == other.publisher[1];
}

/** Adds a block of the past, and lets go of the oldest of its publisher when there are more than were asked for. */
void add_past(Subscriber& subscriber, const ReadyChunk& chunk, uint32_t history) {
    subscriber.ready.push_back(chunk);
    const auto is_of_it = [&chunk](const ReadyChunk& one) {
        return one.is_past && is_same_publisher(one.chunk, chunk.chunk);
    };
    auto& ready = subscriber.ready;
    if (static_cast<uint64_t>(std::count_if(ready.begin(), ready.end(), is_of_it)) > history) {
        const auto oldest = std::find_if(ready.begin(), ready.end(), is_of_it);
        free_slot(subscriber, oldest->slot);
        ready.erase(oldest);
    }
}

bool locate(Subscriber& subscriber, const iox2_chunk& chunk, WindowPlace* place) {
    auto& views = subscriber.views;
    const uint32_t given_back = g_windows_given_back.load(std::memory_order_acquire);
    if (__builtin_expect(given_back != subscriber.given_back, 0)) {
        subscriber.given_back = given_back;
        views.clear();
    }
    const auto at = std::find_if(views.begin(), views.end(), [&chunk](const SegmentView& view) {
        return view.publisher[0] == chunk.publisher[0] && view.publisher[1] == chunk.publisher[1];
    });
    if (at == views.end()) {
        views.resize(std::min(views.size(), kViewsMax - 1));
        views.insert(views.begin(), SegmentView{});
    } else if (at != views.begin()) {
        std::rotate(views.begin(), at, at + 1);
    }
    return window_locate(views.front(), chunk.publisher, chunk.payload, false, subscriber.world->number, place);
}

/**
 * Takes the next chunk: 1 when there was one, 0 when not, or an error. iceoryx2 hands a late subscriber all that a publisher keeps, so
 * blocks from before are sorted out first, up to the first one from after.
 */
int32_t next_chunk(Subscriber& subscriber, ReadyChunk* out) {
    for (;;) {
        if (subscriber.free_count == 0) {
            break;
        }
        const uint16_t slot = subscriber.free_slots[subscriber.free_count - 1];
        iox2_failure failure;
        ReadyChunk found{{}, {}, 0, slot, false};
        const int32_t status = iox2_subscriber_take(subscriber.port, slot, &found.chunk, &failure);
        if (status < 0) {
            return subscriber.ready.empty() ? refuse(status, failure) : 0;
        }
        if (status == 0) {
            break;
        }
        --subscriber.free_count;
        if (!locate(subscriber, found.chunk, &found.place)) {
            free_slot(subscriber, slot);
            return fail(QIPC_E_INTERNAL, 0, 0, "The taken chunk at %p lies in no shared mapping", found.chunk.payload);
        }
        if (found.chunk.payload_bytes >= 2 * sizeof found.time) {
            std::memcpy(&found.time, static_cast<const uint8_t*>(found.chunk.payload) + sizeof found.time, sizeof found.time);
        }
        const int64_t history = history_of(subscriber, found.chunk);
        if (__builtin_expect(history < 0, 1)) {
            if (__builtin_expect(subscriber.ready.empty(), 1)) {
                *out = found;
                return 1;
            }
            subscriber.ready.push_back(found);
            break;
        }
        found.is_past = true;
        add_past(subscriber, found, static_cast<uint32_t>(history));
    }
    if (subscriber.ready.empty()) {
        return 0;
    }
    *out = subscriber.ready.front();
    subscriber.ready.pop_front();
    return 1;
}

/** One more entry of a take: 1, 0 when there is nothing, or an error. */
int32_t take_one(Subscriber& subscriber, uint8_t* entry, uint64_t* time) {
    if (subscriber.held_count == kHeldMax) {
        return subscriber_has_data(subscriber) == 1 ? refuse_held() : 0;
    }
    ReadyChunk taken;
    if (const int32_t status = next_chunk(subscriber, &taken); status != 1) {
        return status;
    }
    if (!is_good(subscriber, taken.chunk)) {
        const int32_t status = refuse_chunk(subscriber, taken.chunk);
        free_slot(subscriber, taken.slot);
        return status;
    }
    subscriber.is_held[taken.slot] = true;
    std::memcpy(subscriber.held_of[taken.slot], taken.chunk.publisher, sizeof taken.chunk.publisher);
    ++subscriber.held_count;
    *time = taken.time;
    const uint32_t words[4] = {taken.slot, taken.place.window, taken.place.offset, subscriber.payload_size};
    const uint64_t words_behind[2] = {origin_of(taken.chunk.publisher), 0};
    std::memcpy(entry, words, sizeof words);
    std::memcpy(entry + 16, words_behind, sizeof words_behind);
    return 1;
}

} // namespace

int32_t subscriber_has_data(Subscriber& subscriber) {
    if (subscriber.has_refusal || !subscriber.ready.empty()) {
        return 1;
    }
    if (iox2_subscriber_has_data(subscriber.port) == 0) {
        return 0;
    }
    if (subscriber.held_count == kHeldMax) {
        return 1;
    }
    // It may be history that nobody asked for.
    ReadyChunk next;
    const int32_t status = next_chunk(subscriber, &next);
    if (status == 1) {
        subscriber.ready.push_front(next);
    }
    return status;
}

bool subscriber_uses(const Subscriber& subscriber, const uint64_t* publisher) noexcept {
    const auto is_it = [publisher](const uint64_t* other) { return other[0] == publisher[0] && other[1] == publisher[1]; };
    for (const ReadyChunk& ready : subscriber.ready) {
        if (is_it(ready.chunk.publisher)) {
            return true;
        }
    }
    for (uint32_t slot = 0; slot < kSlotsMax; ++slot) {
        if (subscriber.is_held[slot] && is_it(subscriber.held_of[slot])) {
            return true;
        }
    }
    return false;
}

void subscriber_end_port(Subscriber& subscriber) noexcept {
    if (subscriber.port != nullptr) {
        iox2_subscriber_close(subscriber.port, world_is_lost(*subscriber.world));
        subscriber.port = nullptr;
        subscriber.ready.clear();
    }
}

void subscriber_close(Subscriber* subscriber) noexcept {
    handle_free(subscriber->handle);
    if (!watch_remove(subscriber)) {
        return; // the end of the process has it
    }
    {
        const std::lock_guard<std::mutex> control(control_mutex());
        subscriber_end_port(*subscriber);
    }
    delete subscriber;
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_subscriber_close(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber == nullptr) {
            return handle_refusal(handle, Kind::subscriber);
        }
        subscriber_close(subscriber);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_subscriber_take(uint32_t handle, uint32_t max, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        if (max == 0 || max > QIPC_TAKE_MAX) {
            return fail(QIPC_E_OPTION, max, QIPC_TAKE_MAX, "Cannot take %u blocks at once: it must be 1 to %u", max,
                        QIPC_TAKE_MAX);
        }
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber == nullptr) {
            return handle_refusal(handle, Kind::subscriber);
        }
        const PortLockGuard lock(subscriber->lock);
        if (__builtin_expect(subscriber->has_refusal, 0)) {
            subscriber->has_refusal = false;
            restore_detail(subscriber->refusal);
            return QIPC_E_FOREIGN_CHUNK;
        }
        if (subscriber->port == nullptr) {
            return refuse_ended_port();
        }
        uint64_t times[QIPC_TAKE_MAX];
        uint32_t count = 0;
        int32_t status = 1;
        for (; count < max; ++count) {
            status = take_one(*subscriber, result + count * QIPC_TAKE_ENTRY_BYTES, &times[count]);
            if (status != 1) {
                break;
            }
        }
        if (count == 0) {
            return status;
        }
        if (status == QIPC_E_FOREIGN_CHUNK) {
            subscriber->refusal = saved_detail();
            subscriber->has_refusal = true;
        }
        order_taken(result, times, count);
        return static_cast<int32_t>(count);
    });
}

QIPC_EXPORT int32_t qipc_subscriber_release(uint32_t handle, uint32_t slot) {
    return shielded([&]() -> int32_t {
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber == nullptr) {
            return handle_refusal(handle, Kind::subscriber);
        }
        const PortLockGuard lock(subscriber->lock);
        if (slot >= kSlotsMax || !subscriber->is_held[slot]) {
            return refuse_slot(slot);
        }
        if (subscriber->port == nullptr) {
            return refuse_ended_port();
        }
        subscriber->is_held[slot] = false;
        --subscriber->held_count;
        free_slot(*subscriber, static_cast<uint16_t>(slot));
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_subscriber_has_data(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber == nullptr) {
            return handle_refusal(handle, Kind::subscriber);
        }
        const PortLockGuard lock(subscriber->lock);
        return subscriber->port == nullptr ? refuse_ended_port() : subscriber_has_data(*subscriber);
    });
}
