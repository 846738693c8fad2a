// SPDX-License-Identifier: Apache-2.0
#include "descriptors.hpp"

#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace qipc {
namespace {

/** What the kernel adds to the name of a file that was removed. */
constexpr std::string_view kRemoved = " (deleted)";

/** What a service counts its users in. It has one for each port. */
constexpr std::string_view kServiceSegment = ".dynamic";
constexpr std::string_view kSegments = "/dev/shm/";
constexpr const char* kDefaultPrefix = "iox2_";

/** "<root>/", of "<root>/nodes/<the file of the node>". */
std::string_view root_of(const World& world) noexcept {
    const std::string& path = world.node_path;
    return {path.data(), path.rfind('/', path.rfind('/') - 1) + 1};
}

/** Visits each descriptor of this process with its path, as the kernel tells it. */
template <typename Visit>
void each_descriptor(const Visit& visit) {
    DIR* const folder = opendir("/proc/self/fd");
    while (const dirent* const entry = folder != nullptr ? readdir(folder) : nullptr) {
        char target[512];
        const ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
        if (length > 0) {
            visit(std::atoi(entry->d_name), std::string_view(target, static_cast<size_t>(length)));
        }
    }
    if (folder != nullptr) {
        closedir(folder);
    }
}

} // namespace

void close_root_on_exec(const World& world) {
    each_descriptor([root = root_of(world)](int descriptor, std::string_view file) {
        if (file.starts_with(root)) {
            fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        }
    });
}

std::vector<int> lost_descriptors(const World& world) {
    const std::string segments = std::string(kSegments) + (world.options.prefix.empty() ? kDefaultPrefix : world.options.prefix);
    std::vector<int> lost;
    each_descriptor([&, root = root_of(world)](int descriptor, std::string_view file) {
        const bool is_removed = file.ends_with(kRemoved);
        if (is_removed) {
            file.remove_suffix(kRemoved.size());
        }
        if ((is_removed && file.starts_with(root)) || (file.starts_with(segments) && file.ends_with(kServiceSegment))) {
            lost.push_back(descriptor);
        }
    });
    return lost;
}

} // namespace qipc
