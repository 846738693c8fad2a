// SPDX-License-Identifier: Apache-2.0
//
// What a started daemon is like, and what is refused.
#include "spawn_support.hpp"

TEST(pools_are_those_that_were_asked_for) {
    SpawnOptions options = spawn_options();
    options.pool_bytes = 64u << 20;
    options.writers = own_group();
    options.readers = own_group();
    EXPECT(QIPC_OK, daemon_ensure(options, nullptr));
    const std::string text = text_of(private_directory() + "/" QIPC_FILE_CONFIG);
    CHECK(contains(text, "size = 256\ncount = 4096\n"));
    CHECK(contains(text, "size = 8320\ncount = 8027\n")); // 67108864 / (8320 + 40)
    CHECK(contains(text, "writer = \"" + own_group() + "\"") && contains(text, "reader = \"" + own_group() + "\""));
    struct stat segment {};
    CHECK(stat((QIPC_SHM_DIRECTORY "/" + own_group()).c_str(), &segment) == 0);
    CHECK(segment.st_size >= 8027 * 8360 && segment.st_size < 8027 * 8360 + 4096 * 400);
    daemon_leave();
    expect_tidy();
}

TEST(pools_out_of_range_are_an_error) {
    SpawnOptions options = spawn_options();
    for (const uint64_t bytes : {uint64_t{0}, uint64_t{16 * 8360 - 1}, uint64_t{1} << 40, UINT64_MAX}) {
        options.pool_bytes = bytes;
        EXPECT(QIPC_E_OPTION, daemon_ensure(options, nullptr));
        CHECK(error_value() == static_cast<double>(bytes) && error_limit() > 0);
    }
    CHECK(is_tidy());
    options.pool_bytes = 16 * 8360;
    EXPECT(QIPC_OK, daemon_ensure(options, nullptr));
    daemon_leave();
    expect_tidy();
}

TEST(groups_that_do_not_exist_or_are_no_names_are_an_error) {
    for (const char* name : {"no-such-group-here", "a\"b", "line\nwriter", "../up", "a b", "\xff"}) {
        SpawnOptions options = spawn_options();
        options.readers = name;
        EXPECT(QIPC_E_OPTION, daemon_ensure(options, nullptr));
        CHECK(contains(error_text(), "reader group"));
        std::swap(options.readers, options.writers);
        EXPECT(QIPC_E_OPTION, daemon_ensure(options, nullptr));
        CHECK(contains(error_text(), "writer group"));
    }
    CHECK(is_tidy());
}

TEST(too_little_shared_memory_is_told_before_anything_is_mapped) {
    mount_shm("32m");
    EXPECT(QIPC_E_SHM_TOO_SMALL, daemon_ensure(spawn_options(), nullptr));
    CHECK(error_value() == 32u << 20);
    const double needed = error_limit();
    CHECK(needed > 64e6 + kPoolBytes && contains(error_text(), QIPC_SHM_DIRECTORY));
    CHECK(names_in(QIPC_SHM_DIRECTORY).empty() && daemons().empty() && guards().empty());
    // One page less than that is still too little, and as much as that is enough, for pools of several sizes.
    for (const uint64_t pool_bytes : {kPoolBytes, uint64_t{40} << 20, uint64_t{300} << 20}) {
        SpawnOptions options = spawn_options();
        options.pool_bytes = pool_bytes;
        mount_shm("1m");
        EXPECT(QIPC_E_SHM_TOO_SMALL, daemon_ensure(options, nullptr));
        const uint64_t pages = static_cast<uint64_t>(std::ceil(error_limit() / 4096));
        mount_shm(std::to_string((pages - 1) * 4096));
        EXPECT(QIPC_E_SHM_TOO_SMALL, daemon_ensure(options, nullptr));
        mount_shm(std::to_string(pages * 4096));
        EXPECT(QIPC_OK, daemon_ensure(options, nullptr));
        daemon_leave();
        EVENTUALLY(daemons().empty() && guards().empty());
    }
}

TEST(a_missing_program_is_told_by_the_daemons_log) {
    setenv("PATH", "/tmp", 1);
    EXPECT(QIPC_E_DAEMON_START, daemon_ensure(spawn_options(), nullptr));
    CHECK(contains(error_text(), QIPC_ROUDI_PROGRAM) && contains(error_text(), "No such file"));
    CHECK(contains(error_text(), private_directory() + "/" QIPC_FILE_LOG));
    EVENTUALLY(guards().empty());
    setenv("PATH", "/usr/bin:/bin", 1);
    EXPECT(QIPC_OK, daemon_ensure(spawn_options(), nullptr));
    daemon_leave();
    expect_tidy();
}

