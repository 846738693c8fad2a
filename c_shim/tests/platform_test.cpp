// SPDX-License-Identifier: Apache-2.0
#include "platform.hpp"

#include "unit.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace {

struct Affinity {
    uint32_t count;
    uint32_t lowest;
    uint32_t current;
};

Affinity affinity() {
    alignas(8) uint8_t result[QIPC_RESULT_BYTES];
    EXPECT(QIPC_OK, qipc_thread_affinity(result));
    Affinity found{};
    std::memcpy(&found, result, sizeof found);
    return found;
}

std::vector<uint32_t> allowed_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
    std::vector<uint32_t> cpus;
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &set)) {
            cpus.push_back(cpu);
        }
    }
    return cpus;
}

/** From now on the call fails in this process with `error`, as in a container that forbids it. */
void forbid(int call, int error) {
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof rules / sizeof rules[0], rules};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

void* pages(size_t bytes) {
    void* const address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(address != MAP_FAILED);
    return address;
}

uint64_t wall_ns() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * qipc::kNsPerS + static_cast<uint64_t>(now.tv_nsec);
}

double since(uint64_t ns) {
    return qipc_clock_since_ns(static_cast<uint32_t>(ns), static_cast<uint32_t>(ns >> 32));
}

} // namespace

TEST(clock_since_is_the_time_that_has_passed) {
    const uint64_t before = wall_ns();
    const double passed = since(before);
    CHECK(passed >= 0 && passed <= static_cast<double>(wall_ns() - before));
}

TEST(clock_since_of_a_later_moment_is_negative) {
    CHECK(since(wall_ns() + 3600 * qipc::kNsPerS) < -3599e9);
}

TEST(thread_pin_is_read_back_as_affinity) {
    for (const uint32_t cpu : allowed_cpus()) {
        EXPECT(QIPC_OK, qipc_thread_pin(cpu));
        const Affinity found = affinity();
        CHECK(found.count == 1 && found.lowest == cpu && found.current == cpu);
        CHECK(allowed_cpus() == std::vector<uint32_t>{cpu});
    }
}

TEST(thread_affinity_counts_the_cpus_of_the_thread) {
    const std::vector<uint32_t> cpus = allowed_cpus();
    const Affinity found = affinity();
    CHECK(found.count == cpus.size() && found.lowest == cpus.front());
    CHECK(std::find(cpus.begin(), cpus.end(), found.current) != cpus.end());
}

TEST(thread_pin_to_no_cpu_of_this_machine_changes_nothing) {
    const std::vector<uint32_t> before = allowed_cpus();
    const long count = sysconf(_SC_NPROCESSORS_CONF);
    for (const uint32_t cpu : {static_cast<uint32_t>(count), 8191u, 8192u, UINT32_MAX}) {
        EXPECT(QIPC_E_OPTION, qipc_thread_pin(cpu));
        CHECK(unit::error_value() == cpu && unit::error_limit() == static_cast<double>(count));
        CHECK(unit::error_text().find(std::to_string(cpu)) != std::string::npos);
    }
    CHECK(allowed_cpus() == before);
}

TEST(thread_affinity_refuses_a_bad_result) {
    alignas(8) uint8_t result[QIPC_RESULT_BYTES + 8] = {};
    EXPECT(QIPC_E_NULL, qipc_thread_affinity(nullptr));
    EXPECT(QIPC_E_MISALIGNED, qipc_thread_affinity(result + 4));
    CHECK(std::all_of(std::begin(result), std::end(result), [](uint8_t byte) { return byte == 0; }));
}

