// SPDX-License-Identifier: Apache-2.0
//
// A thread of this library that looks at all ports of the process: it connects subscribers that have come to publishers that have
// nothing to send, and tells who waits for data of it. Publishers that are not of this library ring no bell, so it has to look.
#pragma once

#include <cstdint>

namespace qipc {

struct Publisher;
struct Subscriber;

/** Takes a port into care. False when the thread cannot be started. */
bool watch_add(Publisher* publisher);
bool watch_add(Subscriber* subscriber);

/** Lets go of it; it is not looked at any more when this returns. False when the end of the process has taken it: then it is to stay. */
bool watch_remove(const Publisher* publisher) noexcept;
bool watch_remove(const Subscriber* subscriber) noexcept;

/** Somebody waits from now on. */
void watch_hurry() noexcept;

/** Connects the publishers of this process with whoever has come, now. */
void watch_connect() noexcept;

/** Ends the ports of a node that is gone. The caller has the control mutex. */
void watch_end_world(uint64_t world) noexcept;

/** At the end of the process: ends every port. */
void watch_end_all() noexcept;

} // namespace qipc
