// SPDX-License-Identifier: Apache-2.0
//
// Waking an event loop through a socket: one byte, and none more until the loop has cleared it.
#pragma once

#include "runtime.hpp"

#include <atomic>
#include <cstdint>

namespace qipc {

struct Waiter {
    int write_end = -1;
    std::atomic<uint32_t> is_signalled{0}; // 1 while a byte lies in the socket that was not cleared
    uint32_t handle = 0;
    uint32_t runtime = 0;
    std::shared_ptr<World> world; // brought up to date by each lease
};

/** Sends the byte, unless one is there already. Any thread. */
void waiter_signal(Waiter& waiter) noexcept;

/** Detaches the subscribers that a waiter of the calling thread is armed for; false at the end of the thread or the process, when they
 * still refer to it. Inside the gate. Each stack defines it. */
bool waiter_detach_subscribers(Waiter& waiter) noexcept;

/** Detaches the waiter's subscribers, closes our end of the socket and deletes it. */
void waiter_close(Waiter* waiter) noexcept;

} // namespace qipc
