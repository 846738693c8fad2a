// SPDX-License-Identifier: Apache-2.0
//
// What the tests of starting a daemon share.
#pragma once

#include "daemon_support.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <grp.h>
#include <memory>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

using namespace unit;
using qipc::daemon_alive;
using qipc::daemon_ensure;
using qipc::daemon_leave;
using qipc::daemon_probe;
using qipc::DaemonIdentity;
using qipc::SpawnOptions;

inline constexpr int kSpawners = 8;
inline constexpr int kStormRounds = 12;

inline void mount_shm(const std::string& size) {
    CHECK(mount("tmpfs", QIPC_SHM_DIRECTORY, "tmpfs", 0, ("size=" + size).c_str()) == 0);
}

inline std::string own_group() {
    const group* const found = getgrgid(getegid());
    CHECK(found != nullptr);
    return found->gr_name;
}

/** Waits until everything has gone, and nothing is left. */
inline void expect_tidy(bool but_directory = false) {
    EVENTUALLY(is_tidy(but_directory));
}

inline void kill_everything() {
    // The guard first, so that it can not clear up.
    for (const pid_t guard : guards()) {
        CHECK(kill(guard, SIGKILL) == 0);
    }
    for (const pid_t daemon : daemons()) {
        kill(daemon, SIGKILL);
    }
    EVENTUALLY(guards().empty() && daemons().empty());
}

inline bool contains(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}
