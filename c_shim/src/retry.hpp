// SPDX-License-Identifier: Apache-2.0
//
// Asking the daemon again, at a pace and until a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

namespace qipc {

class Retry {
  public:
    explicit Retry(uint32_t timeout_ms)
        : m_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms)) {}

    /** Waits a moment; false when the time is over. */
    bool again() const {
        if (std::chrono::steady_clock::now() + kPause >= m_deadline) {
            return false;
        }
        std::this_thread::sleep_for(kPause);
        return true;
    }

  private:
    static constexpr std::chrono::milliseconds kPause{20};
    std::chrono::steady_clock::time_point m_deadline;
};

} // namespace qipc
