// SPDX-License-Identifier: Apache-2.0
//
// Starting a daemon. It runs under qipc-guard (guard_main.c), which outlives whoever started it and ends it when the last
// process that asked for it has gone. guard.h tells how the two and several starters agree.
#include "daemon.hpp"

#include "error.hpp"
#include "group.hpp"
#include "guard.h"
#include "platform.hpp"
#include "private_directory.hpp"

#include "iceoryx_posh/mepoo/chunk_header.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <mutex>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace qipc {
namespace {

// The pools. A block of 8192 bytes aligned to 64 needs 8320 beside iceoryx's own header; announcements are small.
constexpr uint32_t kBlockChunkBytes = 8320;
constexpr uint32_t kSmallChunkBytes = 256;
constexpr uint64_t kBlockChunksMin = 16;         // fewer do not serve one publisher with history and one subscriber
constexpr uint64_t kBlockChunksMax = 8u << 20;   // 65 GiB
constexpr uint64_t kSmallChunksMin = 1024;
constexpr uint64_t kSmallChunksMax = 8192;
constexpr uint64_t kPoolBytesPerSmallChunk = 16384;

// iceoryx's management segment, as found: 65719136 bytes and 64 for each chunk; rounded up to pages and then some.
constexpr uint64_t kManagementBytes = 63u << 20;
constexpr uint64_t kManagementBytesPerChunk = 64;

// RouDi touches every page of its pools at start, about 3 s a GiB; twice that on a busy machine.
constexpr uint64_t kStartMsMin = 5000;
constexpr uint64_t kStartMsPerGib = 6000;
constexpr uint64_t kSpawnLockMsMin = 15000; // another process may just end one daemon, or start one
constexpr uint64_t kStartPollMs = 5;
constexpr uint64_t kForeignPollMs = 20;
constexpr size_t kLogTailBytes = 240;

constexpr const char* kGuardFolders[] = {"", "/../bin", QIPC_GUARD_FOLDER}; // from the library's own
constexpr char kPathDefault[] = "/usr/local/bin:/usr/bin:/bin";

std::mutex g_lock;            // one thread of this process at a time
std::mutex g_membership_lock; // never held for long: who leaves does not wait for who starts a daemon
Fd g_membership;              // guarded by it

struct Pools {
    uint64_t block_chunks = 0;
    uint64_t small_chunks = 0;

