// SPDX-License-Identifier: Apache-2.0
#include "inherited.hpp"

#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace qipc {
namespace {

/** What the kernel adds to the name of a file that was removed. */
constexpr std::string_view kRemoved = " (deleted)";

/** Visits each with its descriptor and its path, as the kernel tells it. */
template <typename Visit>
void each_root_descriptor(const World& world, const Visit& visit) {
    // "<root>/nodes/<the file of the node>"
    const std::string& path = world.node_path;
    const std::string_view root(path.data(), path.rfind('/', path.rfind('/') - 1) + 1);
    DIR* const folder = opendir("/proc/self/fd");
    while (const dirent* const entry = folder != nullptr ? readdir(folder) : nullptr) {
        char target[512];
        const ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
        const std::string_view file(target, length > 0 ? static_cast<size_t>(length) : 0);
        if (file.starts_with(root)) {
            visit(std::atoi(entry->d_name), file);
        }
    }
    if (folder != nullptr) {
        closedir(folder);
    }
}

} // namespace

void close_root_on_exec(const World& world) {
    each_root_descriptor(world, [](int descriptor, std::string_view) { fcntl(descriptor, F_SETFD, FD_CLOEXEC); });
}

std::vector<int> removed_root_descriptors(const World& world) {
    std::vector<int> removed;
    each_root_descriptor(world, [&removed](int descriptor, std::string_view file) {
        if (file.ends_with(kRemoved)) {
            removed.push_back(descriptor);
        }
    });
    return removed;
}

} // namespace qipc
