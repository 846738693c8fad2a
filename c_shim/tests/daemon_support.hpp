// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the daemon share: daemons, processes that need one, and what is left of them.
#pragma once

#include "daemon.hpp"
#include "guard.h"
#include "unit.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace unit {

constexpr uint32_t kTimeoutMs = 1000;
constexpr uint64_t kPoolBytes = 4u << 20;

inline std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

inline std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    DIR* const directory = opendir(folder.c_str());
    while (const dirent* const entry = directory != nullptr ? readdir(directory) : nullptr) {
        if (entry->d_name[0] != '.') {
            names.push_back(entry->d_name);
        }
    }
    if (directory != nullptr) {
        closedir(directory);
    }
    return names;
}

inline bool exists(const std::string& path) {
    struct stat found {};
    return lstat(path.c_str(), &found) == 0;
}

inline std::string link_of(const std::string& path) {
    char target[256];
    const ssize_t length = readlink(path.c_str(), target, sizeof target);
    return length > 0 ? std::string(target, static_cast<size_t>(length)) : std::string();
}

/** Living processes of this mount namespace with this name; a process that has ended and was not waited for is none. */
inline std::vector<pid_t> processes(const std::string& name) {
    std::vector<pid_t> found;
    const std::string here = link_of("/proc/self/ns/mnt");
    for (const std::string& entry : names_in("/proc")) {
        const std::string folder = "/proc/" + entry;
        const std::string stat = text_of(folder + "/stat");
        const size_t end = stat.rfind(')');
        const bool lives = end != std::string::npos && stat[end + 2] != 'Z' && stat[end + 2] != 'X';
        if (lives && stat.find("(" + name + ")") != std::string::npos && link_of(folder + "/ns/mnt") == here) {
            found.push_back(std::atoi(entry.c_str()));
        }
    }
    return found;
}

inline std::vector<pid_t> daemons() {
    return processes(QIPC_ROUDI_PROGRAM);
}

inline std::vector<pid_t> guards() {
    return processes(QIPC_GUARD_PROGRAM);
}

inline std::string private_directory() {
    char path[64];
    std::snprintf(path, sizeof path, QIPC_DIRECTORY_FORMAT, geteuid());
    return path;
}

/** Whether nothing that this library made is left: no process, no file. `but_directory`: the private directory may be. */
inline bool is_tidy(bool but_directory = false) {
    if (!daemons().empty() || !guards().empty() || !names_in(QIPC_SHM_DIRECTORY).empty() || exists(QIPC_ROUDI_SOCKET)) {
        return false;
    }
    for (const std::string& name : names_in("/tmp")) {
        if (name.rfind("qipc-", 0) == 0 && !(but_directory && "/tmp/" + name == private_directory())) {
            return false;
        }
    }
    return true;
}

/** A RouDi that somebody else started. Killed with the test. */
inline pid_t start_daemon() {
    std::ofstream("/tmp/roudi.toml") << "[general]\nversion = 1\n[[segment]]\n[[segment.mempool]]\nsize = 256\ncount = 100\n";
    unlink("/tmp/roudi.log"); // of the one before, which was ready too
    const pid_t daemon = in_child([] {
        const int log = open("/tmp/roudi.log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        CHECK(dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0);
        execlp(QIPC_ROUDI_PROGRAM, QIPC_ROUDI_PROGRAM, "-c", "/tmp/roudi.toml", static_cast<char*>(nullptr));
    });
    EVENTUALLY(text_of("/tmp/roudi.log").find("RouDi is ready") != std::string::npos);
    return daemon;
}

inline void kill_and_wait(pid_t child) {
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(end_of(child) == -SIGKILL);
}

/** Stops a process and returns when none of its threads runs any longer. */
inline void stop(pid_t process) {
    CHECK(kill(process, SIGSTOP) == 0);
    const std::string folder = "/proc/" + std::to_string(process) + "/task/";
    for (const std::string& thread : names_in(folder)) {
        const auto state = [&] {
            const std::string stat = text_of(folder + thread + "/stat");
            return stat.at(stat.rfind(')') + 2);
        };
        EVENTUALLY(state() == 'T');
    }
}

inline qipc::SpawnOptions spawn_options() {
    qipc::SpawnOptions options;
    options.pool_bytes = kPoolBytes;
    options.timeout_ms = kTimeoutMs;
    options.path = std::getenv("PATH");
    return options;
}

/** A process that asks for a daemon. */
class Member {
public:
    struct Answer {
        int32_t status = -1000;
        int32_t spawned = -1;
        double value = 0;
        double limit = 0;
        char text[512] = {};
    };

    explicit Member(const qipc::SpawnOptions& options = spawn_options()) {
        int orders[2];
        int answers[2];
        CHECK(pipe2(orders, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
        process_ = in_child([&] {
            close(orders[1]);
            char order = 0;
            while (read(orders[0], &order, 1) == 1 && order != 'x') {
                Answer answer;
                bool spawned = false;
                if (order == 'e') {
                    answer.status = qipc::daemon_ensure(options, &spawned);
                    answer.spawned = spawned ? 1 : 0;
                    answer.value = error_value();
                    answer.limit = error_limit();
                    std::strncpy(answer.text, error_text().c_str(), sizeof answer.text - 1);
                } else {
                    qipc::daemon_leave();
                }
                CHECK(write(answers[1], &answer, sizeof answer) == sizeof answer);
            }
        });
        close(orders[0]);
        close(answers[1]);
        orders_ = orders[1];
        answers_ = answers[0];
    }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member() {
        if (process_ > 0) {
            ends();
        }
        close(orders_);
        close(answers_);
    }

    pid_t process() const { return process_; }

    void ask() { order('e'); }
    Answer answer() {
        Answer answer;
        CHECK(read(answers_, &answer, sizeof answer) == sizeof answer);
        return answer;
    }
    Answer ensure() {
        ask();
        return answer();
    }
    /** ensure() that must succeed; whether it started the daemon. */
    bool joins() {
        const Answer found = ensure();
        if (found.status != QIPC_OK) {
            failed(__FILE__, __LINE__, found.text);
        }
        return found.spawned == 1;
    }
    void leaves() {
        order('l');
        answer();
    }
    void ends() {
        order('x');
        succeeds(process_);
        process_ = -1;
    }
    void is_killed() {
        kill_and_wait(process_);
        process_ = -1;
    }

private:
    void order(char what) { CHECK(write(orders_, &what, 1) == 1); }

    pid_t process_ = -1;
    int orders_ = -1;
    int answers_ = -1;
};

} // namespace unit
