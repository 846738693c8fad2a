/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, attaching and closing rings: arguments, headers, names, rights.
 */
#include "ring_cases.h"

#include <grp.h>

#include <math.h>
#include <sys/wait.h>

CASE(ring_is_made_as_the_layout_says) {
    const uint32_t runtime = open_runtime("");
    const struct RingOptions options = {64, 3, 77, QIPC_RING_LOSSLESS, 250, 750, 4294967291.0, QIPC_GROUP_OWN, 0660};
    EXPECT_OK(try_ring(runtime, "layout", options));
    const uint64_t epoch = t_result[1];
    const uint64_t created_ns = t_result[6];
    const struct Ring ring = ring_in_result();
    const qaultra_ring_header* header = ring.header;
    CHECK(epoch == ring.epoch && epoch != 0 && created_ns == header->created_ns && created_ns != 0);
    CHECK(header->capacity == 64 && header->flags == QAULTRA_RING_FLAG_LOSSLESS && header->first_sequence == 4294967291u);
    CHECK(header->heartbeat_interval_ms == 250 && header->max_subscribers == 77 && header->reader_timeout_ms == 750);
    CHECK(header->service_bytes == 7 && memcmp(header->service, "QAULTRA", 7) == 0);
    CHECK(header->stream_bytes == 6 && memcmp(header->stream, "layout", 6) == 0);
    CHECK(header->state == QAULTRA_RING_LIVE && header->queue_subscribers == 0);
    CHECK(qaultra_ring_head(header) == 4294967291u && ring.table.entry_count == 3);
    const qaultra_ring_identity self = qaultra_ring_identity_self();
    CHECK(header->writer_pid == self.pid && header->writer_start_time == self.start_time);
    CHECK(header->writer_pid_namespace == self.pid_namespace);
    const qaultra_ring_slot* slots = (const qaultra_ring_slot*)(header + 1);
    for (uint64_t sequence = 4294967291u; sequence < 4294967291u + 64; ++sequence) {
        CHECK(slots[sequence % 64].block.sequence == sequence - 64);
    }
    CHECK(has_names(epoch));
    EXPECT_OK(qipc_ring_close(ring.handle));
    CHECK(count_ring_files() == 0);
}

CASE(ring_files_have_rights_and_locks) {
    umask(0777); /* has no say */
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "rights");
    char path[QAULTRA_RING_PATH_BYTES];
    struct stat found;
    qaultra_ring_path(path, QAULTRA_RING_DATA_PREFIX, ring.epoch);
    CHECK(stat(path, &found) == 0 && (found.st_mode & 07777) == 0640);
    CHECK((uint64_t)found.st_size == ring.shape.segment_bytes && (uint64_t)found.st_blocks * 512 >= ring.shape.segment_bytes);
    const int data = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(data >= 0 && flock(data, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK);
    qaultra_ring_path(path, QAULTRA_RING_TABLE_PREFIX, ring.epoch);
    CHECK(stat(path, &found) == 0 && (found.st_mode & 07777) == 0660);
    EXPECT_OK(qipc_ring_close(ring.handle));
    CHECK(flock(data, LOCK_EX | LOCK_NB) == 0);
}

CASE(groups_are_found_by_their_names) {
    char name[64];
    const struct group* const own = getgrgid(getegid());
    CHECK(own != NULL && strlen(own->gr_name) < sizeof name);
    strcpy(name, own->gr_name);
    EXPECT_OK(qipc_group_id((const uint8_t*)name, (uint32_t)strlen(name), RESULT));
    CHECK(WORD(0) == getegid());
    static const char* const none[] = {"no-such-group-here", "", "..", "../root", "-x", "a b", "a\nb", "r\0ot", "\xff"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; ++i) {
        EXPECT(QIPC_E_OPTION, qipc_group_id((const uint8_t*)none[i], i == 7 ? 4 : (uint32_t)strlen(none[i]), RESULT));
    }
    EXPECT(QIPC_E_OPTION, qipc_group_id((const uint8_t*)name, 33, RESULT));
    EXPECT_DETAIL(33, 32);
    EXPECT(QIPC_E_NULL, qipc_group_id(NULL, 1, RESULT));
    EXPECT(QIPC_E_NULL, qipc_group_id((const uint8_t*)name, 1, NULL));
}

