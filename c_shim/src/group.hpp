// SPDX-License-Identifier: Apache-2.0
//
// Groups of users, as the system knows them.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace qipc {

inline constexpr uint32_t kGroupBytesMax = 32;

/** Whether a group can have this name: it also becomes part of a configuration and the name of a file. */
bool is_group_name(const std::string& name) noexcept;

/** The id of a group by its name. QIPC_E_OPTION when there is none, in words that begin with `action`. */
int32_t group_find(const char* action, const std::string& name, gid_t* id);

/** The name of the group that this process runs under; its number when it has no name. */
std::string group_own();

/** Whether a user is a member of a group, as the system's lists say; false for a user that they do not have. */
bool group_has(gid_t id, uid_t user);

} // namespace qipc