TEST(numa_bind_reads_back_the_node_it_asked_for) {
    constexpr size_t kBytes = 64 * 4096;
    unsigned node = 0;
    EXPECT(QIPC_OK, qipc_thread_pin(allowed_cpus().front()));
    CHECK(syscall(SYS_getcpu, nullptr, &node, nullptr) == 0);
    // One that was touched before, one that was not, and one that does not begin with a page.
    auto* const touched = static_cast<uint8_t*>(pages(kBytes));
    std::memset(touched, 1, kBytes);
    for (uint8_t* address : {touched, static_cast<uint8_t*>(pages(kBytes)), touched + 64}) {
        uint32_t asked = UINT32_MAX;
        uint32_t found = UINT32_MAX;
        EXPECT(QIPC_OK, qipc::numa_bind(address, kBytes - 64, &asked, &found));
        CHECK(asked == node && found == node);
    }
    CHECK(touched[0] == 1 && touched[kBytes - 1] == 1);
}

TEST(numa_bind_says_which_call_the_machine_lacks) {
    const struct {
        int call;
        const char* name;
    } calls[] = {{SYS_mbind, "mbind"}, {SYS_get_mempolicy, "get_mempolicy"}};
    for (const auto& [call, name] : calls) {
        for (const int error : {ENOSYS, EPERM}) {
            unit::succeeds(unit::in_child([&] {
                void* const address = pages(4096);
                uint32_t asked = 0;
                uint32_t found = 0;
                forbid(call, error);
                EXPECT(QIPC_E_UNSUPPORTED, qipc::numa_bind(address, 4096, &asked, &found));
                CHECK(unit::error_text().find(name) != std::string::npos && unit::error_value() == error);
            }));
        }
    }
}

TEST(numa_bind_of_no_memory_is_an_error) {
    uint32_t asked = 0;
    uint32_t found = 0;
    EXPECT(QIPC_E_NULL, qipc::numa_bind(nullptr, 4096, &asked, &found));
    EXPECT(QIPC_E_NULL, qipc::numa_bind(&asked, 0, &asked, &found));
    // A hole in the address space: memory that is not mapped.
    void* const address = pages(4096);
    CHECK(munmap(address, 4096) == 0);
    EXPECT(QIPC_E_SYSTEM, qipc::numa_bind(address, 4096, &asked, &found));
    CHECK(unit::error_value() == EFAULT);
}

TEST(shm_free_bytes_is_what_can_still_be_written) {
    CHECK(mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=32m") == 0);
    uint64_t free_bytes = 0;
    EXPECT(QIPC_OK, qipc::shm_free_bytes("/dev/shm", &free_bytes));
    CHECK(free_bytes == 32u << 20);
    FILE* const file = std::fopen("/dev/shm/some", "w");
    const std::vector<char> mebibyte(1u << 20);
    CHECK(file != nullptr && std::fwrite(mebibyte.data(), 1, mebibyte.size(), file) == mebibyte.size());
    CHECK(std::fclose(file) == 0);
    EXPECT(QIPC_OK, qipc::shm_free_bytes("/dev/shm", &free_bytes));
    CHECK(free_bytes == 31u << 20);
    CHECK(std::remove("/dev/shm/some") == 0);
}

TEST(shm_free_bytes_of_a_file_system_without_a_limit_is_the_largest_number) {
    CHECK(mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=0,nr_inodes=0") == 0);
    uint64_t free_bytes = 0;
    EXPECT(QIPC_OK, qipc::shm_free_bytes("/dev/shm", &free_bytes));
    CHECK(free_bytes == UINT64_MAX);
}

TEST(shm_free_bytes_of_nothing_is_an_error) {
    uint64_t free_bytes = 0;
    EXPECT(QIPC_E_SYSTEM, qipc::shm_free_bytes("/dev/shm/not/there", &free_bytes));
    CHECK(unit::error_value() == ENOENT && unit::error_text().find("/dev/shm/not/there") != std::string::npos);
    EXPECT(QIPC_E_NULL, qipc::shm_free_bytes(nullptr, &free_bytes));
    EXPECT(QIPC_E_NULL, qipc::shm_free_bytes("/dev/shm", nullptr));
}
