// SPDX-License-Identifier: Apache-2.0
#include "hang_watch.hpp"

#include "clock.hpp"
#include "error.hpp"
#include "fd.hpp"
#include "guard.h"
#include "private_directory.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>

namespace qipc {
namespace {

/** The thread of iceoryx's daemon that answers requests. It wakes ten times a second when there are none. */
constexpr char kAnsweringThread[] = "IPC-msg-process\n";
constexpr uint32_t kLookMs = 250;
constexpr uint32_t kSleepMs = 1000; // so long it must not have woken before it is asked,
constexpr uint32_t kAnswerMs = 1000; // and so long it must not have answered

struct ThreadLook {
    char state = '?';
    uint64_t sleeps = 0; // times it went to sleep by itself
};

/** The beginning of a file of /proc; empty when there is none. */
template <size_t kBytes>
void read_text(const char* path, char (&text)[kBytes]) noexcept {
    const Fd file(open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t length = file ? read(file.get(), text, kBytes - 1) : 0;
    text[length > 0 ? length : 0] = '\0';
}

pid_t answering_thread_of(pid_t daemon) noexcept {
    char path[64];
    char name[32];
    std::snprintf(path, sizeof path, "/proc/%d/task", daemon);
    DIR* const threads = opendir(path);
    pid_t found = 0;
    while (const dirent* const entry = threads != nullptr && found == 0 ? readdir(threads) : nullptr) {
        const pid_t thread = std::atoi(entry->d_name);
        std::snprintf(path, sizeof path, "/proc/%d/task/%d/comm", daemon, thread);
        read_text(path, name);
        found = std::strcmp(name, kAnsweringThread) == 0 ? thread : 0;
    }
    if (threads != nullptr) {
        closedir(threads);
    }
    return found;
}

ThreadLook look_at(pid_t daemon, pid_t thread) noexcept {
    constexpr char kState[] = "\nState:\t";
    constexpr char kSleeps[] = "\nvoluntary_ctxt_switches:\t";
    char path[64];
    char text[4096];
    std::snprintf(path, sizeof path, "/proc/%d/task/%d/status", daemon, thread);
    read_text(path, text);
    ThreadLook found;
    const char* const state = std::strstr(text, kState);
    const char* const sleeps = std::strstr(text, kSleeps);
    if (state != nullptr && sleeps != nullptr) {
        found.state = state[sizeof kState - 1];
        found.sleeps = std::strtoull(sleeps + sizeof kSleeps - 1, nullptr, 10);
    }
    return found;
}

/** Kills it, if it is the one that this user's guard runs. */
bool kill_guarded(const DaemonIdentity& daemon) {
    // First a hold on the process, then whether it is the one: a number alone could be another's by now.
    const Fd process(static_cast<int>(syscall(SYS_pidfd_open, daemon.pid, 0)));
    char path[64];
    char name[32];
    std::snprintf(path, sizeof path, "/proc/%d/comm", daemon.pid);
    read_text(path, name);
    PrivateDirectory directory;
    return process && std::strcmp(name, QIPC_ROUDI_PROGRAM "\n") == 0 && directory.open() == QIPC_OK &&
           directory.is_locked(QIPC_FILE_GUARD_LOCK) && daemon_alive(daemon) == QIPC_OK &&
           syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) == 0;
}

} // namespace

bool HangWatch::look(const DaemonIdentity& daemon) {
    const uint64_t now = now_ns();
    if (daemon.pid == 0 || now < m_next_look_ns) {
        return false;
    }
    m_next_look_ns = now + ms_to_ns(kLookMs);
    if (m_daemon != daemon.pid || m_thread == 0) {
        m_daemon = daemon.pid;
        m_thread = answering_thread_of(daemon.pid);
        m_since_ns = now;
    }
    const auto sleeps_on = [this, &daemon] {
        const ThreadLook found = look_at(daemon.pid, m_thread);
        const bool is_same_sleep = found.state == 'S' && found.sleeps == m_sleeps;
        m_sleeps = found.sleeps;
        m_thread = found.state == '?' ? 0 : m_thread;
        return is_same_sleep;
    };
    if (!sleeps_on()) {
        m_since_ns = now;
        return false;
    }
    if (now - m_since_ns < ms_to_ns(kSleepMs)) {
        return false;
    }
    const bool is_hung = daemon_probe(kAnswerMs, nullptr) == QIPC_E_DAEMON_HUNG && sleeps_on();
    m_since_ns = now_ns();
    return is_hung && kill_guarded(daemon);
}

} // namespace qipc
