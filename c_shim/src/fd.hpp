// SPDX-License-Identifier: Apache-2.0
//
// A file descriptor with an owner, and waiting for one until a moment of the monotonic clock.
#pragma once

#include "clock.hpp"

#include <cstdint>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace qipc {

class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() { close(); }

    explicit operator bool() const noexcept { return fd_ >= 0; }
    int get() const noexcept { return fd_; }
    void close() noexcept {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

private:
    int fd_ = -1;
};

/** Whether poll found `events` (or an error, or a hang-up) at the descriptor before the deadline. */
inline bool wait_until(int fd, short events, uint64_t deadline_ns) noexcept {
    for (;;) {
        const uint64_t now = now_ns();
        const uint64_t left_ns = now < deadline_ns ? deadline_ns - now : 0;
        const timespec left = to_timespec(left_ns);
        pollfd wanted{fd, events, 0};
        const int found = ppoll(&wanted, 1, &left, nullptr);
        if (found > 0) {
            return true;
        }
        if (left_ns == 0) {
            return false;
        }
    }
}

} // namespace qipc
