// SPDX-License-Identifier: Apache-2.0
#include "room_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sched.h>

namespace qipc {
namespace {

/** Where iceoryx has the segment that every connected process may write. */
constexpr const char* kManagementSegment = "/dev/shm/iceoryx_mgmt";
/** Far more than the publishing of one block takes, also by a thread that has to wait for a CPU. */
constexpr uint64_t kWaitNs = 50 * kNsPerMs;

constexpr uint64_t kHashBegin = 0xcbf29ce484222325;
constexpr uint64_t kHashPrime = 0x100000001b3;
/** The lock may lie far behind the end of the file, but not beyond what an offset can say. */
constexpr uint64_t kOffsetMask = 0x3fffffffffffffff;

/** FNV-1a (Fowler, Noll, Vo) of a text and of its end, so that no two lists of texts are the same. */
uint64_t hash_text(uint64_t hash, const std::string& text) noexcept {
    for (const char character : text) {
        hash = (hash ^ static_cast<uint8_t>(character)) * kHashPrime;
    }
    return hash * kHashPrime;
}

} // namespace

void RoomLock::open(const StreamName& name) noexcept {
    file_ = Fd(::open(kManagementSegment, O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    byte_ = static_cast<off_t>(
        hash_text(hash_text(hash_text(kHashBegin, name.service), name.stream), name.event) & kOffsetMask);
}

bool RoomLock::set(short type) noexcept {
    struct flock wanted = {};
    wanted.l_type = type;
    wanted.l_whence = SEEK_SET;
    wanted.l_start = byte_;
    wanted.l_len = 1;
    return fcntl(file_.get(), F_OFD_SETLK, &wanted) == 0;
}

bool RoomLock::take() noexcept {
    if (!file_ || set(F_WRLCK)) {
        return true;
    }
    const uint64_t deadline = now_ns() + kWaitNs;
    while (errno == EAGAIN || errno == EACCES || errno == EINTR) {
        if (now_ns() >= deadline) {
            return false;
        }
        sched_yield();
        if (set(F_WRLCK)) {
            return true;
        }
    }
    // Locks that cannot be had at all, as when the kernel is out of memory for them, must not stop the stream.
    return true;
}

void RoomLock::give_back() noexcept {
    if (file_) {
        set(F_UNLCK);
    }
}

} // namespace qipc
