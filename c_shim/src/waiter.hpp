// SPDX-License-Identifier: Apache-2.0
//
// Waking an event loop through a socket: one byte, and none more until the loop has cleared it.
#pragma once

#include "runtime.hpp"

#include <atomic>
#include <cstdint>

namespace qipc {

struct Subscriber;

struct Waiter {
    int write_end = -1;
    std::atomic<uint32_t> is_signalled{0}; // 1 while a byte lies in the socket that was not cleared
    uint32_t handle = 0;
    uint32_t runtime = 0;
    std::shared_ptr<World> world; // brought up to date by each lease
};

/** Sends the byte, unless one is there already. Any thread. */
void waiter_signal(Waiter& waiter) noexcept;

/** The same for every waiter of the process: each event loop looks again at what it waits for. */
void waiters_signal_all() noexcept;

/** Detaches the subscriber from its waiter, if it has one. With the port being ours, or removed by the daemon. */
void waiter_forget(Subscriber& subscriber) noexcept;
void waiter_forget_removed(Subscriber& subscriber);

/** Detaches the waiter's subscribers, closes our end of the socket and deletes it. */
void waiter_close(Waiter* waiter) noexcept;

} // namespace qipc
