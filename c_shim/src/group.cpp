// SPDX-License-Identifier: Apache-2.0
#include "group.hpp"

#include "check.hpp"
#include "export.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>
#include <vector>

namespace qipc {
namespace {

constexpr size_t kRecordBytes = 1024;
constexpr int kGroupsAtFirst = 64;
constexpr size_t kRecordBytesMax = 1u << 20;

/** Calls one of the system's questions for a group, with as much memory as its answer takes. */
template <typename Question>
const group* ask(group* found, std::vector<char>* record, int* error, Question question) {
    group* result = nullptr;
    record->resize(kRecordBytes);
    while ((*error = question(found, record->data(), record->size(), &result)) == ERANGE &&
           record->size() < kRecordBytesMax) {
        record->resize(record->size() * 2);
    }
    return result;
}

} // namespace

bool is_group_name(const std::string& name) noexcept {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= kGroupBytesMax && name[0] != '-' && name[0] != '.' &&
           std::all_of(name.begin(), name.end(), is_plain);
}

int32_t group_find(const char* action, const std::string& name, gid_t* id) {
    if (!is_group_name(name)) {
        return fail(QIPC_E_OPTION, static_cast<double>(name.size()), kGroupBytesMax,
                    "Cannot %s \"%.64s\": up to %u letters, digits, '.', '_' and '-' make a group's name", action, name.c_str(),
                    kGroupBytesMax);
    }
    group found{};
    std::vector<char> record;
    int error = 0;
    const group* const result = ask(&found, &record, &error, [&name](group* to, char* memory, size_t bytes, group** out) {
        return getgrnam_r(name.c_str(), to, memory, bytes, out);
    });
    if (result != nullptr) {
        *id = result->gr_gid;
        return QIPC_OK;
    }
    // Systems differ in how they say that there is none.
    const bool is_unknown = error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
    return is_unknown ? fail(QIPC_E_OPTION, 0, 0, "Cannot %s \"%s\": there is no such group", action, name.c_str())
                      : fail(QIPC_E_SYSTEM, error, 0, "Cannot %s \"%s\": could not look it up (%s)", action, name.c_str(),
                             strerrordesc_np(error));
}

std::string group_own() {
    group found{};
    std::vector<char> record;
    int error = 0;
    const group* const result = ask(&found, &record, &error, [](group* to, char* memory, size_t bytes, group** out) {
        return getgrgid_r(getegid(), to, memory, bytes, out);
    });
    return result != nullptr ? result->gr_name : std::to_string(getegid());
}

bool group_has(gid_t id, uid_t user) {
    passwd found{};
    passwd* result = nullptr;
    std::vector<char> record(kRecordBytes);
    while (getpwuid_r(user, &found, record.data(), record.size(), &result) == ERANGE && record.size() < kRecordBytesMax) {
        record.resize(record.size() * 2);
    }
    if (result == nullptr) {
        return false;
    }
    int count = kGroupsAtFirst;
    std::vector<gid_t> groups(static_cast<size_t>(count));
    if (getgrouplist(found.pw_name, found.pw_gid, groups.data(), &count) < 0) {
        // Now it has told how many there are.
        groups.resize(static_cast<size_t>(count));
        getgrouplist(found.pw_name, found.pw_gid, groups.data(), &count);
    }
    groups.resize(std::min(groups.size(), static_cast<size_t>(std::max(count, 0))));
    return std::find(groups.begin(), groups.end(), id) != groups.end();
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_group_id(const uint8_t* name, uint32_t name_len, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        if (name == nullptr) {
            return fail(QIPC_E_NULL, 0, 0, "Cannot look a group up: the pointer to its name is null");
        }
        if (name_len > kGroupBytesMax) {
            return fail(QIPC_E_OPTION, name_len, kGroupBytesMax, "Cannot look a group up whose name has %u bytes: the limit is %u",
                        name_len, kGroupBytesMax);
        }
        gid_t id = 0;
        const std::string text(reinterpret_cast<const char*>(name), name_len);
        if (const int32_t status = group_find("look up the group", text, &id); status != QIPC_OK) {
            return status;
        }
        const uint32_t word = id;
        std::memset(result, 0, QIPC_RESULT_BYTES);
        std::memcpy(result, &word, sizeof word);
        return QIPC_OK;
    });
}