CASE(ring_arguments_are_checked) {
    const uint32_t runtime = open_runtime("");
    struct RingOptions options = g_small_ring;
    static const uint32_t capacities[] = {0, 1, 8, 15, 17, 24, 65535, 65537, 131072, UINT32_MAX};
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; ++i) {
        options.capacity = capacities[i];
        EXPECT(QIPC_E_RING_CAPACITY, try_ring(runtime, "s", options));
        EXPECT_DETAIL(capacities[i], capacities[i] < 16 ? 16 : 65536);
    }
    options = g_small_ring;
    for (uint32_t i = 0; i < 2; ++i) {
        options.entries = i == 0 ? 0 : QIPC_RING_ENTRIES_MAX + 1;
        EXPECT(QIPC_E_RING_ENTRY, try_ring(runtime, "s", options));
        EXPECT_DETAIL(options.entries, QIPC_RING_ENTRIES_MAX);
    }
    options = g_small_ring;
    options.flags = 2;
    EXPECT(QIPC_E_OPTION, try_ring(runtime, "s", options));
    static const double sequences[] = {-1, 0.5, 9007199254740992.0, INFINITY, NAN};
    options = g_small_ring;
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; ++i) {
        options.first_sequence = sequences[i];
        EXPECT(QIPC_E_OPTION, try_ring(runtime, "s", options));
    }
    options = g_small_ring;
    options.heartbeat_ms = 0;
    EXPECT(QIPC_E_OPTION, try_ring(runtime, "s", options));
    options = g_small_ring;
    options.reader_timeout_ms = 1u << 31;
    EXPECT(QIPC_E_OPTION, try_ring(runtime, "s", options));
    EXPECT(QIPC_E_NAME_EMPTY, try_ring(runtime, "", g_small_ring));
    EXPECT(QIPC_E_NAME_INVALID, try_ring(runtime, "a\nb", g_small_ring));
    const uint8_t* const name = (const uint8_t*)"s";
    EXPECT(QIPC_E_NULL, qipc_ring_create(runtime, NULL, 1, name, 1, 16, 1, 1, 0, 1, 1, 0, QIPC_GROUP_OWN, 0660, RESULT));
    EXPECT(QIPC_E_NULL, qipc_ring_create(runtime, name, 1, name, 1, 16, 1, 1, 0, 1, 1, 0, QIPC_GROUP_OWN, 0660, NULL));
    static const uint32_t accesses[] = {0, 0400, 0604, 0620, 0662, 0700, 0750, 0777, 02660, 04660, UINT32_MAX};
    options = g_small_ring;
    for (size_t i = 0; i < sizeof accesses / sizeof accesses[0]; ++i) {
        options.access = accesses[i];
        EXPECT(QIPC_E_OPTION, try_ring(runtime, "s", options));
        EXPECT_DETAIL(accesses[i], 0666);
    }
    EXPECT(QIPC_E_BAD_HANDLE, try_ring(0, "s", g_small_ring));
    CHECK(count_ring_files() == 0);
    options = g_small_ring;
    options.first_sequence = 9007199254740991.0;
    options.entries = QIPC_RING_ENTRIES_MAX;
    options.heartbeat_ms = INT32_MAX;
    EXPECT_OK(try_ring(runtime, "s", options));
}

/** Every call on the handle says `status`. */
static void expect_everywhere(int32_t status, uint32_t ring, uint32_t waiter) {
    EXPECT(status, qipc_ring_writer_alive(ring));
    EXPECT(status, qipc_ring_keep_entry(ring, 0));
    EXPECT(status, qipc_ring_keep_entry(ring, QIPC_RING_NO_ENTRY));
    EXPECT(status, qipc_ring_set_publishers(ring, 0, 0));
    EXPECT(status, qipc_ring_set_audience(ring, 1));
    EXPECT(status, qipc_ring_bind_numa(ring, RESULT));
    EXPECT(status, qipc_ring_wake(ring, QIPC_RING_DATA));
    const uint32_t waits[4] = {ring, 0, 0, 0};
    EXPECT(status, qipc_ring_wait((const uint8_t*)waits, 1, 0));
    EXPECT(status, qipc_waiter_arm_ring(waiter, ring, 0, 0));
    EXPECT(status, qipc_waiter_disarm_ring(waiter, ring, 0));
    EXPECT(status, qipc_ring_close(ring));
}

