/* SPDX-License-Identifier: Apache-2.0
 *
 * Event loops that are woken through a socket when a word of a ring changes.
 */
#include "ring_cases.h"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>

static uint32_t open_waiter(uint32_t runtime, int* fd) {
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    *fd = (int)WORD(1);
    return WORD(0);
}

/** Bytes that lie in the socket, which are read away; waits up to `ms` for the first. */
static int drain(int fd, int ms) {
    struct pollfd wanted = {fd, POLLIN, 0};
    if (poll(&wanted, 1, ms) <= 0) {
        return 0;
    }
    char bytes[64];
    return (int)recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
}

CASE(ring_waiter_is_woken_once) {
    if (!begin_sleeping("ring_waiter_is_woken_once")) {
        return;
    }
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    int fd;
    const uint32_t waiter = open_waiter(runtime, &fd);
    for (uint32_t i = 0; i < 50; ++i) {
        const uint32_t word = i % 2 == 0 ? QIPC_RING_DATA : QIPC_RING_ROOM;
        const uint32_t raised = raise_flag(&ring, word);
        EXPECT_OK(qipc_waiter_arm_ring(waiter, ring.handle, word, raised));
        CHECK(drain(fd, i < 4 ? 20 : 0) == 0);
        EXPECT_OK(qipc_ring_wake(ring.handle, word));
        CHECK(drain(fd, 10000) == 1);
        EXPECT_OK(qipc_waiter_clear(waiter));
        /* The arming is gone. */
        raise_flag(&ring, word);
        EXPECT_OK(qipc_ring_wake(ring.handle, word));
        CHECK(drain(fd, i < 4 ? 20 : 0) == 0);
        /* What has changed already is told at once. */
        EXPECT_OK(qipc_waiter_arm_ring(waiter, ring.handle, word, raised));
        CHECK(drain(fd, 10000) == 1);
        EXPECT_OK(qipc_waiter_clear(waiter));
    }
    /* Taken back, or replaced by another value. */
    uint32_t raised = raise_flag(&ring, QIPC_RING_DATA);
    EXPECT_OK(qipc_waiter_arm_ring(waiter, ring.handle, QIPC_RING_DATA, raised));
    EXPECT_OK(qipc_waiter_disarm_ring(waiter, ring.handle, QIPC_RING_DATA));
    EXPECT_OK(qipc_waiter_disarm_ring(waiter, ring.handle, QIPC_RING_DATA));
    EXPECT_OK(qipc_ring_wake(ring.handle, QIPC_RING_DATA));
    CHECK(drain(fd, 20) == 0);
    raised = raise_flag(&ring, QIPC_RING_DATA);
    EXPECT_OK(qipc_waiter_arm_ring(waiter, ring.handle, QIPC_RING_DATA, raised));
    EXPECT_OK(qipc_waiter_arm_ring(waiter, ring.handle, QIPC_RING_DATA, raised));
    EXPECT_OK(qipc_ring_wake(ring.handle, QIPC_RING_DATA));
    CHECK(drain(fd, 10000) == 1);
    CHECK(drain(fd, 20) == 0);
    close(fd);
}

