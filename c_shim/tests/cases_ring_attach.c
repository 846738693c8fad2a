/* SPDX-License-Identifier: Apache-2.0
 *
 * Attaching rings that may not be written or read, or whose files are not what they should be: each is a status that names what is
 * wrong, and nothing of them is used.
 */
#include "ring_cases.h"

#include <linux/capability.h>
#include <sys/stat.h>

/** Gives up the right to open whatever one likes; without it, the owner's rights count for the owner. */
static void obey_rights(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    CHECK(syscall(SYS_capget, &header, data) == 0);
    data[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
    CHECK(syscall(SYS_capset, &header, data) == 0);
}

static void set_rights(uint64_t epoch, mode_t data, mode_t table) {
    char path[QAULTRA_RING_PATH_BYTES];
    qaultra_ring_path(path, QAULTRA_RING_DATA_PREFIX, epoch);
    CHECK(chmod(path, data) == 0);
    qaultra_ring_path(path, QAULTRA_RING_TABLE_PREFIX, epoch);
    CHECK(chmod(path, table) == 0);
}

CASE(ring_is_attached_without_the_right_to_write) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    set_rights(ring.epoch, 0400, 0400);
    obey_rights();
    const struct Ring reader = attach_ring(runtime, ring.epoch);
    CHECK(!reader.is_table_writable);
    EXPECT(QIPC_E_ACCESS, qipc_ring_wake(reader.handle, QIPC_RING_ROOM));
    EXPECT(QIPC_E_ACCESS, qipc_ring_keep_entry(reader.handle, 0));
    EXPECT_OK(qipc_ring_keep_entry(reader.handle, QIPC_RING_NO_ENTRY));
    EXPECT(1, qipc_ring_writer_alive(reader.handle));
    const uint32_t wait[4] = {reader.handle, QIPC_RING_DATA, 0, 0};
    EXPECT(QIPC_TIMED_OUT, qipc_ring_wait((const uint8_t*)wait, 1, 2));
    qaultra_ring_raise(&ring.table.header->data_word);
    EXPECT_OK(qipc_ring_wait((const uint8_t*)wait, 1, 60000));
    EXPECT_OK(qipc_ring_close(reader.handle));
    EXPECT_OK(qipc_ring_close(ring.handle));
}

CASE(ring_is_not_attached_without_the_right_to_read) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    obey_rights();
    set_rights(ring.epoch, 0, 0600);
    EXPECT(QIPC_E_ACCESS, try_attach(runtime, ring.epoch));
    set_rights(ring.epoch, 0600, 0);
    EXPECT(QIPC_E_ACCESS, try_attach(runtime, ring.epoch));
    set_rights(ring.epoch, 0600, 0600);
    EXPECT_OK(try_attach(runtime, ring.epoch));
    EXPECT_OK(qipc_ring_close(ring.handle));
}

/** Attaches with one field of a header changed. */
static void expect_with(uint32_t runtime, const struct Ring* ring, void* field, uint64_t value, size_t bytes,
                        int32_t status) {
    uint64_t before = 0;
    memcpy(&before, field, bytes);
    memcpy(field, &value, bytes);
    EXPECT(status, try_attach(runtime, ring->epoch));
    memcpy(field, &before, bytes);
    EXPECT_OK(try_attach(runtime, ring->epoch));
    EXPECT_OK(qipc_ring_close(WORD(0)));
}

#define EXPECT_WITH(place, value, status) expect_with(runtime, &ring, &(place), (value), sizeof(place), (status))

