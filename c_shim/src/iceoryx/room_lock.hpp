// SPDX-License-Identifier: Apache-2.0
//
// Keeps the room of lossless queues: between the look whether there is some and the publishing no other broadcaster of the stream may
// take it, or the stack would make the publisher wait for a reader, for ever if need be.
#pragma once

#include "fd.hpp"
#include "port.hpp"

#include <sys/types.h>

namespace qipc {

/**
 * A lock that all blocking publishers of one stream share, of every thread and process: one byte of the stack's management segment,
 * named by a hash of the stream, as a lock of an open file, which the kernel gives back with the process. Nothing is written there.
 * Publishers that are not of this library do not know it.
 */
class RoomLock {
public:
    /** Of a stream; its publisher is to be connected. Without the segment's file there is no lock, and every take succeeds. */
    void open(const StreamName& name) noexcept;

    /** Takes it, or waits a moment for whoever has it; false when that one is stopped. */
    bool take() noexcept;

    void give_back() noexcept;

private:
    bool set(short type) noexcept;

    Fd file_;
    off_t byte_ = 0;
};

/** Has a lock for a scope, if it is wanted at all. */
class RoomLockGuard {
public:
    RoomLockGuard(RoomLock& lock, bool wanted) noexcept : lock_(lock), taken_(wanted && lock.take()), fits(taken_ || !wanted) {}
    ~RoomLockGuard() {
        if (taken_) {
            lock_.give_back();
        }
    }
    RoomLockGuard(const RoomLockGuard&) = delete;
    RoomLockGuard& operator=(const RoomLockGuard&) = delete;

private:
    RoomLock& lock_;
    const bool taken_;

public:
    /** Whether it was taken, or not wanted. */
    const bool fits;
};

} // namespace qipc