    uint64_t bytes_needed() const noexcept {
        constexpr uint64_t kHeaderBytes = sizeof(iox::mepoo::ChunkHeader);
        return kManagementBytes + (block_chunks + small_chunks) * kManagementBytesPerChunk +
               block_chunks * (kBlockChunkBytes + kHeaderBytes) + small_chunks * (kSmallChunkBytes + kHeaderBytes);
    }
};

int32_t size_pools(uint64_t pool_bytes, Pools* pools) {
    pools->block_chunks = pool_bytes / (kBlockChunkBytes + sizeof(iox::mepoo::ChunkHeader));
    pools->small_chunks = std::clamp(pool_bytes / kPoolBytesPerSmallChunk, kSmallChunksMin, kSmallChunksMax);
    if (pools->block_chunks >= kBlockChunksMin && pools->block_chunks <= kBlockChunksMax) {
        return QIPC_OK;
    }
    const uint64_t limit = (pools->block_chunks < kBlockChunksMin ? kBlockChunksMin : kBlockChunksMax + 1) *
                           (kBlockChunkBytes + sizeof(iox::mepoo::ChunkHeader));
    return fail(QIPC_E_OPTION, static_cast<double>(pool_bytes), static_cast<double>(limit),
                "Cannot start RouDi with pools of %llu bytes: give %s %llu", static_cast<unsigned long long>(pool_bytes),
                pools->block_chunks < kBlockChunksMin ? "at least" : "less than", static_cast<unsigned long long>(limit));
}

int32_t check_groups(const SpawnOptions& options) {
    gid_t id = 0;
    const int32_t status =
        options.readers.empty() ? QIPC_OK : group_find("start RouDi with the reader group", options.readers, &id);
    return status != QIPC_OK || options.writers.empty()
               ? status
               : group_find("start RouDi with the writer group", options.writers, &id);
}

/** What a configuration begins with: all that it says of groups. */
std::string configuration_head(const SpawnOptions& options) {
    std::string text = "[general]\nversion = 1\n\n[[segment]]\n";
    if (!options.writers.empty()) {
        text += "writer = \"" + options.writers + "\"\n";
    }
    if (!options.readers.empty()) {
        text += "reader = \"" + options.readers + "\"\n";
    }
    return text + "\n";
}

std::string configuration(const SpawnOptions& options, const Pools& pools) {
    std::string text = configuration_head(options);
    const auto pool = [&text](uint64_t bytes, uint64_t count) {
        text += "[[segment.mempool]]\nsize = " + std::to_string(bytes) + "\ncount = " + std::to_string(count) + "\n\n";
    };
    pool(kSmallChunkBytes, pools.small_chunks);
    pool(kBlockChunkBytes, pools.block_chunks);
    return text;
}

uint64_t bytes_on_disk(const std::string& path) {
    struct stat found {};
    constexpr uint64_t kStatBlockBytes = 512;
    return lstat(path.c_str(), &found) == 0 ? static_cast<uint64_t>(found.st_blocks) * kStatBlockBytes : 0;
}

/** Whether the pools fit, with what a dead daemon left and this one takes over counted as free. */
int32_t check_space(const Pools& pools, const std::string& segment) {
    uint64_t free_bytes = 0;
    const int32_t status = shm_free_bytes(QIPC_SHM_DIRECTORY, &free_bytes);
    if (status != QIPC_OK) {
        return status;
    }
    const std::string folder = QIPC_SHM_DIRECTORY "/";
    const uint64_t left_over = bytes_on_disk(folder + QIPC_SHM_MANAGEMENT) + bytes_on_disk(folder + segment);
    const uint64_t needed = pools.bytes_needed();
    if (free_bytes >= needed || free_bytes + left_over >= needed) {
        return QIPC_OK;
    }
    const uint64_t found = free_bytes + left_over;
    return fail(QIPC_E_SHM_TOO_SMALL, static_cast<double>(found), static_cast<double>(needed),
                "Cannot start RouDi: " QIPC_SHM_DIRECTORY " has %llu bytes free, and %llu are needed. Make it larger, free it, "
                "or ask for smaller pools",
                static_cast<unsigned long long>(found), static_cast<unsigned long long>(needed));
}

/** Whether a RouDi holds its lock: it may be starting, with its socket still to come, or ending. */
bool is_roudi_locked() {
    // Anybody can put something of this name there: a pipe would keep who opens it waiting.
    const Fd file(::open(QIPC_ROUDI_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    return file && flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

int32_t find_guard(std::string* path) {
    Dl_info library{};
    char resolved[PATH_MAX] = {};
    if (dladdr(reinterpret_cast<void*>(&daemon_ensure), &library) == 0 || realpath(library.dli_fname, resolved) == nullptr) {
        return fail(QIPC_E_DAEMON_START, 0, 0, "Cannot start RouDi: this library could not find out where it lies");
    }
    const std::string folder(resolved, std::strrchr(resolved, '/'));
    for (const char* below : kGuardFolders) {
        *path = folder + below + "/" QIPC_GUARD_PROGRAM;
        if (access(path->c_str(), X_OK) == 0) {
            return QIPC_OK;
        }
    }
    return fail(QIPC_E_DAEMON_START, 0, 0,
                "Cannot start RouDi: " QIPC_GUARD_PROGRAM " lies neither in %s nor in its %s or %s. Install the library with "
                "its programs",
                folder.c_str(), kGuardFolders[1] + 1, kGuardFolders[2] + 1);
}

/** Starts the guard. `*status_pipe` tells its end by a hang-up. */
int32_t start_guard(const PrivateDirectory& directory, const std::string& segment, Fd* status_pipe) {
    std::string program;
    const int32_t status = find_guard(&program);
    if (status != QIPC_OK) {
        return status;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fail(QIPC_E_SYSTEM, errno, 0, "Cannot start RouDi: could not make a pipe (%s)", strerrordesc_np(errno));
    }
    *status_pipe = Fd(ends[0]);
    const Fd guards_end(ends[1]);

    const std::string log = directory.path() + "/" QIPC_FILE_LOG;
    const char* const path_value = std::getenv("PATH");
    std::string path = std::string("PATH=") + (path_value != nullptr ? path_value : kPathDefault);
    char* arguments[] = {const_cast<char*>(QIPC_GUARD_PROGRAM), const_cast<char*>(directory.path().c_str()),
                         const_cast<char*>(segment.c_str()), nullptr};
    char* environment[] = {path.data(), nullptr};

    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    // The pipe first: its descriptor may be one of those that are replaced after it.
    posix_spawn_file_actions_adddup2(&actions, guards_end.get(), QIPC_GUARD_STATUS_FD);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, QIPC_GUARD_STATUS_FD + 1);
    pid_t process = -1;
    const int error = posix_spawn(&process, program.c_str(), &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        return fail(QIPC_E_DAEMON_START, error, 0, "Cannot start RouDi: could not run %s (%s)", program.c_str(),
                    strerrordesc_np(error));
    }
    // This process ends at once, having left the guard to the system, so that it is nobody's child here.
    while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
    }
    return QIPC_OK;
}

bool is_member() {
    const std::lock_guard<std::mutex> held(g_membership_lock);
    return static_cast<bool>(g_membership);
}

int32_t join(PrivateDirectory* directory, uint64_t deadline_ns) {
    {
        const std::lock_guard<std::mutex> held(g_membership_lock);
        if (g_membership && directory->is_current(QIPC_FILE_MEMBERS, g_membership)) {
            return QIPC_OK;
        }
    }
    Fd membership;
    const int32_t status = directory->lock(QIPC_FILE_MEMBERS, LOCK_SH, deadline_ns, &membership);
    if (status == QIPC_OK) {
        const std::lock_guard<std::mutex> held(g_membership_lock);
        g_membership = std::move(membership);
    }
    return status != QIPC_TIMED_OUT
               ? status
               : fail(QIPC_E_DAEMON_START, 0, 0, "Cannot use the RouDi that was started: %s/%s stays locked",
                      directory->path().c_str(), QIPC_FILE_MEMBERS);
}

/** A healthy daemon is there. When it is one of a guard's, it must be told that this process needs it. */
int32_t reuse(PrivateDirectory* directory, const SpawnOptions& options, uint64_t deadline_ns) {
    const bool is_guarded = directory->is_locked(QIPC_FILE_GUARD_LOCK);
    // Nobody shall take memory for protected that is not.
    if ((!options.readers.empty() || !options.writers.empty()) &&
        !(is_guarded && directory->begins_with(QIPC_FILE_CONFIG, configuration_head(options)))) {
        return fail(QIPC_E_OPTIONS_DIFFER, 0, 0,
                    "Cannot use the RouDi that runs: it was not started for the readers \"%s\" and the writers \"%s\". End it, or "
                    "leave them out and rely on its own configuration",
                    options.readers.c_str(), options.writers.c_str());
    }
    if (!is_guarded) {
        return QIPC_OK;
    }
    return options.keep ? directory->touch(QIPC_FILE_KEEP) : join(directory, deadline_ns);
}

int32_t fail_start(const PrivateDirectory& directory, const char* what, uint64_t started_ns, uint64_t limit_ms) {
    return fail(QIPC_E_DAEMON_START, static_cast<double>((now_ns() - started_ns) / kNsPerMs), static_cast<double>(limit_ms),
                "Cannot start RouDi: %s. The end of %s/%s: %s", what, directory.path().c_str(), QIPC_FILE_LOG,
                directory.tail(QIPC_FILE_LOG, kLogTailBytes).c_str());
}

/** Waits until no RouDi holds the lock without answering; QIPC_OK when one answers, QIPC_E_DAEMON_ABSENT when none is there. */
int32_t settle(const SpawnOptions& options, uint64_t deadline_ns) {
    for (;;) {
        const int32_t status = daemon_probe(options.timeout_ms, nullptr);
        if (status != QIPC_E_DAEMON_ABSENT || !is_roudi_locked()) {
            return status;
        }
        if (now_ns() >= deadline_ns) {
            return fail(QIPC_E_DAEMON_HUNG, options.timeout_ms, options.timeout_ms,
                        "Cannot start RouDi: another one holds %s and takes no registration. End it, and start it again",
                        QIPC_ROUDI_LOCK);
        }
        sleep_ns(ms_to_ns(kForeignPollMs));
    }
}

/** Starts a daemon and waits until it answers. This process is a member from before its start, so that it can not end. */
int32_t start(PrivateDirectory* directory, const SpawnOptions& options, const Pools& pools, uint64_t limit_ms, bool* spawned) {
    const uint64_t started_ns = now_ns();
    const uint64_t deadline_ns = started_ns + ms_to_ns(limit_ms);
    const std::string segment = options.writers.empty() ? group_own() : options.writers;
    Fd status_pipe;
    directory->remove(QIPC_FILE_KEEP); // of a guard that was killed
    int32_t status = check_space(pools, segment);
    if (status != QIPC_OK ||
        (status = directory->replace(QIPC_FILE_CONFIG, QIPC_FILE_CONFIG_NEW, configuration(options, pools))) != QIPC_OK ||
        (status = join(directory, deadline_ns)) != QIPC_OK ||
        (status = start_guard(*directory, segment, &status_pipe)) != QIPC_OK) {
        return status;
    }
    while (now_ns() < deadline_ns) {
        if (daemon_probe(options.timeout_ms, nullptr) == QIPC_OK) {
            *spawned = true;
            return options.keep ? directory->touch(QIPC_FILE_KEEP) : QIPC_OK;
        }
        if (wait_until(status_pipe.get(), POLLIN, now_ns() + ms_to_ns(kStartPollMs))) {
            // The guard has ended, and with it RouDi. When somebody else started one at the same moment, that one is there.
            return settle(options, deadline_ns) == QIPC_OK ? QIPC_OK
                                                           : fail_start(*directory, "it ended at once", started_ns, limit_ms);
        }
    }
    return fail_start(*directory, "it did not answer in time", started_ns, limit_ms);
}

} // namespace

int32_t daemon_ensure(const SpawnOptions& options, bool* spawned) {
    const std::lock_guard<std::mutex> held(g_lock);
    bool spawned_here = false;
    bool* const spawned_out = spawned != nullptr ? spawned : &spawned_here;
    *spawned_out = false;
    Pools pools;
    PrivateDirectory directory;
    int32_t status = size_pools(options.pool_bytes, &pools);
    if (status != QIPC_OK || (status = check_groups(options)) != QIPC_OK || (status = directory.open()) != QIPC_OK) {
        return status;
    }
    constexpr uint64_t kGib = 1u << 30;
    const uint64_t start_ms = std::max<uint64_t>(options.timeout_ms, kStartMsMin + kStartMsPerGib * options.pool_bytes / kGib);
    const uint64_t lock_ms = std::max(start_ms, kSpawnLockMsMin);
    const uint64_t lock_deadline_ns = now_ns() + ms_to_ns(lock_ms);
    Fd spawn_lock;
    status = directory.lock(QIPC_FILE_SPAWN_LOCK, LOCK_EX, lock_deadline_ns, &spawn_lock);
    if (status == QIPC_TIMED_OUT) {
        return fail(QIPC_E_DAEMON_START, static_cast<double>(lock_ms), static_cast<double>(lock_ms),
                    "Cannot start RouDi: another process has been starting or ending one for %llu ms (it holds %s/%s)",
                    static_cast<unsigned long long>(lock_ms), directory.path().c_str(), QIPC_FILE_SPAWN_LOCK);
    }
    if (status != QIPC_OK) {
        return status;
    }
    status = settle(options, lock_deadline_ns);
    if (status == QIPC_OK) {
        return reuse(&directory, options, lock_deadline_ns);
    }
    if (status != QIPC_E_DAEMON_ABSENT) {
        return status;
    }
    const bool was_member = is_member();
    status = start(&directory, options, pools, start_ms, spawned_out);
    if (options.keep || (status != QIPC_OK && !was_member) || (status == QIPC_OK && !*spawned_out)) {
        daemon_leave();
    }
    return status;
}

void daemon_leave() {
    const std::lock_guard<std::mutex> held(g_membership_lock);
    g_membership.close();
}

} // namespace qipc
