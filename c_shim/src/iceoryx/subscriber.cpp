// SPDX-License-Identifier: Apache-2.0
#include "subscriber.hpp"

#include "signals.hpp"
#include "waiter_arm.hpp"

#include "iceoryx_binding_c/internal/cpp2c_subscriber.hpp"
#include "iceoryx_posh/mepoo/chunk_header.hpp"

#include <cstring>

namespace qipc {
namespace {

using iox::mepoo::ChunkHeader;

/** What the stack says of memory that does not begin as a chunk of its own does. */
constexpr iox::Error kNoChunkHeader =
    iox::Error::kPOPO__CHUNK_QUEUE_POPPER_CHUNK_WITH_INCOMPATIBLE_CHUNK_HEADER_VERSION;

int32_t refuse_held(const Subscriber& subscriber) noexcept {
    (void)subscriber;
    return fail(QIPC_E_TOO_MANY_HELD, kHeldMax + 1.0, kHeldMax,
                "Cannot take another block: %u are held, the limit of one subscriber. Release some", kHeldMax);
}

/** Checks a chunk before anybody sees it; a wrong one is given back and its refusal recorded. */
bool is_good(Subscriber& subscriber, const void* payload, const ChunkHeader& header) noexcept {
    const uint32_t size = header.userPayloadSize();
    if (__builtin_expect(size == subscriber.payload_size
                             && (reinterpret_cast<uintptr_t>(payload) & subscriber.alignment_mask) == 0,
                         1)) {
        return true;
    }
    if (size != subscriber.payload_size) {
        fail(QIPC_E_FOREIGN_CHUNK, size, subscriber.payload_size,
             "Refused a chunk of %u bytes from a peer: this subscriber takes chunks of %u bytes", size,
             subscriber.payload_size);
    } else {
        fail(QIPC_E_FOREIGN_CHUNK, static_cast<double>(reinterpret_cast<uintptr_t>(payload)),
             subscriber.alignment_mask + 1.0, "Refused a chunk from a peer that is not aligned to %u bytes",
             subscriber.alignment_mask + 1);
    }
    iox_sub_release_chunk(subscriber.sub, payload);
    return false;
}

int32_t refuse_slot(uint32_t slot) noexcept {
    return fail(QIPC_E_NOT_HELD, slot, kHeldMax, "Cannot release slot %u: it is not held, or was released before",
                slot);
}

} // namespace

bool subscriber_has_data(const Subscriber& subscriber) noexcept {
    return subscriber.has_refusal || iox_sub_has_chunks(subscriber.sub);
}

void subscriber_destroy_port(Subscriber& subscriber) {
    if (subscriber.sub == nullptr) {
        return;
    }
    if (port_is_ours(subscriber.port, subscriber.unique_id)) {
        waiter_forget(subscriber);
        // At the end of the process it may still be attached to the wait set of a thread that was woken from it.
        subscriber.sub->m_trigger.reset();
        for (const void* payload : subscriber.held) {
            if (payload != nullptr) {
                iox_sub_release_chunk(subscriber.sub, payload);
            }
        }
    } else {
        // The port in this place may be another's by now: only the binding's own object may be touched.
        waiter_forget_removed(subscriber);
    }
    iox_sub_deinit(subscriber.sub);
    subscriber.sub = nullptr;
    subscriber.port = removed_port<iox::popo::SubscriberPortData>();
}

void subscriber_close(Subscriber* subscriber) noexcept {
    // Inside of the gate, so that who takes all ports from the stack meets it either whole or not at all.
    const CallGuard guard;
    handle_free(subscriber->handle);
    if (guard.entered) {
        subscriber_destroy_port(*subscriber);
        delete subscriber;
    }
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
        if (__builtin_expect(subscriber->has_refusal, 0)) {
            subscriber->has_refusal = false;
            restore_detail(subscriber->refusal);
            return QIPC_E_FOREIGN_CHUNK;
        }
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (!port_is_ours(subscriber->port, subscriber->tag)) {
            return refuse_removed_port();
        }
        uint32_t count = 0;
        // After the first chunk the queue is asked before it is popped: asking an empty queue costs a third of popping it, and it
        // lies on the way of a block that came alone.
        while (count < max && (count == 0 || iox_sub_has_chunks(subscriber->sub))) {
            if (subscriber->free_count == 0) {
                // iceoryx would pop the chunk and drop it, so it must not be asked.
                return count == 0 && iox_sub_has_chunks(subscriber->sub) ? refuse_held(*subscriber)
                                                                         : static_cast<int32_t>(count);
            }
            const void* payload = nullptr;
            const iox_ChunkReceiveResult outcome = iox_sub_take_chunk(subscriber->sub, &payload);
            if (outcome != ChunkReceiveResult_SUCCESS) {
                if (outcome == ChunkReceiveResult_NO_CHUNK_AVAILABLE && stack_take_error() == kNoChunkHeader && count == 0) {
                    return fail(QIPC_E_FOREIGN_CHUNK, 0, 0,
                                "Refused a chunk from a peer: this user may not read it, or it is of another version of the stack");
                }
                if (outcome == ChunkReceiveResult_NO_CHUNK_AVAILABLE || count > 0) {
                    break;
                }
                return fail(QIPC_E_INTERNAL, static_cast<double>(outcome), 0, "The stack refused a take with %d",
                            static_cast<int>(outcome));
            }
            const ChunkHeader& header = *ChunkHeader::fromUserPayload(payload);
            if (!is_good(*subscriber, payload, header)) {
                if (count == 0) {
                    return QIPC_E_FOREIGN_CHUNK;
                }
                subscriber->refusal = saved_detail();
                subscriber->has_refusal = true;
                break;
            }
            WindowPlace place;
            if (!window_locate(subscriber->view, payload, false, subscriber->world_number, &place)) {
                iox_sub_release_chunk(subscriber->sub, payload);
                return fail(QIPC_E_INTERNAL, 0, 0, "The taken chunk at %p lies in no shared mapping", payload);
            }
            const uint16_t slot = subscriber->free_slots[--subscriber->free_count];
            subscriber->held[slot] = payload;
            const uint32_t words[4] = {slot, place.window, place.offset, subscriber->payload_size};
            const uint64_t words_behind[2] = {static_cast<uint64_t>(header.originId()), 0};
            uint8_t* entry = result + count * QIPC_TAKE_ENTRY_BYTES;
            std::memcpy(entry, words, sizeof words);
            std::memcpy(entry + 16, words_behind, sizeof words_behind);
            ++count;
        }
        return static_cast<int32_t>(count);
    });
}

QIPC_EXPORT int32_t qipc_subscriber_release(uint32_t handle, uint32_t slot) {
    return shielded([&]() -> int32_t {
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber == nullptr) {
            return handle_refusal(handle, Kind::subscriber);
        }
        if (slot >= kHeldMax || subscriber->held[slot] == nullptr) {
            return refuse_slot(slot);
        }
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (!port_is_ours(subscriber->port, subscriber->tag)) {
            return refuse_removed_port();
        }
        const void* payload = subscriber->held[slot];
        subscriber->held[slot] = nullptr;
        subscriber->free_slots[subscriber->free_count++] = static_cast<uint16_t>(slot);
        iox_sub_release_chunk(subscriber->sub, payload);
        return after_call("release");
    });
}

QIPC_EXPORT int32_t qipc_subscriber_has_data(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber == nullptr) {
            return handle_refusal(handle, Kind::subscriber);
        }
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (!port_is_ours(subscriber->port, subscriber->tag)) {
            return refuse_removed_port();
        }
        return subscriber_has_data(*subscriber) ? 1 : 0;
    });
}