static void* use_from_another_thread(void* handles) {
    expect_everywhere(QIPC_E_WRONG_THREAD, ((uint32_t*)handles)[0], ((uint32_t*)handles)[1]);
    return NULL;
}

CASE(ring_handles_are_checked) {
    const uint32_t runtime = open_runtime("");
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    const uint32_t waiter = WORD(0);
    const struct Ring ring = make_ring(runtime, "s");
    expect_everywhere(QIPC_E_BAD_HANDLE, 0, waiter);
    expect_everywhere(QIPC_E_BAD_HANDLE, runtime, waiter);
    expect_everywhere(QIPC_E_BAD_HANDLE, waiter, waiter);
    EXPECT(QIPC_E_BAD_HANDLE, qipc_runtime_close(ring.handle));
    uint32_t handles[2] = {ring.handle, waiter};
    in_thread(use_from_another_thread, handles);
    EXPECT(QIPC_E_BAD_HANDLE, qipc_waiter_arm_ring(ring.handle, ring.handle, 0, 0));
    EXPECT(QIPC_E_OPTION, qipc_waiter_arm_ring(waiter, ring.handle, 2, 0));
    EXPECT(QIPC_E_OPTION, qipc_ring_wake(ring.handle, 2));
    EXPECT_OK(qipc_ring_close(ring.handle));
    expect_everywhere(QIPC_E_CLOSED, ring.handle, waiter);
}

CASE(ring_is_attached) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    const struct Ring reader = attach_ring(runtime, ring.epoch);
    CHECK(reader.is_table_writable && reader.header != ring.header);
    const qaultra_ring_identity self = qaultra_ring_identity_self();
    CHECK(reader.identity.pid == self.pid && reader.identity.start_time == self.start_time);
    CHECK(reader.identity.pid_namespace == self.pid_namespace);
    EXPECT(1, qipc_ring_writer_alive(ring.handle));
    EXPECT(1, qipc_ring_writer_alive(reader.handle));
    qaultra_ring_writer writer = qaultra_ring_writer_bind(ring.header, &ring.shape, &ring.table);
    qaultra_ring_reader from;
    CHECK(qaultra_ring_reader_join(&from, reader.header, &reader.shape, &reader.table, &reader.identity, 0, 0, 0));
    CHECK(qaultra_ring_writer_claim(&writer) != NULL);
    qaultra_ring_writer_commit(&writer);
    CHECK(qaultra_ring_reader_next(&from) != NULL && qaultra_ring_reader_release(&from));
    /* The end of the ring: nothing of it is left but what is mapped. */
    EXPECT_OK(qipc_ring_close(ring.handle));
    CHECK(qaultra_ring_reader_ended(&from));
    EXPECT(0, qipc_ring_writer_alive(reader.handle));
    EXPECT(QIPC_E_RING_GONE, try_attach(runtime, ring.epoch));
    EXPECT_OK(qipc_ring_close(reader.handle));
    EXPECT(QIPC_E_RING_GONE, try_attach(runtime, 0x0123456789abcdefu));
    EXPECT(QIPC_E_RING_GONE, try_attach(runtime, 0));
}

/** Addresses of this process that lie in the files of rings. */
static uint32_t count_mappings(void) {
    FILE* maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    char line[4600];
    uint32_t count = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        count += strstr(line, "qaultra-") != NULL || strstr(line, "/dev/shm/#") != NULL;
    }
    fclose(maps);
    return count;
}

/** What a thread leaves: its ends of a ring, and the ring as nobody's end has it mapped. */
struct Left {
    struct Ring writer;
    struct Ring reader;
    struct Ring seen;
};

static void* map_file(const char* prefix, uint64_t epoch, size_t bytes) {
    char path[QAULTRA_RING_PATH_BYTES];
    qaultra_ring_path(path, prefix, epoch);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    void* address = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
    CHECK(address != MAP_FAILED);
    close(file);
    return address;
}

static void* make_and_leave(void* out) {
    struct Left* left = out;
    const uint32_t runtime = open_runtime("");
    left->writer = make_ring(runtime, "thread");
    left->reader = attach_ring(runtime, left->writer.epoch);
    join_ring(&left->reader, QAULTRA_RING_ENTRY_OBSERVING);
    left->seen = left->reader;
    left->seen.header = map_file(QAULTRA_RING_DATA_PREFIX, left->writer.epoch, left->writer.shape.segment_bytes);
    left->seen.table.header =
        map_file(QAULTRA_RING_TABLE_PREFIX, left->writer.epoch, left->writer.table_shape.segment_bytes);
    const ptrdiff_t entries = (const char*)left->reader.table.entries - (const char*)left->reader.table.header;
    left->seen.table.entries = (qaultra_ring_entry*)((char*)left->seen.table.header + entries);
    CHECK(status_of_entry(&left->seen, 0) == QAULTRA_RING_ENTRY_OBSERVING);
    return NULL;
}

