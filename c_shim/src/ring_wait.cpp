// SPDX-License-Identifier: Apache-2.0
#include "ring_wait.hpp"

#include "exit.hpp"
#include "ring.hpp"
#include "ring_sleep.hpp"
#include "ring_waiter.hpp"

#include <algorithm>
#include <cstring>

namespace qipc {
namespace {

constexpr double kWaitMsMax = 2147483647.0;
constexpr uint32_t kWaitWords = 4;
constexpr uint32_t kWaitBytes = 4 * kWaitWords;
static_assert(QIPC_RING_WAITS_MAX < kSleepWordsMax);

/** Between two looks at words that nobody would wake the sleeper for: who changed one may have been killed before it woke. */
constexpr uint64_t kLookMs = 500;
/** The same where the kernel lets a thread sleep on one word only: for the end of the process, and for the other words. */
constexpr uint64_t kLookMsOneWord = 50;
constexpr uint64_t kLookMsOtherWords = 1;

/** Changes when the process ends. */
constinit uint32_t g_end = 0;

int32_t find_word(uint32_t handle, uint32_t which, Ring** ring) {
    *ring = handle_object<Ring>(handle, Kind::ring);
    if (*ring == nullptr) {
        return handle_refusal(handle, Kind::ring);
    }
    if (which >= kRingWords) {
        return fail(QIPC_E_OPTION, which, kRingWords - 1, "Cannot use word %u of a ring: there are 0 and 1", which);
    }
    return QIPC_OK;
}

uint64_t look_interval_ms(uint32_t count) noexcept {
    if (can_sleep_on_many()) {
        return kLookMs;
    }
    return count == 1 ? kLookMsOneWord : kLookMsOtherWords;
}

/** `words` has room for one more. */
int32_t wait(SleepWord* words, uint32_t count, uint64_t until_ns) {
    // Read first: what ends between this and the sleep is seen by the sleep.
    words[count] = {&g_end, __atomic_load_n(&g_end, __ATOMIC_SEQ_CST), false};
    const uint64_t interval_ns = ms_to_ns(look_interval_ms(count));
    for (;;) {
        if (!are_as_expected(words, count)) {
            return QIPC_OK;
        }
        if (process_is_exiting()) {
            return refuse_after_exit();
        }
        const uint64_t now = now_ns();
        if (now >= until_ns) {
            return QIPC_TIMED_OUT;
        }
        sleep_on(words, count + 1, std::min(until_ns, now + interval_ns));
    }
}

int32_t find_both(uint32_t waiter_handle, uint32_t ring_handle, uint32_t word, Waiter** waiter, Ring** ring) {
    *waiter = handle_object<Waiter>(waiter_handle, Kind::waiter);
    return *waiter == nullptr ? handle_refusal(waiter_handle, Kind::waiter) : find_word(ring_handle, word, ring);
}

} // namespace

void ring_waits_end() noexcept {
    __atomic_fetch_add(&g_end, 1u, __ATOMIC_SEQ_CST);
    wake_private(&g_end);
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_ring_wake(uint32_t handle, uint32_t word) {
    return shielded([&]() -> int32_t {
        Ring* ring = nullptr;
        if (const int32_t status = find_word(handle, word, &ring); status != QIPC_OK) {
            return status;
        }
        if (!ring->memory->is_table_writable) {
            return ring_refuse_read_only();
        }
        // What the sleepers wait for was stored before this call, and must be seen before the flag is looked at.
        QAULTRA_RING_FULL_BARRIER();
        qaultra_ring_wake(ring->memory->word(word));
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_ring_wait(const uint8_t* waits, uint32_t count, double timeout_ms) {
    return shielded([&]() -> int32_t {
        if (waits == nullptr) {
            return fail(QIPC_E_NULL, 0, 0, "Cannot read what to wait for: the pointer is null");
        }
        if (count == 0 || count > QIPC_RING_WAITS_MAX) {
            return fail(QIPC_E_OPTION, count, QIPC_RING_WAITS_MAX, "Cannot wait for %u words: it must be 1 to %u", count,
                        QIPC_RING_WAITS_MAX);
        }
        if (!(timeout_ms >= 0) || timeout_ms > kWaitMsMax) {
            return fail(QIPC_E_OPTION, timeout_ms, kWaitMsMax, "Cannot wait for %g ms: it must be 0 to %.0f", timeout_ms,
                        kWaitMsMax);
        }
        SleepWord words[QIPC_RING_WAITS_MAX + 1];
        for (uint32_t i = 0; i < count; ++i) {
            uint32_t entry[kWaitWords];
            std::memcpy(entry, waits + i * kWaitBytes, sizeof entry);
            Ring* ring = nullptr;
            if (const int32_t status = find_word(entry[0], entry[1], &ring); status != QIPC_OK) {
                return status;
            }
            words[i] = {ring->memory->word(entry[1]), entry[2], true};
        }
        return wait(words, count, now_ns() + static_cast<uint64_t>(timeout_ms * static_cast<double>(kNsPerMs)));
    });
}

QIPC_EXPORT int32_t qipc_waiter_arm_ring(uint32_t waiter_handle, uint32_t ring_handle, uint32_t word, uint32_t expected) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = nullptr;
        Ring* ring = nullptr;
        const int32_t status = find_both(waiter_handle, ring_handle, word, &waiter, &ring);
        return status == QIPC_OK ? ring_arm(*waiter, *ring, word, expected) : status;
    });
}

QIPC_EXPORT int32_t qipc_waiter_disarm_ring(uint32_t waiter_handle, uint32_t ring_handle, uint32_t word) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = nullptr;
        Ring* ring = nullptr;
        const int32_t status = find_both(waiter_handle, ring_handle, word, &waiter, &ring);
        if (status == QIPC_OK) {
            ring_disarm(*waiter, *ring, word);
        }
        return status;
    });
}
