// SPDX-License-Identifier: Apache-2.0
#include "ring_remains.hpp"

#include "ring_file.hpp"

#include <cerrno>
#include <cstddef>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace qipc {
namespace {

/** A table without data, not locked: a program that makes its ring by other means than ours may be about to name the data. */
constexpr int64_t kLoneTableS = 2;

/** Closed in order, a moment ago, with its names kept on purpose. */
bool is_kept(int data_file) noexcept {
    uint32_t words[2] = {0, 0};
    static_assert(offsetof(qaultra_ring_header, state) == offsetof(qaultra_ring_header, heartbeat_ms) + 4);
    const ssize_t length = pread(data_file, words, sizeof words, offsetof(qaultra_ring_header, heartbeat_ms));
    return length == sizeof words && words[1] == QAULTRA_RING_CLOSED && clock_ms() - words[0] < kRingKeepMs;
}

bool is_there(const RingPath& path) noexcept {
    struct stat found {};
    return lstat(path.text, &found) == 0 || errno != ENOENT;
}

/** Seconds since the file was named, by the clock that file systems use. */
int64_t age_of(const struct stat& file) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<int64_t>(now.tv_sec) - static_cast<int64_t>(file.st_ctim.tv_sec);
}

void look_at(int folder, const char* name, RingFile kind, uint64_t epoch) noexcept {
    struct stat found {};
    const Fd file(openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    // One that may not be opened is another group's, who looks after it.
    if (!file || fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode) || ring_is_locked(file.get())) {
        return;
    }
    if (kind == RingFile::data) {
        if (!is_kept(file.get())) {
            qaultra_ring_unlink(epoch);
        }
        return;
    }
    // A table that is locked may belong to a ring that is just being made. This one does not, so its data will not appear.
    if (!is_there(ring_path(RingFile::data, epoch)) && age_of(found) > kLoneTableS) {
        unlinkat(folder, name, 0);
    }
}

} // namespace

void ring_remove_remains() noexcept {
    DIR* const folder = opendir(QAULTRA_RING_FOLDER);
    while (const dirent* const entry = folder != nullptr ? readdir(folder) : nullptr) {
        RingFile kind = RingFile::data;
        uint64_t epoch = 0;
        if (ring_parse_name(entry->d_name, &kind, &epoch)) {
            look_at(dirfd(folder), entry->d_name, kind, epoch);
        }
    }
    if (folder != nullptr) {
        closedir(folder);
    }
}

} // namespace qipc
