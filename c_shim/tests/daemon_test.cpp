// SPDX-License-Identifier: Apache-2.0
//
// Asking a daemon that somebody else started.
#include "daemon_support.hpp"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>

using namespace unit;
using qipc::daemon_alive;
using qipc::daemon_probe;
using qipc::DaemonIdentity;

namespace {

constexpr int kProcessesOfADaemon = 300;

bool mentions(const std::string& words) {
    return error_text().find(words) != std::string::npos;
}

bool has_probe_sockets() {
    for (const std::string& name : names_in("/tmp")) {
        if (name.rfind("qipc-probe-", 0) == 0) {
            return true;
        }
    }
    return false;
}

/** From now on file modes hold for this process, also when it is root. */
void obey_file_modes() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    CHECK(syscall(SYS_capset, &header, sets) == 0);
}

} // namespace

TEST(probe_without_a_socket_is_absent_and_names_the_remedy) {
    EXPECT(QIPC_E_DAEMON_ABSENT, daemon_probe(kTimeoutMs, nullptr));
    CHECK(mentions("iox-roudi") && mentions("roudi: \"spawn\""));
}

TEST(probe_of_a_killed_daemon_is_absent) {
    kill_and_wait(start_daemon());
    CHECK(exists(QIPC_ROUDI_SOCKET));
    EXPECT(QIPC_E_DAEMON_ABSENT, daemon_probe(kTimeoutMs, nullptr));
}

TEST(probe_of_something_that_is_no_socket_is_absent) {
    std::ofstream(QIPC_ROUDI_SOCKET) << "file";
    EXPECT(QIPC_E_DAEMON_ABSENT, daemon_probe(kTimeoutMs, nullptr));
}

TEST(probe_of_a_healthy_daemon_leaves_nothing_behind) {
    start_daemon();
    DaemonIdentity identity;
    // More often than the daemon has places: each registration is taken back.
    for (int i = 0; i < kProcessesOfADaemon + 50; i++) {
        EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
    }
    EXPECT(QIPC_OK, daemon_alive(identity));
    CHECK(!has_probe_sockets());
    CHECK(text_of("/tmp/roudi.log").find("ailed") == std::string::npos);
}

