// SPDX-License-Identifier: Apache-2.0
//
// Moments of the monotonic clock, for deadlines.
#pragma once

#include <cstdint>
#include <ctime>

namespace qipc {

constexpr uint64_t kNsPerMs = 1000000;
constexpr uint64_t kNsPerS = 1000000000;

constexpr uint64_t ms_to_ns(uint64_t ms) noexcept {
    return ms * kNsPerMs;
}

/** A moment, or a duration, as the kernel takes it. */
constexpr timespec to_timespec(uint64_t ns) noexcept {
    return {static_cast<time_t>(ns / kNsPerS), static_cast<long>(ns % kNsPerS)};
}

/** CLOCK_MONOTONIC. Async-signal-safe. */
inline uint64_t now_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * kNsPerS + static_cast<uint64_t>(now.tv_nsec);
}

/** CLOCK_MONOTONIC in milliseconds modulo 2^32, as the heartbeats of rings have it. */
inline uint32_t clock_ms() noexcept {
    return static_cast<uint32_t>(now_ns() / kNsPerMs);
}

/** Not interrupted by signals for good: the caller looks at the clock. */
inline void sleep_ns(uint64_t ns) noexcept {
    const timespec pause = to_timespec(ns);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
}

} // namespace qipc