TEST(a_daemon_that_never_answers_is_told_after_the_deadline) {
    // A program of that name that runs and does nothing.
    CHECK(mkdir("/tmp/bin", 0700) == 0);
    std::ofstream("/tmp/bin/" QIPC_ROUDI_PROGRAM) << "#!/bin/sh\necho I am asleep\nexec sleep 1000\n";
    CHECK(chmod("/tmp/bin/" QIPC_ROUDI_PROGRAM, 0700) == 0);
    const std::string path = std::getenv("PATH");
    setenv("PATH", ("/tmp/bin:" + path).c_str(), 1);
    EXPECT(QIPC_E_DAEMON_START, daemon_ensure(spawn_options(), nullptr));
    CHECK(contains(error_text(), "in time") && contains(error_text(), "I am asleep"));
    CHECK(error_value() >= error_limit() && error_limit() >= 5000);
    expect_tidy();
}

TEST(the_daemon_inherits_nothing_from_the_script) {
    // Descriptors that are not closed on exec, signals blocked and ignored, one CPU, a umask, a folder, no standard streams.
    const int leaked = open("/tmp/leaked", O_RDWR | O_CREAT, 0600);
    CHECK(leaked >= 0 && dup2(leaked, 500) == 500);
    std::signal(SIGTERM, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    CHECK(sigprocmask(SIG_BLOCK, &all, nullptr) == 0);
    cpu_set_t before;
    CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
    EXPECT(QIPC_OK, qipc_thread_pin(0));
    umask(0777);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    EXPECT(QIPC_OK, daemon_ensure(spawn_options(), nullptr));
    // The guard has left its first process to the system: nothing for the script to wait for.
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
    for (const pid_t process : {guards().at(0), daemons().at(0)}) {
        const std::string folder = "/proc/" + std::to_string(process);
        for (const std::string& fd : names_in(folder + "/fd")) {
            CHECK(!contains(link_of(folder + "/fd/" + fd), "leaked"));
        }
        const std::string status = text_of(folder + "/status");
        // The C library ignores two signals of its own, above these.
        const uint64_t ignored = std::stoull(status.substr(status.find("SigIgn:") + 7), nullptr, 16);
        CHECK((ignored & 0x7fffffff) == 0);
        CHECK(getsid(process) != getsid(0) && link_of(folder + "/cwd") == "/");
        cpu_set_t now;
        CHECK(sched_getaffinity(process, sizeof now, &now) == 0);
        CHECK(CPU_COUNT(&now) >= CPU_COUNT(&before));
        const std::string environment = text_of(folder + "/environ");
        CHECK(contains(environment, "PATH=") && std::count(environment.begin(), environment.end(), '\0') == 1);
    }
    CHECK(contains(text_of("/proc/" + std::to_string(daemons().at(0)) + "/status"), "SigBlk:\t0000000000000000"));
    daemon_leave();
    expect_tidy();
}

TEST(a_program_that_is_started_is_no_member) {
    EXPECT(QIPC_OK, daemon_ensure(spawn_options(), nullptr));
    const pid_t program = in_child([] { execlp("sleep", "sleep", "1000", static_cast<char*>(nullptr)); });
    EVENTUALLY(!processes("sleep").empty());
    daemon_leave();
    expect_tidy();
    kill_and_wait(program);
}

// ---- the private directory ----------------------------------------------------------------------------------------------

TEST(the_private_directory_and_its_files_are_for_the_user_alone) {
    umask(0);
    EXPECT(QIPC_OK, daemon_ensure(spawn_options(), nullptr));
    struct stat found {};
    CHECK(lstat(private_directory().c_str(), &found) == 0 && found.st_mode == (S_IFDIR | 0700));
    CHECK(names_in(private_directory()).size() >= 5);
    for (const std::string& name : names_in(private_directory())) {
        CHECK(lstat((private_directory() + "/" + name).c_str(), &found) == 0);
        CHECK(found.st_mode == (S_IFREG | 0600));
    }
    daemon_leave();
    expect_tidy();
}

TEST(a_private_directory_that_is_not_private_is_refused) {
    const std::string path = private_directory();
    CHECK(mkdir("/tmp/elsewhere", 0700) == 0);
    const std::function<void()> obstacles[] = {
        [&] { CHECK(symlink("/tmp/elsewhere", path.c_str()) == 0); },
        [&] { CHECK(symlink("/tmp/nowhere", path.c_str()) == 0); },
        [&] { std::ofstream(path) << "file"; },
        [&] { CHECK(mkdir(path.c_str(), 0700) == 0 && chmod(path.c_str(), 0755) == 0); },
        [&] { CHECK(mkdir(path.c_str(), 0700) == 0 && chmod(path.c_str(), 01777) == 0); },
    };
    for (const auto& lay : obstacles) {
        lay();
        EXPECT(QIPC_E_ACCESS, daemon_ensure(spawn_options(), nullptr));
        CHECK(contains(error_text(), path));
        CHECK(daemons().empty() && guards().empty() && names_in("/tmp/elsewhere").empty() && !exists("/tmp/nowhere"));
        CHECK(unlink(path.c_str()) == 0 || rmdir(path.c_str()) == 0);
    }
}

TEST(a_private_directory_of_another_user_is_refused_and_nothing_is_written_there) {
    const std::string path = private_directory();
    constexpr uid_t kOther = 40001;
    CHECK(mkdir(path.c_str(), 0700) == 0);
    if (chown(path.c_str(), kOther, kOther) == 0) {
        // Whatever the mode, and although this user may write there, when he is root.
        for (const mode_t mode : {0700, 0777}) {
            CHECK(chmod(path.c_str(), mode) == 0);
            EXPECT(QIPC_E_ACCESS, daemon_ensure(spawn_options(), nullptr));
            CHECK(contains(error_text(), path) && contains(error_text(), std::to_string(kOther)));
            CHECK(daemons().empty() && guards().empty() && names_in(path).empty());
        }
    }
    CHECK(rmdir(path.c_str()) == 0);
}

TEST(folders_that_the_environment_names_are_not_used) {
    CHECK(mkdir("/tmp/named", 0777) == 0);
    for (const char* name : {"TMPDIR", "XDG_RUNTIME_DIR", "HOME"}) {
        setenv(name, "/tmp/named", 1);
    }
    EXPECT(QIPC_OK, daemon_ensure(spawn_options(), nullptr));
    CHECK(names_in("/tmp/named").empty() && names_in(private_directory()).size() >= 5);
    daemon_leave();
    expect_tidy();
}

TEST(what_lies_in_the_place_of_roudis_lock_keeps_nobody_waiting_and_is_not_written) {
    // Nobody ever opens the other end of this pipe.
    CHECK(mkfifo(QIPC_ROUDI_LOCK, 0666) == 0);
    if (daemon_ensure(spawn_options(), nullptr) == QIPC_OK) {
        daemon_leave();
    }
    EVENTUALLY(daemons().empty() && guards().empty());
    unlink(QIPC_ROUDI_LOCK);
    std::ofstream("/tmp/victim") << "precious";
    CHECK(symlink("/tmp/victim", QIPC_ROUDI_LOCK) == 0);
    if (daemon_ensure(spawn_options(), nullptr) == QIPC_OK) {
        daemon_leave();
    }
    EVENTUALLY(daemons().empty() && guards().empty());
    CHECK(text_of("/tmp/victim") == "precious");
}

TEST(links_in_the_private_directory_are_not_followed) {
    const std::string path = private_directory();
    for (const char* name : {QIPC_FILE_SPAWN_LOCK, QIPC_FILE_MEMBERS, QIPC_FILE_CONFIG_NEW, QIPC_FILE_LOG}) {
        CHECK(mkdir(path.c_str(), 0700) == 0);
        std::ofstream("/tmp/victim") << "precious";
        CHECK(symlink("/tmp/victim", (path + "/" + name).c_str()) == 0);
        const int32_t status = daemon_ensure(spawn_options(), nullptr);
        CHECK(text_of("/tmp/victim") == "precious");
        if (status == QIPC_OK) {
            daemon_leave();
            expect_tidy();
        } else {
            CHECK(unlink((path + "/" + name).c_str()) == 0);
            for (const std::string& other : names_in(path)) {
                CHECK(unlink((path + "/" + other).c_str()) == 0);
            }
            CHECK(rmdir(path.c_str()) == 0);
        }
    }
}

TEST(a_starter_that_stands_still_is_told_to_the_others) {
    const std::string path = private_directory();
    CHECK(mkdir(path.c_str(), 0700) == 0);
    const int lock = open((path + "/" QIPC_FILE_SPAWN_LOCK).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(flock(lock, LOCK_EX) == 0);
    EXPECT(QIPC_E_DAEMON_START, daemon_ensure(spawn_options(), nullptr));
    CHECK(contains(error_text(), QIPC_FILE_SPAWN_LOCK));
    close(lock);
    EXPECT(QIPC_OK, daemon_ensure(spawn_options(), nullptr));
    daemon_leave();
    expect_tidy();
}
