/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left of rings whose writer was killed, and who removes it; and the end of those that were closed in order.
 */
#include "ring_cases.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static struct Child start_writer(uint64_t* epoch) {
    const struct Child child = start_child("ring_writer_lives_until_it_is_told", "child");
    hear(child.from, epoch, sizeof *epoch);
    return child;
}

/** The child: makes a ring, writes three blocks, tells its epoch and waits for the end of its input. */
CASE(ring_writer_lives_until_it_is_told) {
    if (g_argument == NULL) {
        uint64_t epoch;
        const struct Child child = start_writer(&epoch);
        CHECK(has_names(epoch));
        end_child(child, 0);
        CHECK(count_ring_files() == 0);
        return;
    }
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "child");
    qaultra_ring_writer writer = qaultra_ring_writer_bind(ring.header, &ring.shape, &ring.table);
    for (int i = 0; i < 3; ++i) {
        CHECK(qaultra_ring_writer_claim(&writer) != NULL);
        qaultra_ring_writer_commit(&writer);
    }
    tell(1, &ring.epoch, sizeof ring.epoch);
    char byte;
    CHECK(read(0, &byte, 1) == 0);
}

static uint64_t ring_of_killed_process(void) {
    uint64_t epoch;
    end_child(start_writer(&epoch), SIGKILL);
    return epoch;
}

CASE(ring_of_a_dead_writer_is_removed_by_whoever_comes) {
    const uint32_t runtime = open_runtime("");
    const struct Ring own = make_ring(runtime, "own");
    uint64_t living;
    const struct Child child = start_writer(&living);
    for (int i = 0; i < 9; ++i) {
        const uint64_t dead = ring_of_killed_process();
        CHECK(has_names(dead));
        if (i % 3 == 0) {
            open_runtime("");
        } else if (i % 3 == 1) {
            make_ring(runtime, "another");
        } else {
            attach_ring(runtime, living);
        }
        CHECK(!has_data_name(dead) && !has_table_name(dead));
        CHECK(has_names(own.epoch) && has_names(living));
        EXPECT(QIPC_E_RING_GONE, try_attach(runtime, dead));
    }
    end_child(child, 0);
    CHECK(!has_data_name(living) && !has_table_name(living));
}

CASE(ring_of_a_dead_writer_is_read_to_its_end) {
    const uint32_t runtime = open_runtime("");
    for (int i = 0; i < 4; ++i) {
        uint64_t epoch;
        const struct Child child = start_writer(&epoch);
        struct Ring reader;
        if (i % 2 == 0) {
            reader = attach_ring(runtime, epoch);
            EXPECT(1, qipc_ring_writer_alive(reader.handle));
        }
        end_child(child, SIGKILL);
        if (i % 2 == 1) {
            /* Attaching one that is dead removes its names, and only these. */
            reader = attach_ring(runtime, epoch);
            CHECK(!has_data_name(epoch) && !has_table_name(epoch));
        }
        EXPECT(0, qipc_ring_writer_alive(reader.handle));
        open_runtime("");
        CHECK(!has_data_name(epoch) && !has_table_name(epoch));
        qaultra_ring_reader from;
        CHECK(qaultra_ring_reader_join(&from, reader.header, &reader.shape, &reader.table, &reader.identity,
                                       QAULTRA_RING_HISTORY_ALL, 0, 0));
        for (uint64_t sequence = 0; sequence < 3; ++sequence) {
            const qaultra_market_data_block* block = qaultra_ring_reader_next(&from);
            CHECK(block != NULL && block->sequence == sequence);
            CHECK(qaultra_ring_reader_release(&from));
        }
        CHECK(qaultra_ring_reader_next(&from) == NULL);
    }
}

