// SPDX-License-Identifier: Apache-2.0
#include "free_files.hpp"

#include "error.hpp"
#include "fd.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>

namespace qipc {
namespace {

constexpr size_t kFilesWanted = 16;

} // namespace

int32_t check_free_files(const char* action) {
    std::array<Fd, kFilesWanted> files;
    for (Fd& file : files) {
        file = Fd(open("/dev/null", O_PATH | O_CLOEXEC));
        if (!file) {
            return fail(QIPC_E_SYSTEM, errno, 0,
                        "Cannot %s: this process may not open %zu more files, which it may need for that (%s). Close some, or raise "
                        "the limit (ulimit -n)",
                        action, kFilesWanted, strerrordesc_np(errno));
        }
    }
    return QIPC_OK;
}

} // namespace qipc
