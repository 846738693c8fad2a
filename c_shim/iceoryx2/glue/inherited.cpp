// SPDX-License-Identifier: Apache-2.0
#include "inherited.hpp"

#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace qipc {

void close_root_on_exec(const World& world) {
    // "<root>/nodes/<number>"
    const std::string& path = world.node_path;
    const size_t root_bytes = path.rfind('/', path.rfind('/') - 1) + 1;
    DIR* const folder = opendir("/proc/self/fd");
    while (const dirent* const entry = folder != nullptr ? readdir(folder) : nullptr) {
        char target[512];
        const ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
        if (length > static_cast<ssize_t>(root_bytes) && std::memcmp(target, path.data(), root_bytes) == 0) {
            fcntl(std::atoi(entry->d_name), F_SETFD, FD_CLOEXEC);
        }
    }
    if (folder != nullptr) {
        closedir(folder);
    }
}

} // namespace qipc
