/* SPDX-License-Identifier: Apache-2.0
 *
 * What the keeper does: heartbeats, native subscribers, readers that die; and names that are kept for who has not come yet.
 */
#include "ring_cases.h"

#include <dirent.h>
#include <signal.h>

static uint32_t load(const uint32_t* place) {
    return QAULTRA_RING_LOAD(place);
}

CASE(ring_heartbeats_are_kept) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    const struct Ring reader = attach_ring(runtime, ring.epoch);
    const uint32_t entry = join_ring(&reader, QAULTRA_RING_ENTRY_OBSERVING);
    for (int i = 0; i < 5; ++i) {
        const uint32_t writer_beat = load(&ring.header->heartbeat_ms);
        const uint32_t reader_beat = load(&ring.table.entries[entry].heartbeat_ms);
        EVENTUALLY(load(&ring.header->heartbeat_ms) != writer_beat);
        EVENTUALLY(load(&ring.table.entries[entry].heartbeat_ms) != reader_beat);
        CHECK((int32_t)(load(&ring.header->heartbeat_ms) - writer_beat) > 0);
        CHECK((int32_t)(qipc_clock_ms() - load(&ring.header->heartbeat_ms)) >= 0);
    }
    /* Not any longer when it is not to be kept, or was given to another. */
    EXPECT_OK(qipc_ring_keep_entry(reader.handle, QIPC_RING_NO_ENTRY));
    const uint32_t before = load(&ring.header->heartbeat_ms);
    EVENTUALLY(load(&ring.header->heartbeat_ms) != before);
    const uint32_t last = load(&ring.table.entries[entry].heartbeat_ms);
    uint32_t seen = load(&ring.header->heartbeat_ms);
    EVENTUALLY(load(&ring.header->heartbeat_ms) != seen);
    CHECK(load(&ring.table.entries[entry].heartbeat_ms) == last);
    EXPECT(QIPC_E_RING_ENTRY, qipc_ring_keep_entry(reader.handle, 8));
    EXPECT_DETAIL(8, 7);
    EXPECT_OK(qipc_ring_keep_entry(reader.handle, 7));
    EXPECT_OK(qipc_ring_keep_entry(reader.handle, entry));
    EXPECT_OK(qipc_ring_close(reader.handle));
    CHECK(status_of_entry(&ring, entry) == QAULTRA_RING_ENTRY_FREE);
    CHECK(load(&ring.table.header->changes) == 0);
}

CASE(ring_entry_is_freed_with_its_handle) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    static const uint32_t statuses[] = {QAULTRA_RING_ENTRY_GATING, QAULTRA_RING_ENTRY_OBSERVING, QAULTRA_RING_ENTRY_DROPPED,
                                        QAULTRA_RING_ENTRY_CLAIMED};
    for (uint32_t i = 0; i < 4; ++i) {
        const struct Ring reader = attach_ring(runtime, ring.epoch);
        const uint32_t entry = join_ring(&reader, statuses[i]);
        const uint32_t state = load(&ring.table.entries[entry].state);
        const uint32_t raised = qaultra_ring_raise(&ring.table.header->room_word);
        EXPECT_OK(qipc_ring_close(reader.handle));
        CHECK(load(&ring.table.entries[entry].state) == qaultra_ring_entry_with(state, QAULTRA_RING_ENTRY_FREE));
        /* Who waits for room is told of the one that gated. */
        CHECK(load(&ring.table.header->room_word) == (i == 0 ? raised + 1 : raised));
    }
    CHECK(load(&ring.table.header->changes) == 1 && load(&ring.table.header->dropped_readers) == 0);
    /* Another's entry is left alone. */
    const struct Ring reader = attach_ring(runtime, ring.epoch);
    const uint32_t entry = join_ring(&reader, QAULTRA_RING_ENTRY_OBSERVING);
    const uint32_t next = load(&ring.table.entries[entry].state) + QAULTRA_RING_ENTRY_GENERATION;
    QAULTRA_RING_STORE(&ring.table.entries[entry].state, next);
    EXPECT_OK(qipc_ring_close(reader.handle));
    CHECK(load(&ring.table.entries[entry].state) == next);
}

