/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_cases.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

const struct RingOptions g_small_ring = {16, 8, 1000, 0, 1000, 1000, 0, QIPC_GROUP_OWN, 0660};

int32_t try_ring(uint32_t runtime, const char* stream, struct RingOptions options) {
    return qipc_ring_create(runtime, (const uint8_t*)"QAULTRA", 7, (const uint8_t*)stream, (uint32_t)strlen(stream),
                            options.capacity, options.entries, options.max_subscribers, options.flags,
                            options.heartbeat_ms, options.reader_timeout_ms, options.first_sequence, options.group,
                            options.access, RESULT);
}

int32_t try_attach(uint32_t runtime, uint64_t epoch) {
    return qipc_ring_attach(runtime, (uint32_t)epoch, (uint32_t)(epoch >> 32), RESULT);
}

struct Ring ring_in_result(void) {
    struct Ring ring;
    memset(&ring, 0, sizeof ring);
    ring.handle = WORD(0);
    ring.header = (qaultra_ring_header*)(uintptr_t)t_result[2];
    void* const table = (void*)(uintptr_t)t_result[4];
    CHECK(qaultra_ring_check(ring.header, t_result[3], 0, &ring.shape).fault == QAULTRA_RING_FAULT_NONE);
    ring.epoch = ring.shape.epoch;
    CHECK(qaultra_ring_readers_check(table, t_result[5], ring.epoch, &ring.table_shape).fault == QAULTRA_RING_FAULT_NONE);
    CHECK(ring.shape.segment_bytes == t_result[3] && ring.table_shape.segment_bytes == t_result[5]);
    ring.table = qaultra_ring_table_bind(table, &ring.table_shape);
    return ring;
}

struct Ring make_ring(uint32_t runtime, const char* stream) {
    EXPECT_OK(try_ring(runtime, stream, g_small_ring));
    struct Ring ring = ring_in_result();
    ring.is_table_writable = true;
    return ring;
}

struct Ring attach_ring(uint32_t runtime, uint64_t epoch) {
    EXPECT_OK(try_attach(runtime, epoch));
    struct Ring ring = ring_in_result();
    ring.is_table_writable = WORD(1) == 1;
    ring.identity.pid = WORD(14);
    ring.identity.start_time = t_result[8];
    ring.identity.pid_namespace = t_result[9];
    CHECK(ring.epoch == epoch);
    return ring;
}

static bool has_name(const char* prefix, uint64_t epoch) {
    char path[QAULTRA_RING_PATH_BYTES];
    qaultra_ring_path(path, prefix, epoch);
    return access(path, F_OK) == 0;
}

bool has_data_name(uint64_t epoch) {
    return has_name(QAULTRA_RING_DATA_PREFIX, epoch);
}

bool has_table_name(uint64_t epoch) {
    return has_name(QAULTRA_RING_TABLE_PREFIX, epoch);
}

bool has_names(uint64_t epoch) {
    return has_data_name(epoch) && has_table_name(epoch);
}

uint32_t count_ring_files(void) {
    DIR* folder = opendir(QAULTRA_RING_FOLDER);
    CHECK(folder != NULL);
    uint32_t count = 0;
    const struct dirent* entry;
    while ((entry = readdir(folder)) != NULL) {
        count += strncmp(entry->d_name, "qaultra-", 8) == 0;
    }
    closedir(folder);
    return count;
}

uint32_t join_ring(const struct Ring* ring, uint32_t status) {
    uint32_t index = 0;
    while (status_of_entry(ring, index) != QAULTRA_RING_ENTRY_FREE) {
        CHECK(++index < ring->table.entry_count);
    }
    qaultra_ring_entry* entry = &ring->table.entries[index];
    QAULTRA_RING_STORE(&entry->pid, ring->identity.pid);
    QAULTRA_RING_STORE(&entry->start_time, ring->identity.start_time);
    QAULTRA_RING_STORE(&entry->pid_namespace, ring->identity.pid_namespace);
    QAULTRA_RING_STORE(&entry->subscribers, 1u);
    QAULTRA_RING_STORE(&entry->heartbeat_ms, qipc_clock_ms());
    const uint32_t state = QAULTRA_RING_LOAD(&entry->state) + QAULTRA_RING_ENTRY_GENERATION;
    QAULTRA_RING_RELEASE(&entry->state, qaultra_ring_entry_with(state, status));
    const uint32_t used = QAULTRA_RING_LOAD(&ring->table.header->entries_used);
    QAULTRA_RING_STORE(&ring->table.header->entries_used, used > index ? used : index + 1);
    EXPECT_OK(qipc_ring_keep_entry(ring->handle, index));
    return index;
}

uint32_t status_of_entry(const struct Ring* ring, uint32_t index) {
    return qaultra_ring_entry_status(QAULTRA_RING_ACQUIRE(&ring->table.entries[index].state));
}

struct Child start_child(const char* case_name, const char* argument) {
    int to[2];
    int from[2];
    CHECK(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        execl("/proc/self/exe", "qipc_tests", case_name, argument, (char*)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    return (struct Child){pid, to[1], from[0]};
}

void tell(int fd, const void* bytes, size_t count) {
    CHECK(write(fd, bytes, count) == (ssize_t)count);
}

void hear(int fd, void* bytes, size_t count) {
    for (size_t at = 0; at < count;) {
        const ssize_t got = read(fd, (char*)bytes + at, count - at);
        CHECK(got > 0);
        at += (size_t)got;
    }
}

void end_child(struct Child child, int signal) {
    int status = 0;
    if (signal != 0) {
        CHECK(kill(child.pid, signal) == 0);
    }
    close(child.to);
    CHECK(waitpid(child.pid, &status, 0) == child.pid);
    CHECK(signal != 0 ? WIFSIGNALED(status) && WTERMSIG(status) == signal : WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(child.from);
}