TEST(probe_from_many_threads_at_once) {
    start_daemon();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++) {
        threads.emplace_back([] {
            for (int round = 0; round < 20; round++) {
                EXPECT(QIPC_OK, daemon_probe(20000, nullptr));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(!has_probe_sockets());
}

TEST(probe_prints_nothing) {
    const int out = open("/tmp/printed", O_RDWR | O_CREAT, 0600);
    succeeds(in_child([&] {
        CHECK(dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0);
        EXPECT(QIPC_E_DAEMON_ABSENT, daemon_probe(kTimeoutMs, nullptr));
    }));
    const pid_t daemon = start_daemon();
    succeeds(in_child([&] {
        CHECK(dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0);
        EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
        stop(daemon);
        EXPECT(QIPC_E_DAEMON_HUNG, daemon_probe(50, nullptr));
    }));
    CHECK(text_of("/tmp/printed").empty());
}

TEST(probe_of_a_stopped_daemon_is_hung_after_the_timeout) {
    const pid_t daemon = start_daemon();
    DaemonIdentity identity;
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
    stop(daemon);
    // More often than its socket takes messages.
    for (int i = 0; i < 30; i++) {
        const uint64_t before_ns = qipc::now_ns();
        EXPECT(QIPC_E_DAEMON_HUNG, daemon_probe(60, nullptr));
        CHECK(qipc::now_ns() - before_ns >= qipc::ms_to_ns(60));
        CHECK(error_value() == 60 && mentions("300") && mentions("2.0.3") && mentions("frozen"));
    }
    EXPECT(QIPC_OK, daemon_alive(identity)); // it does not tell whether it is hung
    CHECK(!has_probe_sockets());
    CHECK(kill(daemon, SIGCONT) == 0);
    EXPECT(QIPC_OK, daemon_probe(20000, nullptr));
}

TEST(probe_of_a_daemon_that_dies_meanwhile_is_absent) {
    const pid_t daemon = start_daemon();
    stop(daemon);
    std::thread killer([=] {
        qipc::sleep_ns(qipc::ms_to_ns(50));
        kill_and_wait(daemon);
    });
    EXPECT(QIPC_E_DAEMON_ABSENT, daemon_probe(500, nullptr));
    killer.join();
}

TEST(probe_of_a_full_daemon_is_hung_and_says_so) {
    start_daemon();
    // Registrations whose processes never say anything more; the daemon keeps each for a second and a half.
    std::vector<int> sockets;
    const int daemon = socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, QIPC_ROUDI_SOCKET);
    CHECK(connect(daemon, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    // The version as this library sends it is seen by listening in the daemon's place.
    std::string version;
    {
        CHECK(rename(QIPC_ROUDI_SOCKET, "/tmp/roudi.real") == 0);
        const int listener = socket(AF_UNIX, SOCK_DGRAM, 0);
        CHECK(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        EXPECT(QIPC_E_DAEMON_HUNG, daemon_probe(50, nullptr));
        char message[4096] = {};
        CHECK(recv(listener, message, sizeof message - 1, 0) > 0);
        version = message;
        version = version.substr(0, version.size() - 1);
        version = version.substr(version.rfind(',') + 1);
        close(listener);
        CHECK(rename("/tmp/roudi.real", QIPC_ROUDI_SOCKET) == 0);
    }
    for (int i = 0; i < kProcessesOfADaemon; i++) {
        const std::string name = "occupant" + std::to_string(i);
        sockaddr_un own{};
        own.sun_family = AF_UNIX;
        std::strcpy(own.sun_path, ("/tmp/" + name).c_str());
        sockets.push_back(socket(AF_UNIX, SOCK_DGRAM, 0));
        CHECK(bind(sockets.back(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
        const std::string message = "1," + name + "," + std::to_string(getpid()) + ",0," + std::to_string(i) + "," + version + ",";
        CHECK(send(daemon, message.c_str(), message.size() + 1, 0) > 0);
    }
    char answer[4096];
    CHECK(recv(sockets.back(), answer, sizeof answer, 0) > 0);
    EXPECT(QIPC_E_DAEMON_HUNG, daemon_probe(200, nullptr));
    CHECK(mentions("300"));
    EVENTUALLY(daemon_probe(200, nullptr) == QIPC_OK); // when it has given up on them
}

TEST(probe_without_permission_names_the_user) {
    start_daemon();
    CHECK(chmod(QIPC_ROUDI_SOCKET, 0) == 0);
    succeeds(in_child([] {
        obey_file_modes();
        EXPECT(QIPC_E_ACCESS, daemon_probe(kTimeoutMs, nullptr));
        CHECK(error_value() == geteuid() && mentions(QIPC_ROUDI_SOCKET));
    }));
}

TEST(probe_works_under_any_umask) {
    start_daemon();
    umask(0777);
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
}

/** From now on the kernel refuses this process to change the mode of what has a name. */
void forbid_chmod() {
    const sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
#ifdef SYS_chmod
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chmod, 2, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fchmodat, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    const sock_fprog program = {sizeof rules / sizeof rules[0], const_cast<sock_filter*>(rules)};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

TEST(probe_makes_its_socket_for_the_group_at_most_from_the_beginning) {
    // What it is made with is seen when nothing can be changed later; and a daemon that hangs leaves time to look.
    stop(start_daemon());
    umask(0);
    const pid_t asking = in_child([] {
        forbid_chmod();
        EXPECT(QIPC_E_DAEMON_HUNG, daemon_probe(kTimeoutMs, nullptr));
    });
    const std::string path = "/tmp/qipc-probe-" + std::to_string(asking) + "-0";
    EVENTUALLY(exists(path));
    struct stat found {};
    CHECK(lstat(path.c_str(), &found) == 0 && found.st_mode == (S_IFSOCK | 0660) && found.st_uid == geteuid());
    CHECK(end_of(asking) == 0);
}

TEST(probe_steps_around_sockets_of_dead_processes) {
    start_daemon();
    for (int i = 0; i < 5; i++) {
        std::ofstream("/tmp/qipc-probe-" + std::to_string(getpid()) + "-" + std::to_string(i)) << "left";
    }
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
}

TEST(probe_removes_sockets_of_killed_processes_and_no_others) {
    const pid_t daemon = start_daemon();
    stop(daemon);
    const pid_t dead = in_child([] { daemon_probe(1000000, nullptr); });
    EVENTUALLY(has_probe_sockets());
    kill_and_wait(dead);
    CHECK(has_probe_sockets());
    const pid_t living = in_child([] { daemon_probe(1000000, nullptr); });
    const std::string of_living = "/tmp/qipc-probe-" + std::to_string(living) + "-0";
    EVENTUALLY(exists(of_living) && !exists("/tmp/qipc-probe-" + std::to_string(dead) + "-0"));
    EXPECT(QIPC_E_DAEMON_HUNG, daemon_probe(20, nullptr));
    CHECK(exists(of_living));
    kill_and_wait(living);
}

TEST(probe_tells_the_process_of_the_daemon) {
    for (int round = 0; round < 3; round++) {
        const pid_t daemon = start_daemon();
        DaemonIdentity identity;
        EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
        CHECK(identity.pid == daemon);
        kill_and_wait(daemon);
    }
}

TEST(probe_of_a_daemon_that_ends_is_absent_and_of_its_successor_not) {
    const pid_t daemon = start_daemon();
    DaemonIdentity identity;
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
    qipc::daemon_ends(identity);
    EXPECT(QIPC_E_DAEMON_ABSENT, daemon_probe(kTimeoutMs, nullptr));
    CHECK(mentions("is ending"));
    EXPECT(QIPC_OK, daemon_alive(identity));
    kill_and_wait(daemon);
    start_daemon();
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, nullptr));
}

TEST(alive_tells_a_dead_daemon) {
    const pid_t daemon = start_daemon();
    DaemonIdentity identity;
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
    EXPECT(QIPC_OK, daemon_alive(identity));
    kill_and_wait(daemon);
    EXPECT(QIPC_E_DAEMON_GONE, daemon_alive(identity));
    CHECK(unlink(QIPC_ROUDI_SOCKET) == 0);
    EXPECT(QIPC_E_DAEMON_GONE, daemon_alive(identity));
}

TEST(alive_tells_a_daemon_that_was_replaced) {
    DaemonIdentity identity;
    for (int round = 0; round < 5; round++) {
        const pid_t daemon = start_daemon();
        if (round > 0) {
            EXPECT(QIPC_E_DAEMON_GONE, daemon_alive(identity));
        }
        EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
        EXPECT(QIPC_OK, daemon_alive(identity));
        kill_and_wait(daemon);
    }
}

TEST(alive_tells_a_daemon_that_was_replaced_under_the_same_inode) {
    // Some file systems use the number of a removed file again at once; here it is the same file, made again by its time.
    start_daemon();
    DaemonIdentity identity;
    EXPECT(QIPC_OK, daemon_probe(kTimeoutMs, &identity));
    const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
    CHECK(utimensat(AT_FDCWD, QIPC_ROUDI_SOCKET, times, 0) == 0);
    EXPECT(QIPC_E_DAEMON_GONE, daemon_alive(identity));
}