/* The keeper may be on its way to a ring when it is closed, and its publisher after it. */
CASE(publishers_of_closed_rings_are_left_alone) {
    enum { RINGS = 300, TURNS = 40, PUBLISHERS = 12 };
    const uint32_t runtime = open_runtime("");
    const uint32_t shared = open_publisher(runtime, "shared");
    /* Many, so that a round of the keeper takes its time. */
    for (int i = 0; i < RINGS; ++i) {
        EXPECT_OK(qipc_ring_set_publishers(make_ring(runtime, "shared").handle, 0, shared));
    }
    for (int i = 0; i < TURNS; ++i) {
        uint32_t publishers[PUBLISHERS];
        uint32_t rings[PUBLISHERS];
        for (int j = 0; j < PUBLISHERS; ++j) {
            publishers[j] = open_publisher(runtime, "brief");
            rings[j] = make_ring(runtime, "brief").handle;
            EXPECT_OK(qipc_ring_set_publishers(rings[j], 0, publishers[j]));
        }
        for (int j = PUBLISHERS - 1; j >= 0; --j) {
            EXPECT_OK(qipc_ring_set_publishers(rings[j], 0, publishers[j]));
            EXPECT_OK(qipc_ring_close(rings[j]));
            EXPECT_OK(qipc_publisher_close(publishers[j]));
        }
    }
}

CASE(ring_counts_native_subscribers) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    const uint32_t* count = &ring.header->queue_subscribers;
    const uint32_t subscriber = open_subscriber(runtime, "s");
    uint32_t queue = open_publisher(runtime, "s");
    CHECK(load(count) == 0);
    EXPECT_OK(qipc_ring_set_publishers(ring.handle, 0, queue));
    CHECK(load(count) == 1);
    const uint32_t another = open_subscriber(runtime, "s");
    EVENTUALLY(load(count) == 2);
    EXPECT_OK(qipc_subscriber_close(subscriber));
    EVENTUALLY(load(count) == 1);
    EXPECT_OK(qipc_ring_set_publishers(ring.handle, 0, 0));
    CHECK(load(count) == 0);
    EXPECT_OK(qipc_ring_set_publishers(ring.handle, 0, queue));
    CHECK(load(count) == 1);
    EXPECT_OK(qipc_publisher_close(queue));
    EVENTUALLY(load(count) == QAULTRA_RING_QUEUE_GONE);
    EXPECT(QIPC_E_CLOSED, qipc_ring_set_publishers(ring.handle, 0, queue));
    EXPECT(QIPC_E_CLOSED, qipc_ring_set_publishers(ring.handle, queue, 0));
    EXPECT(QIPC_E_BAD_HANDLE, qipc_ring_set_publishers(ring.handle, 0, another));
    queue = open_publisher(runtime, "s");
    EXPECT_OK(qipc_ring_set_publishers(ring.handle, queue, queue));
    CHECK(load(count) == 1);
    EXPECT(QIPC_E_BAD_HANDLE, qipc_ring_set_publishers(attach_ring(runtime, ring.epoch).handle, 0, queue));
}

