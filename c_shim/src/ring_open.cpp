// SPDX-License-Identifier: Apache-2.0
//
// Finding a ring. Whatever lies in its files was written by somebody else: no number of it is used before it was compared with the
// files' sizes, which the kernel tells.
#include "ring_file.hpp"

#include "error.hpp"

#include <cerrno>
#include <cinttypes>
#include <cstring>

namespace qipc {
namespace {

constexpr uint64_t kStatBlockBytes = 512; // the unit of st_blocks

int32_t fail_open(const RingPath& path, uint64_t epoch) {
    switch (errno) {
    case ENOENT:
        return fail(QIPC_E_RING_GONE, 0, 0,
                    "Cannot attach the ring %016" PRIx64
                    ": it is gone. Its writer closed it, or died and it was cleared away",
                    epoch);
    case EACCES:
    case EPERM:
        return fail(QIPC_E_ACCESS, geteuid(), 0, "Cannot attach a ring: user %u may not read %s", geteuid(), path.text);
    default:
        return fail(QIPC_E_SYSTEM, errno, 0, "Cannot attach a ring: could not open %s (%s)", path.text,
                    strerrordesc_np(errno));
    }
}

int32_t fail_corrupt(const RingPath& path, const char* field, uint64_t value, uint64_t limit) {
    return fail(QIPC_E_RING_CORRUPT, static_cast<double>(value), static_cast<double>(limit),
                "Cannot attach a ring: the %s of %s is %" PRIu64 " and should be %" PRIu64, field, path.text, value, limit);
}

/** The status of what was found out about a header. */
int32_t judge(const RingPath& path, const qaultra_ring_finding& finding) {
    switch (finding.fault) {
    case QAULTRA_RING_FAULT_NONE:
        return QIPC_OK;
    case QAULTRA_RING_FAULT_VERSION:
        return fail(QIPC_E_RING_VERSION, static_cast<double>(finding.value), static_cast<double>(finding.limit),
                    "Cannot attach a ring of version %" PRIu64 ": this library knows version %" PRIu64, finding.value,
                    finding.limit);
    default:
        return fail_corrupt(path, qaultra_ring_fault_field(finding.fault), finding.value, finding.limit);
    }
}

/** Maps a file that is a plain one with all of its memory there: touching a hole in a full /dev/shm would be a fault. */
int32_t map(const RingPath& path, int file, int rights, void** address, uint64_t* bytes) {
    struct stat found {};
    if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode) ||
        static_cast<uint64_t>(found.st_size) < QAULTRA_RING_HEADER_BYTES) {
        return fail_corrupt(path, "size", static_cast<uint64_t>(found.st_size), QAULTRA_RING_HEADER_BYTES);
    }
    *bytes = static_cast<uint64_t>(found.st_size);
    const uint64_t taken = static_cast<uint64_t>(found.st_blocks) * kStatBlockBytes;
    if (taken < *bytes) {
        return fail_corrupt(path, "memory", taken, *bytes);
    }
    // Populated: the first lap shall cost a reader no page faults.
    void* const mapped = mmap(nullptr, *bytes, rights, MAP_SHARED | MAP_POPULATE, file, 0);
    if (mapped == MAP_FAILED) {
        return fail(QIPC_E_SYSTEM, errno, 0, "Cannot attach a ring: could not map %s (%s)", path.text,
                    strerrordesc_np(errno));
    }
    *address = mapped;
    return QIPC_OK;
}

Fd open_quietly(const RingPath& path, int access) noexcept {
    return Fd(open(path.text, access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

/** Both of these note the address and the size at once, so that they are unmapped whatever else is found. */
int32_t map_data(RingMemory& memory, const RingPath& path) {
    void* address = nullptr;
    uint64_t bytes = 0;
    if (const int32_t status = map(path, memory.data_file.get(), PROT_READ, &address, &bytes); status != QIPC_OK) {
        return status;
    }
    memory.header = static_cast<qaultra_ring_header*>(address);
    const qaultra_ring_finding finding = qaultra_ring_check(address, bytes, memory.epoch, &memory.shape);
    memory.shape.segment_bytes = bytes;
    return judge(path, finding);
}

int32_t map_table(RingMemory& memory, const RingPath& path, int file) {
    const int rights = memory.is_table_writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void* address = nullptr;
    uint64_t bytes = 0;
    if (const int32_t status = map(path, file, rights, &address, &bytes); status != QIPC_OK) {
        return status;
    }
    memory.table.header = static_cast<qaultra_ring_table_header*>(address);
    const qaultra_ring_finding finding = qaultra_ring_readers_check(address, bytes, memory.epoch, &memory.table_shape);
    memory.table_shape.segment_bytes = bytes;
    memory.table = qaultra_ring_table_bind(address, &memory.table_shape);
    return judge(path, finding);
}

} // namespace

int32_t ring_open(uint64_t epoch, std::shared_ptr<RingMemory>* out) {
    const auto memory = std::make_shared<RingMemory>();
    memory->epoch = epoch;
    const RingPath data_path = ring_path(RingFile::data, epoch);
    const RingPath table_path = ring_path(RingFile::table, epoch);
    memory->data_file = open_quietly(data_path, O_RDONLY);
    if (!memory->data_file) {
        return fail_open(data_path, epoch);
    }
    Fd table_file = open_quietly(table_path, O_RDWR);
    memory->is_table_writable = static_cast<bool>(table_file);
    if (!table_file && (errno == EACCES || errno == EPERM || errno == EROFS)) {
        table_file = open_quietly(table_path, O_RDONLY);
    }
    if (!table_file) {
        return fail_open(table_path, epoch);
    }
    int32_t status = map_data(*memory, data_path);
    if (status == QIPC_OK) {
        status = map_table(*memory, table_path, table_file.get());
    }
    if (status == QIPC_OK) {
        *out = memory;
    }
    return status;
}

} // namespace qipc
