// SPDX-License-Identifier: Apache-2.0
//
// Opening and closing the connection, one thread at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace qipc {

/** Who opens or closes the world has it to himself, and may wait for the daemon meanwhile; others wait no longer than they want. */
class Turn {
  public:
    bool take(uint32_t wait_ms) {
        std::unique_lock<std::mutex> lock(m_mutex);
        if (!m_given_back.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return !m_is_taken; })) {
            return false;
        }
        m_is_taken = true;
        return true;
    }

    void give_back() {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_is_taken = false;
        m_given_back.notify_one();
    }

  private:
    std::mutex m_mutex;
    std::condition_variable m_given_back;
    bool m_is_taken = false;
};

inline Turn& the_turn() {
    static Turn& instance = *new Turn;
    return instance;
}

class TurnGuard {
  public:
    explicit TurnGuard(uint32_t wait_ms) : has_turn(the_turn().take(wait_ms)) {}
    ~TurnGuard() {
        if (has_turn) {
            the_turn().give_back();
        }
    }
    TurnGuard(const TurnGuard&) = delete;
    TurnGuard& operator=(const TurnGuard&) = delete;

    const bool has_turn;
};

} // namespace qipc