/** In a child: joins the ring of the given epoch with the given status, tells so and waits to be ended. */
CASE(ring_readers_die) {
    if (g_argument != NULL) {
        uint64_t epoch;
        uint32_t status;
        hear(0, &epoch, sizeof epoch);
        hear(0, &status, sizeof status);
        const uint32_t runtime = open_runtime("");
        const struct Ring reader = attach_ring(runtime, epoch);
        const uint32_t entry = join_ring(&reader, status);
        if (status == QAULTRA_RING_ENTRY_GATING) {
            qaultra_ring_announce_change(&reader.table);
        }
        tell(1, &entry, sizeof entry);
        char byte;
        CHECK(read(0, &byte, 1) == 0);
        return;
    }
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    static const uint32_t statuses[] = {QAULTRA_RING_ENTRY_GATING, QAULTRA_RING_ENTRY_OBSERVING, QAULTRA_RING_ENTRY_DROPPED,
                                        QAULTRA_RING_ENTRY_CLAIMED};
    const uint32_t expected_drops[] = {1, 0, 0, 0};
    for (int i = 0; i < 4; ++i) {
        struct Child children[2];
        uint32_t entries[2];
        for (int k = 0; k < 2; ++k) {
            children[k] = start_child("ring_readers_die", "child");
            tell(children[k].to, &ring.epoch, sizeof ring.epoch);
            tell(children[k].to, &statuses[i], sizeof statuses[i]);
            hear(children[k].from, &entries[k], sizeof entries[k]);
        }
        const uint32_t drops = load(&ring.table.header->dropped_readers);
        const uint32_t changes = load(&ring.table.header->changes);
        const uint32_t wait[4] = {ring.handle, QIPC_RING_ROOM, qaultra_ring_raise(&ring.table.header->room_word), 0};
        /* It is gone although nobody has waited for it yet. */
        CHECK(kill(children[0].pid, SIGKILL) == 0);
        if (statuses[i] == QAULTRA_RING_ENTRY_GATING) {
            EXPECT_OK(qipc_ring_wait((const uint8_t*)wait, 1, 60000));
        }
        EVENTUALLY(status_of_entry(&ring, entries[0]) == QAULTRA_RING_ENTRY_FREE);
        EVENTUALLY(load(&ring.table.header->dropped_readers) == drops + expected_drops[i]);
        EVENTUALLY(load(&ring.table.header->changes) == changes + expected_drops[i]);
        /* The other one lives, and stays, also if it has only claimed its entry. */
        CHECK(status_of_entry(&ring, entries[1]) == statuses[i]);
        end_child(children[0], SIGKILL);
        end_child(children[1], 0);
        CHECK(status_of_entry(&ring, entries[1]) == QAULTRA_RING_ENTRY_FREE);
    }
}

/** What must not happen to them, a signal, is blocked in all of their bits that can be. */
CASE(ring_threads_take_no_signals) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    EXPECT_OK(qipc_waiter_arm_ring(WORD(0), ring.handle, QIPC_RING_DATA, ring.table.header->data_word));
    uint32_t seen = 0;
    EVENTUALLY(({
        seen = 0;
        DIR* folder = opendir("/proc/self/task");
        CHECK(folder != NULL);
        const struct dirent* entry;
        while ((entry = readdir(folder)) != NULL) {
            char path[300];
            char line[256];
            bool is_ours = false;
            snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
            FILE* file = fopen(path, "re");
            while (file != NULL && fgets(line, sizeof line, file) != NULL) {
                unsigned long long mask = 0;
                is_ours = is_ours || strncmp(line, "Name:\tqipc-ring", 15) == 0;
                if (is_ours && sscanf(line, "SigBlk: %llx", &mask) == 1) {
                    /* All but KILL, STOP and the two that the C library keeps for itself. */
                    CHECK((mask | 1ull << 8 | 1ull << 18 | 3ull << 31) == UINT64_MAX);
                    ++seen;
                }
            }
            if (file != NULL) {
                fclose(file);
            }
        }
        closedir(folder);
        seen == 2;
    }));
}

static uint32_t open_announcer(uint32_t runtime) {
    EXPECT_OK(qipc_publisher_open(runtime, (const uint8_t*)"QAULTRA", 7, (const uint8_t*)"s", 1, (const uint8_t*)"Ring", 4,
                                  64, 8, 1, 0, RESULT));
    return WORD(0);
}

