// SPDX-License-Identifier: Apache-2.0
//
// Subscriber ports and the waiters that are told of their data.
#pragma once

#include "waiter.hpp"

namespace qipc {

struct Subscriber;

/** Sends a byte to every waiter of the process: each event loop looks again at what it waits for. */
void waiters_signal_all() noexcept;

/** Detaches the subscriber from its waiter, if it has one. With the port being ours, or removed by the daemon. */
void waiter_forget(Subscriber& subscriber) noexcept;
void waiter_forget_removed(Subscriber& subscriber);

} // namespace qipc
