// SPDX-License-Identifier: Apache-2.0
#include "ring_file.hpp"

#include "error.hpp"
#include "platform.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>

namespace qipc {
namespace {

/** Memory is taken in pieces: the kernel gives up taking one when a signal comes, and then only that piece is taken again. */
constexpr uint64_t kPieceBytes = 4 * 1024 * 1024;

int32_t fail_system(const char* action) {
    return fail(QIPC_E_SYSTEM, errno, 0, "Cannot make a ring: could not %s (%s)", action, strerrordesc_np(errno));
}

int take_memory(int file, uint64_t bytes) noexcept {
    for (uint64_t at = 0; at < bytes;) {
        const uint64_t piece = std::min(bytes - at, kPieceBytes);
        const int error = posix_fallocate(file, static_cast<off_t>(at), static_cast<off_t>(piece));
        if (error == EINTR) {
            continue;
        }
        if (error != 0) {
            return error;
        }
        at += piece;
    }
    return 0;
}

/** A file without a name, which nobody else knows, with memory for all of it. `*is_full` is set when there is too little. */
int32_t make_file(uint32_t group, mode_t mode, uint64_t bytes, Fd* file, bool* is_full) {
    *file = Fd(open(QAULTRA_RING_FOLDER, QAULTRA_RING_O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!*file) {
        return fail_system("make a file in " QAULTRA_RING_FOLDER);
    }
    if (qaultra_ring_grant(file->get(), group, mode) != 0) {
        return errno == EPERM || errno == EINVAL
                   ? fail(QIPC_E_ACCESS, group, 0,
                          "Cannot make a ring for group %u: user %u is not a member of it, or was not yet when this process was "
                          "started",
                          group, geteuid())
                   : fail_system("give it to its group");
    }
    if (const int error = take_memory(file->get(), bytes); error != 0) {
        errno = error;
        *is_full = error == ENOSPC;
        return fail_system("take memory in " QAULTRA_RING_FOLDER);
    }
    return QIPC_OK;
}

int32_t fail_full(uint64_t needed) {
    uint64_t free_bytes = 0;
    if (const int32_t status = shm_free_bytes(QAULTRA_RING_FOLDER, &free_bytes); status != QIPC_OK) {
        return status;
    }
    return fail(QIPC_E_SHM_TOO_SMALL, static_cast<double>(free_bytes), static_cast<double>(needed),
                "Cannot make a ring of %" PRIu64 " bytes: " QAULTRA_RING_FOLDER " has %" PRIu64 " bytes free", needed,
                free_bytes);
}

/** The whole file, every page of it there: the writer shall not meet its first touch of a page while it publishes. */
void* map(int file, uint64_t bytes) noexcept {
    void* const address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    return address == MAP_FAILED ? nullptr : address;
}

/** Locks both files, then names them, the data last: whoever finds it finds a whole ring, whose writer lives. */
int32_t publish(const RingMemory& memory) {
    const int table_file = memory.table_file.get();
    const int data_file = memory.data_file.get();
    if (flock(table_file, LOCK_EX | LOCK_NB) != 0 || flock(data_file, LOCK_EX | LOCK_NB) != 0) {
        return fail_system("lock it");
    }
    if (qaultra_ring_link(table_file, QAULTRA_RING_TABLE_PREFIX, memory.epoch) != 0) {
        return fail_system("name it");
    }
    if (qaultra_ring_link(data_file, QAULTRA_RING_DATA_PREFIX, memory.epoch) != 0) {
        const int32_t status = fail_system("name it");
        unlink(ring_path(RingFile::table, memory.epoch).text);
        return status;
    }
    return QIPC_OK;
}

} // namespace

int32_t ring_make(qaultra_ring_options options, std::shared_ptr<RingMemory>* out) {
    const auto memory = std::make_shared<RingMemory>();
    options.epoch = qaultra_ring_random_epoch();
    options.created_ns = now_ns();
    if (options.epoch == 0) {
        return fail_system("get a random number");
    }
    memory->epoch = options.epoch;
    memory->is_writer = true;
    memory->is_table_writable = true;
    memory->shape.segment_bytes = qaultra_ring_data_bytes(options.capacity);
    memory->table_shape.segment_bytes = qaultra_ring_table_bytes(options.entry_count);
    bool is_full = false;
    int32_t status =
        make_file(options.group, qaultra_ring_table_mode(options.access), memory->table_shape.segment_bytes,
                  &memory->table_file, &is_full);
    if (status == QIPC_OK) {
        status = make_file(options.group, qaultra_ring_data_mode(options.access), memory->shape.segment_bytes,
                           &memory->data_file, &is_full);
    }
    if (is_full) {
        // What was taken is given back first, so that the error tells what is free for another.
        memory->data_file.close();
        memory->table_file.close();
        return fail_full(memory->shape.segment_bytes + memory->table_shape.segment_bytes);
    }
    if (status != QIPC_OK) {
        return status;
    }
    void* const table = map(memory->table_file.get(), memory->table_shape.segment_bytes);
    memory->table.header = static_cast<qaultra_ring_table_header*>(table);
    memory->header = static_cast<qaultra_ring_header*>(map(memory->data_file.get(), memory->shape.segment_bytes));
    if (table == nullptr || memory->header == nullptr) {
        return fail_system("map it");
    }
    const qaultra_ring_identity writer = qaultra_ring_identity_self();
    qaultra_ring_format(memory->header, table, &options, &writer, clock_ms());
    qaultra_ring_check(memory->header, memory->shape.segment_bytes, memory->epoch, &memory->shape);
    qaultra_ring_readers_check(table, memory->table_shape.segment_bytes, memory->epoch, &memory->table_shape);
    memory->table = qaultra_ring_table_bind(table, &memory->table_shape);
    if (status = publish(*memory); status == QIPC_OK) {
        *out = memory;
    }
    return status;
}

} // namespace qipc
