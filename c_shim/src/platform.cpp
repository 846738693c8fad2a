// SPDX-License-Identifier: Apache-2.0
#include "platform.hpp"

#include "check.hpp"
#include "clock.hpp"
#include "error.hpp"
#include "export.hpp"
#include "qaultra_ipc/qipc.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>
#include <linux/mempolicy.h>
#include <memory>
#include <sched.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace qipc {
namespace {

constexpr size_t kCpusMax = 8192;  // as many as Linux can be built for
constexpr size_t kNodesMax = 1024; // the same for memory nodes
constexpr size_t kBitsPerWord = 8 * sizeof(unsigned long);

struct CpuSetDeleter {
    void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};
using CpuSet = std::unique_ptr<cpu_set_t, CpuSetDeleter>;
const size_t kCpuSetBytes = CPU_ALLOC_SIZE(kCpusMax);

CpuSet make_cpu_set() {
    CpuSet set(CPU_ALLOC(kCpusMax));
    if (set) {
        CPU_ZERO_S(kCpuSetBytes, set.get());
    }
    return set;
}

int32_t fail_for_memory(const char* action) {
    return fail(QIPC_E_SYSTEM, ENOMEM, 0, "Cannot %s: out of memory", action);
}

int32_t fail_for_numa(const char* call, int error) {
    if (error == ENOSYS || error == EPERM) {
        return fail(QIPC_E_UNSUPPORTED, error, 0,
                    "Cannot bind memory to a node: this kernel or container does not offer %s (%s)", call,
                    strerrordesc_np(error));
    }
    return fail(QIPC_E_SYSTEM, error, 0, "Cannot bind memory to a node: %s failed (%s)", call, strerrordesc_np(error));
}

} // namespace

int32_t numa_bind(void* address, size_t length, uint32_t* node_asked, uint32_t* node_found) {
    if (address == nullptr || length == 0 || node_asked == nullptr || node_found == nullptr) {
        return fail(QIPC_E_NULL, 0, 0, "Cannot bind memory to a node: no memory or no result was given");
    }
    unsigned cpu = 0;
    unsigned node = 0;
    if (syscall(SYS_getcpu, &cpu, &node, nullptr) != 0) {
        return fail_for_numa("getcpu", errno);
    }
    if (node >= kNodesMax) {
        return fail(QIPC_E_UNSUPPORTED, node, kNodesMax - 1, "Cannot bind memory to node %u: the highest known is %zu", node,
                    kNodesMax - 1);
    }
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t first = reinterpret_cast<uintptr_t>(address) / page * page;
    const uintptr_t end = reinterpret_cast<uintptr_t>(address) + length;
    unsigned long nodes[kNodesMax / kBitsPerWord] = {};
    nodes[node / kBitsPerWord] |= 1ul << (node % kBitsPerWord);
    // The kernel takes the number of bits plus one.
    if (syscall(SYS_mbind, first, end - first, MPOL_BIND, nodes, kNodesMax + 1, MPOL_MF_MOVE) != 0) {
        return fail_for_numa("mbind", errno);
    }
    int found = -1;
    if (syscall(SYS_get_mempolicy, &found, nullptr, 0, address, MPOL_F_NODE | MPOL_F_ADDR) != 0) {
        return fail_for_numa("get_mempolicy", errno);
    }
    *node_asked = node;
    *node_found = static_cast<uint32_t>(found);
    return QIPC_OK;
}

int32_t shm_free_bytes(const char* path, uint64_t* free_bytes) {
    if (path == nullptr || free_bytes == nullptr) {
        return fail(QIPC_E_NULL, 0, 0, "Cannot ask for free shared memory: no path or no result was given");
    }
    struct statvfs found {};
    if (statvfs(path, &found) != 0) {
        return fail(QIPC_E_SYSTEM, errno, 0, "Cannot ask for the free space of %s (%s)", path, strerrordesc_np(errno));
    }
    // A tmpfs that was mounted without a size tells no blocks at all.
    *free_bytes = found.f_blocks == 0 ? std::numeric_limits<uint64_t>::max()
                                      : static_cast<uint64_t>(found.f_bavail) * found.f_frsize;
    return QIPC_OK;
}

} // namespace qipc

using qipc::fail;

QIPC_EXPORT double qipc_clock_since_ns(uint32_t low, uint32_t high) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto now_ns = static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
    const uint64_t then_ns = static_cast<uint64_t>(high) << 32 | low;
    return static_cast<double>(static_cast<int64_t>(static_cast<uint64_t>(now_ns) - then_ns));
}

QIPC_EXPORT uint32_t qipc_clock_ms() {
    return qipc::clock_ms();
}

QIPC_EXPORT int32_t qipc_thread_pin(uint32_t cpu) {
    const long count = sysconf(_SC_NPROCESSORS_CONF);
    if (cpu >= qipc::kCpusMax || static_cast<long>(cpu) >= count) {
        return fail(QIPC_E_OPTION, cpu, static_cast<double>(count),
                    "Cannot pin the thread to CPU %u: this machine has %ld, counted from 0", cpu, count);
    }
    const qipc::CpuSet wanted = qipc::make_cpu_set();
    const qipc::CpuSet found = qipc::make_cpu_set();
    if (!wanted || !found) {
        return qipc::fail_for_memory("pin the thread");
    }
    CPU_SET_S(cpu, qipc::kCpuSetBytes, wanted.get());
    if (sched_setaffinity(0, qipc::kCpuSetBytes, wanted.get()) != 0) {
        return errno == EINVAL ? fail(QIPC_E_OPTION, cpu, static_cast<double>(count),
                                      "Cannot pin the thread to CPU %u: it is offline or not given to this process", cpu)
                               : fail(QIPC_E_SYSTEM, errno, static_cast<double>(count),
                                      "Cannot pin the thread to CPU %u (%s)", cpu, strerrordesc_np(errno));
    }
    if (sched_getaffinity(0, qipc::kCpuSetBytes, found.get()) != 0 ||
        !CPU_EQUAL_S(qipc::kCpuSetBytes, wanted.get(), found.get())) {
        return fail(QIPC_E_UNSUPPORTED, cpu, static_cast<double>(count),
                    "Cannot pin the thread to CPU %u: the system took the request and did not follow it", cpu);
    }
    return QIPC_OK;
}

QIPC_EXPORT int32_t qipc_thread_affinity(uint8_t* result) {
    const int32_t status = qipc::check_result(result);
    if (status != QIPC_OK) {
        return status;
    }
    const qipc::CpuSet found = qipc::make_cpu_set();
    if (!found) {
        return qipc::fail_for_memory("tell the thread's CPUs");
    }
    unsigned current = 0;
    if (sched_getaffinity(0, qipc::kCpuSetBytes, found.get()) != 0 ||
        syscall(SYS_getcpu, &current, nullptr, nullptr) != 0) {
        return fail(QIPC_E_SYSTEM, errno, 0, "Cannot tell the thread's CPUs (%s)", strerrordesc_np(errno));
    }
    uint32_t words[3] = {static_cast<uint32_t>(CPU_COUNT_S(qipc::kCpuSetBytes, found.get())), 0, current};
    while (words[1] < qipc::kCpusMax && !CPU_ISSET_S(words[1], qipc::kCpuSetBytes, found.get())) {
        words[1]++;
    }
    std::memcpy(result, words, sizeof words);
    return QIPC_OK;
}

QIPC_EXPORT int32_t qipc_thread_yield() {
    sched_yield();
    return QIPC_OK;
}