static uint32_t open_finder(uint32_t runtime) {
    EXPECT_OK(qipc_subscriber_open(runtime, (const uint8_t*)"QAULTRA", 7, (const uint8_t*)"s", 1, (const uint8_t*)"Ring", 4,
                                   64, 8, 16, 1, 0, RESULT));
    return WORD(0);
}

CASE(ring_keeps_its_names_for_who_has_not_attached) {
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("");
        const uint32_t announcer = open_announcer(runtime);
        const struct Ring ring = make_ring(runtime, "s");
        EXPECT_OK(qipc_ring_set_publishers(ring.handle, announcer, 0));
        if (strcmp(g_argument, "own") == 0) {
            open_finder(runtime);
        }
        tell(1, &ring.epoch, sizeof ring.epoch);
        char byte;
        CHECK(read(0, &byte, 1) == (strcmp(g_argument, "close") == 0));
        if (strcmp(g_argument, "close") == 0) {
            EXPECT_OK(qipc_ring_close(ring.handle));
        }
        return;
    }
    const uint32_t runtime = open_runtime("");
    static const char* const arguments[] = {"exit", "close", "own"};
    for (int i = 0; i < 3; ++i) {
        struct Child child = start_child("ring_keeps_its_names_for_who_has_not_attached", arguments[i]);
        uint64_t epoch;
        hear(child.from, &epoch, sizeof epoch);
        uint32_t finder = 0;
        if (i < 2) {
            finder = open_finder(runtime);
        }
        if (i == 1) {
            tell(child.to, "x", 1);
        }
        end_child(child, 0);
        if (i == 2) {
            /* Who wanted to attach has ended with it. */
            CHECK(count_ring_files() == 0);
            continue;
        }
        open_runtime("");
        CHECK(has_names(epoch));
        const struct Ring reader = attach_ring(runtime, epoch);
        CHECK(reader.header->state == QAULTRA_RING_CLOSED && count_ring_files() == 0);
        EXPECT(0, qipc_ring_writer_alive(reader.handle));
        EXPECT_OK(qipc_subscriber_close(finder));
    }
}

CASE(ring_names_that_nobody_wants_go_after_a_while) {
    const uint32_t runtime = open_runtime("");
    const uint32_t announcer = open_announcer(runtime);
    open_finder(runtime);
    const struct Ring one = make_ring(runtime, "s");
    EXPECT_OK(qipc_ring_set_publishers(one.handle, announcer, 0));
    /* Whose subscribers have all attached has nothing to keep. */
    const struct Ring reader = attach_ring(runtime, one.epoch);
    join_ring(&reader, QAULTRA_RING_ENTRY_OBSERVING);
    EXPECT_OK(qipc_ring_close(one.handle));
    CHECK(count_ring_files() == 0);
    const struct Ring other = make_ring(runtime, "s");
    EXPECT_OK(qipc_ring_set_publishers(other.handle, announcer, 0));
    EXPECT_OK(qipc_ring_close(other.handle));
    CHECK(has_names(other.epoch));
    EVENTUALLY(count_ring_files() == 0);
}

CASE(ring_keeps_its_names_for_subscribers_on_other_stacks) {
    const uint32_t runtime = open_runtime("");
    for (uint32_t elsewhere = 0; elsewhere <= 2; ++elsewhere) {
        const struct Ring ring = make_ring(runtime, "s");
        EXPECT_OK(qipc_ring_set_audience(ring.handle, elsewhere));
        const struct Ring reader = attach_ring(runtime, ring.epoch);
        EXPECT(QIPC_E_BAD_HANDLE, qipc_ring_set_audience(reader.handle, elsewhere));
        join_ring(&reader, QAULTRA_RING_ENTRY_OBSERVING);
        EXPECT_OK(qipc_ring_close(ring.handle));
        /* One has come already. */
        CHECK(has_names(ring.epoch) == (elsewhere == 2));
        EXPECT_OK(qipc_ring_close(reader.handle));
    }
    EVENTUALLY(count_ring_files() == 0);
}
