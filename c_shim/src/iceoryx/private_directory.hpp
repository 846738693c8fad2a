// SPDX-License-Identifier: Apache-2.0
//
// The directory of this user's own in which spawning is agreed on, and the locks in it (guard.h lists them).
#pragma once

#include "fd.hpp"

#include <cstdint>
#include <string>

namespace qipc {

class PrivateDirectory {
public:
    /** Opens the directory, and makes it where it is missing. QIPC_E_ACCESS when something lies there that is not this
     * user's alone. */
    int32_t open();

    const std::string& path() const noexcept { return path_; }

    /** Opens `name` (made where it is missing, links not followed) and locks it: LOCK_SH or LOCK_EX. Waits until
     * `deadline_ns`; QIPC_TIMED_OUT when the lock was not to be had, and `*locked` stays as it was. */
    int32_t lock(const char* name, int operation, uint64_t deadline_ns, Fd* locked);

    /** Whether somebody holds an exclusive lock of `name`. */
    bool is_locked(const char* name) const noexcept;

    /** Whether `name` leads to the file that `file` is. */
    bool is_current(const char* name, const Fd& file) const noexcept;

    /** Replaces `name` by a file of these contents as a whole: nobody sees a part of it. `temporary` is a name for the
     * meantime. */
    int32_t replace(const char* name, const char* temporary, const std::string& contents);

    /** Makes an empty file where there is none. */
    int32_t touch(const char* name);
    void remove(const char* name) noexcept;

    /** Whether a file's content begins so. */
    bool begins_with(const char* name, const std::string& text) const;

    /** The last `bytes_max` bytes of a file, as one line without control characters. */
    std::string tail(const char* name, size_t bytes_max) const;

private:
    int32_t fail_system(const char* action, const char* name, int error) const;

    std::string path_;
    Fd directory_;
};

} // namespace qipc
