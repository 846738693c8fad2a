// SPDX-License-Identifier: Apache-2.0
#include "descriptor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace qipc {
namespace {

std::string target_of(int descriptor) {
    char target[4096];
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t length = readlink(link.c_str(), target, sizeof target);
    return length > 0 ? std::string(target, static_cast<size_t>(length)) : std::string();
}

std::string path_of(const sockaddr_un& address, socklen_t length) {
    if (address.sun_family != AF_UNIX || length <= offsetof(sockaddr_un, sun_path)) {
        return std::string();
    }
    const size_t most = length - offsetof(sockaddr_un, sun_path);
    return std::string(address.sun_path, strnlen(address.sun_path, most));
}

bool is_socket_of(int descriptor, const std::string& runtime_name) {
    sockaddr_un address{};
    socklen_t length = sizeof address;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) == 0
        && path_of(address, length) == "/tmp/" + runtime_name) {
        return true;
    }
    address = {};
    length = sizeof address;
    return getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &length) == 0
           && path_of(address, length) == "/tmp/roudi";
}

} // namespace

DescriptorSet open_descriptors() {
    DescriptorSet found;
    DIR* directory = opendir("/proc/self/fd");
    if (directory == nullptr) {
        return found;
    }
    while (const dirent* entry = readdir(directory)) {
        const int descriptor = std::atoi(entry->d_name);
        // The listing's own is closed again, and its number the first to be used by another.
        if (entry->d_name[0] != '.' && descriptor != dirfd(directory)) {
            found.push_back(descriptor);
        }
    }
    closedir(directory);
    return found;
}

void close_on_exec(const std::string& runtime_name, const DescriptorSet& before) {
    const std::string lock = "/tmp/" + runtime_name + ".lock";
    for (const int descriptor : open_descriptors()) {
        if (std::find(before.begin(), before.end(), descriptor) != before.end()) {
            continue;
        }
        const std::string target = target_of(descriptor);
        const bool theirs = target == lock || target.rfind("/dev/shm/", 0) == 0
                            || (target.rfind("socket:", 0) == 0 && is_socket_of(descriptor, runtime_name));
        if (theirs) {
            fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        }
    }
}

} // namespace qipc
