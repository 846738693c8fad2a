// SPDX-License-Identifier: Apache-2.0
#include "ring_sleep.hpp"

#include "clock.hpp"

#include <cerrno>
#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace qipc {
namespace {

#ifdef SYS_futex_waitv
constexpr long kFutexWaitv = SYS_futex_waitv;
#else
constexpr long kFutexWaitv = 449; // the same on every architecture; these headers are older than the call
#endif

uint32_t load(const uint32_t* word) noexcept {
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

long wait_on_many(futex_waitv* words, uint32_t count, uint64_t until_ns) noexcept {
    const timespec until = to_timespec(until_ns);
    return syscall(kFutexWaitv, words, count, 0, &until, CLOCK_MONOTONIC);
}

bool ask_kernel() noexcept {
    const uint32_t word = 0;
    futex_waitv unequal{};
    unequal.uaddr = reinterpret_cast<uint64_t>(&word);
    unequal.val = 1;
    unequal.flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
    // The value is another, so a kernel that knows the call says so at once.
    return wait_on_many(&unequal, 1, now_ns()) < 0 && errno == EAGAIN;
}

} // namespace

bool can_sleep_on_many() noexcept {
    static const bool answer = ask_kernel();
    return answer;
}

void sleep_on(const SleepWord* words, uint32_t count, uint64_t until_ns) noexcept {
    if (!can_sleep_on_many()) {
        const timespec until = to_timespec(until_ns);
        const int operation = FUTEX_WAIT_BITSET | (words[0].is_shared ? 0 : FUTEX_PRIVATE_FLAG);
        syscall(SYS_futex, words[0].word, operation, words[0].expected, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
        return;
    }
    futex_waitv list[kSleepWordsMax] = {};
    for (uint32_t i = 0; i < count; ++i) {
        list[i].uaddr = reinterpret_cast<uint64_t>(words[i].word);
        list[i].val = words[i].expected;
        list[i].flags = FUTEX_32 | (words[i].is_shared ? 0u : static_cast<uint32_t>(FUTEX_PRIVATE_FLAG));
    }
    wait_on_many(list, count, until_ns);
}

bool are_as_expected(const SleepWord* words, uint32_t count) noexcept {
    for (uint32_t i = 0; i < count; ++i) {
        if (load(words[i].word) != words[i].expected) {
            return false;
        }
    }
    return true;
}

void wake_private(const uint32_t* word) noexcept {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

} // namespace qipc
