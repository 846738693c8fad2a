// SPDX-License-Identifier: Apache-2.0
//
// Sleeping while words have the values that they are expected to have.
#pragma once

#include <cstdint>

namespace qipc {

/** Words of one sleep at the most, as the kernel has it. */
inline constexpr uint32_t kSleepWordsMax = 128;

struct SleepWord {
    const uint32_t* word;
    uint32_t expected;
    bool is_shared; // with other processes
};

/** Whether the kernel lets a thread sleep on several words at once (futex_waitv, Linux 5.16; sandboxes may refuse it). */
bool can_sleep_on_many() noexcept;

/**
 * Sleeps until a word is woken or does not have its value, or until the moment `until_ns` of the monotonic clock; may return
 * for no reason. Where the kernel knows no sleep on several words, it is one on the first of them.
 */
void sleep_on(const SleepWord* words, uint32_t count, uint64_t until_ns) noexcept;

/** Whether each word still has its value. */
bool are_as_expected(const SleepWord* words, uint32_t count) noexcept;

/** Wakes who sleeps on a word of this process alone. */
void wake_private(const uint32_t* word) noexcept;

} // namespace qipc
