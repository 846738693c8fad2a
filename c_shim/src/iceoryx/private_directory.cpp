// SPDX-License-Identifier: Apache-2.0
#include "private_directory.hpp"

#include "error.hpp"
#include "guard.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace qipc {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kModeBits = 07777;
constexpr uint64_t kLockPollMs = 10;

bool is_same_file(const struct stat& one, const struct stat& other) noexcept {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

} // namespace

int32_t PrivateDirectory::fail_system(const char* action, const char* name, int error) const {
    return fail(QIPC_E_SYSTEM, error, 0, "Cannot start RouDi: could not %s %s/%s (%s)", action, path_.c_str(), name,
                strerrordesc_np(error));
}

int32_t PrivateDirectory::open() {
    char path[64];
    std::snprintf(path, sizeof path, QIPC_DIRECTORY_FORMAT, geteuid());
    path_ = path;
    const bool made = mkdir(path, kDirectoryMode) == 0;
    if (!made && errno != EEXIST) {
        return fail_system("make the directory", "", errno);
    }
    Fd directory(::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat found {};
    if (!directory) {
        if (errno == ENOTDIR || errno == ELOOP || errno == EACCES) {
            return fail(QIPC_E_ACCESS, geteuid(), 0,
                        "Cannot start RouDi: %s must be a directory of this user, and is a link, a file or somebody else's. "
                        "Remove it",
                        path);
        }
        return fail_system("open the directory", "", errno);
    }
    if (fstat(directory.get(), &found) != 0) {
        return fail_system("look at the directory", "", errno);
    }
    if (made && fchmod(directory.get(), kDirectoryMode) == 0) {
        found.st_mode = S_IFDIR | kDirectoryMode; // whatever the umask took out
    }
    if (found.st_uid != geteuid() || (found.st_mode & kModeBits) != kDirectoryMode) {
        return fail(QIPC_E_ACCESS, found.st_mode & kModeBits, kDirectoryMode,
                    "Cannot start RouDi: %s must belong to user %u with mode %o, and belongs to user %u with mode %o. Remove it",
                    path, geteuid(), kDirectoryMode, found.st_uid, found.st_mode & kModeBits);
    }
    directory_ = std::move(directory);
    return QIPC_OK;
}

bool PrivateDirectory::is_current(const char* name, const Fd& file) const noexcept {
    struct stat locked {};
    struct stat named {};
    return fstat(file.get(), &locked) == 0 && fstatat(directory_.get(), name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           is_same_file(locked, named);
}

int32_t PrivateDirectory::lock(const char* name, int operation, uint64_t deadline_ns, Fd* locked) {
    for (;;) {
        Fd file(openat(directory_.get(), name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kFileMode));
        if (!file && errno == ENOENT) {
            // The directory was removed together with the last daemon that was started from it.
            const int32_t status = open();
            if (status != QIPC_OK) {
                return status;
            }
            continue;
        }
        if (!file) {
            return fail_system("open", name, errno);
        }
        while (flock(file.get(), operation | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) {
                return fail_system("lock", name, errno);
            }
            if (now_ns() >= deadline_ns) {
                return QIPC_TIMED_OUT;
            }
            sleep_ns(ms_to_ns(kLockPollMs));
        }
        if (is_current(name, file)) {
            *locked = std::move(file);
            return QIPC_OK;
        }
    }
}

bool PrivateDirectory::is_locked(const char* name) const noexcept {
    const Fd file(openat(directory_.get(), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    return file && flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

int32_t PrivateDirectory::replace(const char* name, const char* temporary, const std::string& contents) {
    remove(temporary); // of somebody who was killed here
    const Fd file(openat(directory_.get(), temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    if (!file) {
        return fail_system("make", temporary, errno);
    }
    for (size_t written = 0; written < contents.size();) {
        const ssize_t bytes = write(file.get(), contents.data() + written, contents.size() - written);
        if (bytes < 0 && errno != EINTR) {
            return fail_system("write", temporary, errno);
        }
        written += static_cast<size_t>(std::max<ssize_t>(bytes, 0));
    }
    if (renameat(directory_.get(), temporary, directory_.get(), name) != 0) {
        return fail_system("rename to", name, errno);
    }
    return QIPC_OK;
}

int32_t PrivateDirectory::touch(const char* name) {
    const Fd file(openat(directory_.get(), name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    return file ? QIPC_OK : fail_system("make", name, errno);
}

void PrivateDirectory::remove(const char* name) noexcept {
    unlinkat(directory_.get(), name, 0);
}

bool PrivateDirectory::begins_with(const char* name, const std::string& text) const {
    const Fd file(openat(directory_.get(), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    std::string head(text.size(), '\0');
    return file && pread(file.get(), head.data(), head.size(), 0) == static_cast<ssize_t>(text.size()) && head == text;
}

std::string PrivateDirectory::tail(const char* name, size_t bytes_max) const {
    constexpr off_t kBytesReadMax = 4096;
    const Fd file(openat(directory_.get(), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    char bytes[kBytesReadMax];
    const off_t end = file ? lseek(file.get(), 0, SEEK_END) : 0;
    const ssize_t length = file ? pread(file.get(), bytes, sizeof bytes, std::max<off_t>(0, end - kBytesReadMax)) : 0;
    std::string text;
    for (ssize_t i = 0; i < length; i++) {
        if (bytes[i] == '\033') {
            // A colour: up to the letter that ends it.
            while (i < length && bytes[i] != 'm') {
                i++;
            }
        } else if (bytes[i] == '\n') {
            text += text.empty() || i + 1 == length ? "" : " | ";
        } else {
            text += bytes[i] >= ' ' && bytes[i] < '\177' ? bytes[i] : '?';
        }
    }
    return text.size() > bytes_max ? "..." + text.substr(text.size() - bytes_max) : text;
}

} // namespace qipc