/** Who sleeps on the word, in all processes: they are woken by this. */
static long sleepers_woken(const struct Ring* ring) {
    return syscall(SYS_futex, &ring->table.header->data_word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static uint32_t count_threads(const char* name) {
    DIR* folder = opendir("/proc/self/task");
    CHECK(folder != NULL);
    uint32_t count = 0;
    const struct dirent* entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[300];
        char text[32] = {0};
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE* file = fopen(path, "re");
        if (file != NULL) {
            count += fgets(text, sizeof text, file) != NULL && strncmp(text, name, strlen(name)) == 0;
            fclose(file);
        }
    }
    closedir(folder);
    return count;
}

CASE(ring_waiters_of_one_ring_cost_one_wake_up) {
    if (!begin_sleeping("ring_waiters_of_one_ring_cost_one_wake_up")) {
        return;
    }
    enum { HANDLES = 1000, WAITERS = 4 };
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    static struct Ring readers[HANDLES];
    uint32_t waiters[WAITERS];
    int fds[WAITERS];
    for (int i = 0; i < WAITERS; ++i) {
        waiters[i] = open_waiter(runtime, &fds[i]);
    }
    for (int i = 0; i < HANDLES; ++i) {
        readers[i] = attach_ring(runtime, ring.epoch);
    }
    for (int round = 0; round < 5; ++round) {
        const uint32_t raised = raise_flag(&ring, QIPC_RING_DATA);
        for (int i = 0; i < HANDLES; ++i) {
            EXPECT_OK(qipc_waiter_arm_ring(waiters[i % WAITERS], readers[i].handle, QIPC_RING_DATA, raised));
        }
        EVENTUALLY(count_threads("qipc-ring-wait") == 1);
        /* The value has not changed, so the one sleeper goes back to sleep. */
        EVENTUALLY(sleepers_woken(&ring) == 1);
        EXPECT_OK(qipc_ring_wake(ring.handle, QIPC_RING_DATA));
        for (int i = 0; i < WAITERS; ++i) {
            CHECK(drain(fds[i], 10000) == 1);
            CHECK(drain(fds[i], 0) == 0);
            EXPECT_OK(qipc_waiter_clear(waiters[i]));
        }
    }
}

CASE(ring_waiters_sleep_on_hundreds_of_words) {
    if (!begin_sleeping("ring_waiters_sleep_on_hundreds_of_words")) {
        return;
    }
    enum { RINGS = 300 };
    const uint32_t runtime = open_runtime("");
    static struct Ring rings[RINGS];
    int fd;
    const uint32_t waiter = open_waiter(runtime, &fd);
    for (int i = 0; i < RINGS; ++i) {
        rings[i] = make_ring(runtime, "s");
        EXPECT_OK(qipc_waiter_arm_ring(waiter, rings[i].handle, QIPC_RING_DATA, raise_flag(&rings[i], QIPC_RING_DATA)));
    }
    EVENTUALLY(count_threads("qipc-ring-wait") == (strcmp(g_argument, "refused") == 0 ? RINGS : 3));
    for (int i = 0; i < RINGS; i += 7) {
        EXPECT_OK(qipc_ring_wake(rings[i].handle, QIPC_RING_DATA));
        CHECK(drain(fd, 10000) == 1);
        EXPECT_OK(qipc_waiter_clear(waiter));
    }
    for (int i = 0; i < RINGS; ++i) {
        EXPECT_OK(qipc_ring_wake(rings[i].handle, QIPC_RING_DATA));
    }
    /* However many words have changed. */
    CHECK(drain(fd, 10000) == 1);
    sleep_ms(20);
    CHECK(drain(fd, 0) == 0);
}

CASE(ring_waiters_and_rings_close_in_any_order) {
    if (!begin_sleeping("ring_waiters_and_rings_close_in_any_order")) {
        return;
    }
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    for (int i = 0; i < 100; ++i) {
        int fd;
        const uint32_t waiter = open_waiter(runtime, &fd);
        const struct Ring reader = attach_ring(runtime, ring.epoch);
        const uint32_t raised = raise_flag(&ring, QIPC_RING_DATA);
        EXPECT_OK(qipc_waiter_arm_ring(waiter, reader.handle, QIPC_RING_DATA, raised));
        if (i % 3 == 0) {
            EXPECT_OK(qipc_ring_close(reader.handle));
            EXPECT_OK(qipc_ring_wake(ring.handle, QIPC_RING_DATA));
            CHECK(drain(fd, 0) == 0);
            EXPECT_OK(qipc_waiter_close(waiter));
        } else if (i % 3 == 1) {
            EXPECT_OK(qipc_waiter_close(waiter));
            EXPECT_OK(qipc_ring_wake(ring.handle, QIPC_RING_DATA));
            EXPECT_OK(qipc_ring_close(reader.handle));
        } else {
            EXPECT_OK(qipc_ring_wake(ring.handle, QIPC_RING_DATA));
            EXPECT_OK(qipc_ring_close(reader.handle));
            EXPECT_OK(qipc_waiter_close(waiter));
        }
        close(fd);
    }
}