CASE(ring_files_of_others_stay) {
    const uint32_t runtime = open_runtime("");
    static const char* const names[] = {
        "/dev/shm/qaultra-ring-0123456789abcde",   "/dev/shm/qaultra-ring-0123456789abcdef0",
        "/dev/shm/qaultra-ring-0123456789ABCDEF",  "/dev/shm/qaultra-ring-0000000000000000",
        "/dev/shm/qaultra-rings-0123456789abcdef", "/dev/shm/qaultra-readers-0123456789abcdeg",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        const int file = open(names[i], O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        CHECK(file >= 0);
        close(file);
    }
    CHECK(symlink("/dev/shm/qaultra-ring-0123456789abcde", "/dev/shm/qaultra-ring-0123456789abcdef") == 0);
    /* A table without data may be of a ring that is just being made by other means. */
    const int table = open("/dev/shm/qaultra-readers-fedcba9876543210", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    CHECK(table >= 0 && flock(table, LOCK_EX | LOCK_NB) == 0);
    open_runtime("");
    EXPECT_OK(qipc_ring_close(make_ring(runtime, "s").handle));
    EXPECT(QIPC_E_SYSTEM, try_attach(runtime, 0x0123456789abcdefu));
    CHECK(count_ring_files() == 8);
    /* It is one of a killed process when nobody holds its lock and no data come. */
    close(table);
    EVENTUALLY((EXPECT_OK(qipc_ring_close(make_ring(runtime, "s").handle)), count_ring_files() == 7));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        CHECK(unlink(names[i]) == 0);
    }
    CHECK(unlink("/dev/shm/qaultra-ring-0123456789abcdef") == 0);
}

static void* make_rings(void* ignored) {
    (void)ignored;
    const uint32_t runtime = open_runtime("");
    for (;;) {
        const struct Ring ring = make_ring(runtime, "loop");
        tell(1, &ring.epoch, sizeof ring.epoch);
        const struct Ring reader = attach_ring(runtime, ring.epoch);
        join_ring(&reader, QAULTRA_RING_ENTRY_GATING);
        EXPECT_OK(qipc_ring_close(ring.handle));
        EXPECT_OK(qipc_ring_close(reader.handle));
    }
    return NULL;
}

/** Processes that make and close rings all the time are killed at whatever moment: nothing is left of them, and a living ring
 * is never touched. */
CASE(ring_writers_are_killed_at_random) {
    if (g_argument != NULL) {
        pthread_t threads[2];
        for (int i = 0; i < 2; ++i) {
            CHECK(pthread_create(&threads[i], NULL, make_rings, NULL) == 0);
        }
        CHECK(pthread_join(threads[0], NULL) == 0);
        return;
    }
    const uint32_t runtime = open_runtime("");
    const struct Ring own = make_ring(runtime, "own");
    uint32_t seed = 1;
    for (int round = 0; round < 60; ++round) {
        const struct Child child = start_child("ring_writers_are_killed_at_random", "child");
        uint64_t epoch;
        seed = seed * 1664525u + 1013904223u;
        const uint32_t rings = 1 + (seed >> 24) % 20;
        for (uint32_t i = 0; i < rings; ++i) {
            hear(child.from, &epoch, sizeof epoch);
        }
        end_child(child, SIGKILL);
        EXPECT_OK(qipc_ring_close(make_ring(runtime, "s").handle));
        CHECK(has_names(own.epoch));
        EXPECT(1, qipc_ring_writer_alive(own.handle));
    }
    /* The one name that may stay for a moment is that of a table whose data had none yet. */
    EVENTUALLY((EXPECT_OK(qipc_ring_close(make_ring(runtime, "s").handle)), count_ring_files() == 2));
}

static const char* const kHowToEnd[] = {"return", "exit", "announced"};

CASE(ring_ends_with_its_process) {
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("");
        const struct Ring ring = make_ring(runtime, "exit");
        const struct Ring reader = attach_ring(runtime, ring.epoch);
        join_ring(&reader, QAULTRA_RING_ENTRY_GATING);
        tell(1, &ring.epoch, sizeof ring.epoch);
        char byte;
        CHECK(read(0, &byte, 1) == 1);
        if (strcmp(g_argument, "announced") == 0) {
            EXPECT_OK(qipc_process_exit());
            EXPECT(QIPC_E_CLOSED, qipc_ring_close(ring.handle));
            EXPECT(QIPC_E_CLOSED, try_ring(runtime, "late", g_small_ring));
            CHECK(reader.header->state == QAULTRA_RING_CLOSED);
        } else if (strcmp(g_argument, "exit") == 0) {
            exit(0);
        }
        return;
    }
    const uint32_t runtime = open_runtime("");
    for (int i = 0; i < 9; ++i) {
        const struct Child child = start_child("ring_ends_with_its_process", kHowToEnd[i % 3]);
        uint64_t epoch;
        hear(child.from, &epoch, sizeof epoch);
        const struct Ring reader = attach_ring(runtime, epoch);
        CHECK(status_of_entry(&reader, 0) == QAULTRA_RING_ENTRY_GATING);
        tell(child.to, "x", 1);
        end_child(child, 0);
        CHECK(reader.header->state == QAULTRA_RING_CLOSED && status_of_entry(&reader, 0) == QAULTRA_RING_ENTRY_FREE);
        EXPECT(0, qipc_ring_writer_alive(reader.handle));
        CHECK(count_ring_files() == 0);
        EXPECT_OK(qipc_ring_close(reader.handle));
    }
}

/** A child that was forked and goes its own way ends without ending the rings of its parent. */
CASE(ring_outlives_a_forked_child) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    const struct Ring reader = attach_ring(runtime, ring.epoch);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(has_names(ring.epoch) && ring.header->state == QAULTRA_RING_LIVE);
    EXPECT(1, qipc_ring_writer_alive(reader.handle));
}

CASE(ring_has_no_room_in_small_memory) {
    const uint32_t runtime = open_runtime("");
    struct RingOptions options = g_small_ring;
    options.capacity = 16384;
    const uint64_t needed = qaultra_ring_data_bytes(16384) + qaultra_ring_table_bytes(8);
    for (int i = 0; i < 3; ++i) {
        EXPECT(QIPC_E_SHM_TOO_SMALL, try_ring(runtime, "s", options));
        double detail[QIPC_RESULT_BYTES / 8];
        qipc_error_detail((uint8_t*)detail, NULL, 0);
        CHECK(detail[0] < (double)needed && detail[0] >= 0 && detail[1] == (double)needed);
        CHECK(count_ring_files() == 0);
    }
    /* What it took was given back. */
    EXPECT_OK(qipc_ring_close(make_ring(runtime, "s").handle));
}