CASE(ring_with_a_false_header_is_refused) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    qaultra_ring_header* data = ring.header;
    qaultra_ring_table_header* table = ring.table.header;
    EXPECT_WITH(data->magic, 0, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(data->version, 2, QIPC_E_RING_VERSION);
    EXPECT_WITH(data->version, 0, QIPC_E_RING_VERSION);
    EXPECT_WITH(data->header_bytes, 4095, QIPC_E_RING_CORRUPT);
    static const uint32_t capacities[] = {0, 15, 17, 32, 65536, 131072, UINT32_MAX};
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; ++i) {
        EXPECT_WITH(data->capacity, capacities[i], QIPC_E_RING_CORRUPT);
    }
    EXPECT_WITH(data->slot_bytes, 64, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(data->epoch, ring.epoch + 1, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(data->first_sequence, 9007199254740992u, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(data->segment_bytes, ring.shape.segment_bytes + 1, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(data->flags, 2, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(data->service_bytes, 105, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(data->stream_bytes, UINT32_MAX, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(table->magic, QAULTRA_RING_MAGIC, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(table->version, 7, QIPC_E_RING_VERSION);
    EXPECT_WITH(table->header_bytes, 0, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(table->entry_count, 0, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(table->entry_count, 9, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(table->entry_count, UINT32_MAX, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(table->entry_bytes, 32, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(table->epoch, 0, QIPC_E_RING_CORRUPT);
    EXPECT_WITH(table->segment_bytes, 4096, QIPC_E_RING_CORRUPT);
    data->version = 3;
    EXPECT(QIPC_E_RING_VERSION, try_attach(runtime, ring.epoch));
    EXPECT_DETAIL(3, 1);
    data->version = 1;
    /* Those that change all the time are nobody's business here. */
    data->state = 77;
    data->head_low = UINT32_MAX;
    table->entries_used = UINT32_MAX;
    EXPECT_OK(try_attach(runtime, ring.epoch));
    EXPECT_OK(qipc_ring_close(ring.handle));
}

/** What lies under the names of a ring in place of its files. */
static void put_in_place(uint64_t epoch, const char* prefix, off_t bytes, bool is_sparse) {
    char path[QAULTRA_RING_PATH_BYTES];
    qaultra_ring_path(path, prefix, epoch);
    unlink(path);
    const int file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && flock(file, LOCK_EX) == 0); /* locked, so that nobody takes it for what a dead writer left */
    CHECK(is_sparse ? ftruncate(file, bytes) == 0 : bytes == 0 || posix_fallocate(file, 0, bytes) == 0);
}

CASE(ring_of_other_files_is_refused) {
    const uint32_t runtime = open_runtime("");
    const uint64_t epoch = 0xfedcba9876543210u;
    char data[QAULTRA_RING_PATH_BYTES];
    char table[QAULTRA_RING_PATH_BYTES];
    qaultra_ring_path(data, QAULTRA_RING_DATA_PREFIX, epoch);
    qaultra_ring_path(table, QAULTRA_RING_TABLE_PREFIX, epoch);
    static const off_t sizes[] = {0, 1, 4095, 4096, 135168};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        for (int is_sparse = 0; is_sparse < 2; ++is_sparse) {
            put_in_place(epoch, QAULTRA_RING_TABLE_PREFIX, 4608, false);
            put_in_place(epoch, QAULTRA_RING_DATA_PREFIX, sizes[i], is_sparse == 1);
            EXPECT(QIPC_E_RING_CORRUPT, try_attach(runtime, epoch));
        }
    }
    unlink(data);
    EXPECT(QIPC_E_RING_GONE, try_attach(runtime, epoch));
    CHECK(mkfifo(data, 0600) == 0);
    EXPECT(QIPC_E_RING_CORRUPT, try_attach(runtime, epoch));
    CHECK(unlink(data) == 0 && symlink("/etc/passwd", data) == 0);
    EXPECT(QIPC_E_SYSTEM, try_attach(runtime, epoch));
    CHECK(unlink(data) == 0 && mkdir(data, 0700) == 0);
    EXPECT(QIPC_E_RING_CORRUPT, try_attach(runtime, epoch));
    CHECK(rmdir(data) == 0 && unlink(table) == 0);
    /* Good data and a table that is not. */
    const struct Ring ring = make_ring(runtime, "s");
    qaultra_ring_path(table, QAULTRA_RING_TABLE_PREFIX, ring.epoch);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        put_in_place(ring.epoch, QAULTRA_RING_TABLE_PREFIX, sizes[i], i % 2 == 0);
        EXPECT(QIPC_E_RING_CORRUPT, try_attach(runtime, ring.epoch));
    }
    CHECK(unlink(table) == 0);
    EXPECT(QIPC_E_RING_GONE, try_attach(runtime, ring.epoch));
    EXPECT_OK(qipc_ring_close(ring.handle));
    CHECK(count_ring_files() == 0);
}