static bool is_empty(const void* address, size_t bytes) {
    const unsigned char* at = address;
    for (size_t i = 0; i < bytes; ++i) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

CASE(ring_ends_with_its_thread_and_leaves_empty_pages) {
    const uint32_t runtime = open_runtime("");
    const uint32_t before = count_mappings();
    struct Left left;
    in_thread(make_and_leave, &left);
    CHECK(count_ring_files() == 0);
    EXPECT(QIPC_E_CLOSED, qipc_ring_close(left.writer.handle));
    EXPECT(QIPC_E_CLOSED, qipc_ring_close(left.reader.handle));
    CHECK(left.seen.header->state == QAULTRA_RING_CLOSED);
    CHECK(status_of_entry(&left.seen, 0) == QAULTRA_RING_ENTRY_FREE);
    EXPECT(QIPC_E_RING_GONE, try_attach(runtime, left.writer.epoch));
    /* The keeper may have looked at one at that very moment. What is seen here is mapped still. */
    EVENTUALLY(count_mappings() == before + 2);
    const struct Ring* ends[2] = {&left.writer, &left.reader};
    for (int i = 0; i < 2; ++i) {
        CHECK(is_empty(ends[i]->header, ends[i]->shape.segment_bytes));
        CHECK(is_empty(ends[i]->table.header, ends[i]->table_shape.segment_bytes));
    }
    /* As long as its thread lived, the writer's end could be written. */
    left.writer.header->state = QAULTRA_RING_CLOSED;
    left.writer.table.header->data_word = 1;
}

CASE(ring_is_unmapped_when_it_is_closed) {
    const uint32_t runtime = open_runtime("");
    const uint32_t before = count_mappings();
    for (int i = 0; i < 20; ++i) {
        const struct Ring ring = make_ring(runtime, "s");
        const struct Ring reader = attach_ring(runtime, ring.epoch);
        CHECK(count_mappings() >= before + 4);
        EXPECT_OK(qipc_ring_close(i % 2 == 0 ? reader.handle : ring.handle));
        EXPECT_OK(qipc_ring_close(i % 2 == 0 ? ring.handle : reader.handle));
    }
    /* The keeper may have looked at one at that very moment. */
    EVENTUALLY(count_mappings() == before);
    const struct Ring ring = make_ring(runtime, "s");
    const struct Ring reader = attach_ring(runtime, ring.epoch);
    EXPECT_OK(qipc_runtime_close(runtime));
    CHECK(ring.header->state == QAULTRA_RING_CLOSED && reader.header->state == QAULTRA_RING_CLOSED);
    CHECK(count_ring_files() == 0);
}

/** Writing a reader's data ends the process by a fault. */
CASE(ring_data_are_read_only) {
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("");
        const struct Ring ring = make_ring(runtime, "s");
        const struct Ring reader = attach_ring(runtime, ring.epoch);
        reader.table.header->changes = 1;
        ((volatile qaultra_ring_header*)ring.header)->unused_96[0] = 1;
        EXPECT_OK(qipc_ring_close(ring.handle));
        signal(SIGSEGV, SIG_DFL); /* a sanitizer has a handler for it */
        ((volatile qaultra_ring_header*)reader.header)->unused_96[0] = 1;
        return;
    }
    CHECK(in_process("ring_data_are_read_only", "child") == -SIGSEGV);
    CHECK(count_ring_files() == 0);
}

CASE(ring_descriptors_are_closed_on_exec) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    attach_ring(runtime, ring.epoch);
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    for (int fd = 3; fd < 256; ++fd) {
        const int flags = fcntl(fd, F_GETFD);
        char link[64];
        char target[512] = {0};
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (flags >= 0 && readlink(link, target, sizeof target - 1) > 0 && strncmp(target, "/dev/shm", 8) == 0) {
            CHECK((flags & FD_CLOEXEC) != 0);
        }
    }
}
