// SPDX-License-Identifier: Apache-2.0
#include "mapping.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace qipc {
namespace {

struct Line {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    uint64_t offset = 0;
    uint64_t device = 0;
    uint64_t inode = 0;
    bool is_shared = false;
    std::string path;
};

bool read_line(FILE* file, Line* line) {
    char text[4600];
    if (std::fgets(text, sizeof text, file) == nullptr) {
        return false;
    }
    char rights[5] = {};
    unsigned int major = 0;
    unsigned int minor = 0;
    *line = Line{};
    int path_at = 0;
    if (std::sscanf(text, "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &line->begin, &line->end, rights,
                    &line->offset, &major, &minor, &line->inode, &path_at)
        == 7) {
        line->device = static_cast<uint64_t>(major) << 32 | minor;
        line->is_shared = rights[3] == 's';
        if (line->is_shared) {
            line->path.assign(text + path_at, std::strcspn(text + path_at, "\n"));
        }
    }
    return true;
}

bool continues(const Line& before, const Line& line) {
    return line.begin == before.end && line.inode == before.inode && line.device == before.device
           && line.offset == before.offset + (before.end - before.begin);
}

} // namespace

bool mapping_of(const void* address, Mapping* mapping, std::string* file_path) {
    FILE* file = std::fopen("/proc/self/maps", "re");
    if (file == nullptr) {
        return false;
    }
    const uintptr_t wanted = reinterpret_cast<uintptr_t>(address);
    Line line;
    Line last;
    uintptr_t begin = 0; // of the run of lines that belong together
    bool found = false;
    bool has_run = false;
    while (read_line(file, &line)) {
        if (has_run && continues(last, line)) {
            last = line;
        } else {
            if (found) {
                break;
            }
            begin = line.begin;
            last = line;
            has_run = line.is_shared && line.inode != 0;
        }
        found = found || (has_run && wanted >= line.begin && wanted < line.end);
    }
    std::fclose(file);
    if (found) {
        *mapping = {begin, last.end - begin};
        if (file_path != nullptr) {
            *file_path = last.path;
        }
    }
    return found;
}

} // namespace qipc
