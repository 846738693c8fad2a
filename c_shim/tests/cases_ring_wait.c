/* SPDX-License-Identifier: Apache-2.0
 *
 * Sleeping until a word of a ring changes: threads that block, and event loops that are woken through a socket. Each case runs
 * again in a process whose kernel refuses to let a thread sleep on several words.
 */
#include "ring_cases.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define FUTEX_WAITV 449

/** As a sandbox does that is older than the call. */
static void refuse_futex_waitv(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAITV, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    CHECK(syscall(FUTEX_WAITV, NULL, 0, 0, NULL, 0) == -1 && errno == ENOSYS);
}

/** True in the process in which the case is to be run: this one, and then a child without that call. */
static bool begin(const char* name) {
    if (g_argument == NULL) {
        CHECK(in_process(name, "plain") == 0);
        CHECK(in_process(name, "refused") == 0);
        return false;
    }
    if (strcmp(g_argument, "refused") == 0) {
        refuse_futex_waitv();
    }
    return true;
}

static bool is_refused(void) {
    return strcmp(g_argument, "refused") == 0;
}

static uint32_t raise_flag(const struct Ring* ring, uint32_t word) {
    uint32_t* place = word == QIPC_RING_DATA ? &ring->table.header->data_word : &ring->table.header->room_word;
    const uint32_t raised = qaultra_ring_raise(place);
    CHECK(raised != QAULTRA_RING_NOT_RAISED);
    return raised;
}

static int32_t wait_one(const struct Ring* ring, uint32_t word, uint32_t expected, double timeout_ms) {
    const uint32_t wait[4] = {ring->handle, word, expected, 0};
    return qipc_ring_wait((const uint8_t*)wait, 1, timeout_ms);
}

/** What a thread does that has a handle of its own for the ring. */
struct Waker {
    uint64_t epoch;
    uint32_t word;
    uint32_t rounds;
};

/** Wakes whenever the flag is up, `rounds` times. */
static void* wake_when_raised(void* argument) {
    const struct Waker* waker = argument;
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = attach_ring(runtime, waker->epoch);
    uint32_t* place = waker->word == QIPC_RING_DATA ? &ring.table.header->data_word : &ring.table.header->room_word;
    for (uint32_t i = 0; i < waker->rounds; ++i) {
        while ((QAULTRA_RING_LOAD(place) & 1u) == 0) {
            qipc_thread_yield();
        }
        if (i % 4 == 0) {
            sleep_ms(1);
        }
        EXPECT_OK(qipc_ring_wake(ring.handle, waker->word));
    }
    EXPECT_OK(qipc_runtime_close(runtime));
    return NULL;
}

CASE(ring_wait_times_out) {
    if (!begin("ring_wait_times_out")) {
        return;
    }
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    const uint32_t raised = raise_flag(&ring, QIPC_RING_DATA);
    EXPECT(QIPC_TIMED_OUT, wait_one(&ring, QIPC_RING_DATA, raised, 0));
    const double before = now_ms();
    EXPECT(QIPC_TIMED_OUT, wait_one(&ring, QIPC_RING_DATA, raised, 60));
    CHECK(now_ms() - before >= 60);
    EXPECT_OK(wait_one(&ring, QIPC_RING_DATA, raised + 1, 60000));
    EXPECT_OK(qipc_ring_wake(ring.handle, QIPC_RING_DATA));
    CHECK(ring.table.header->data_word == raised + 1);
    EXPECT_OK(wait_one(&ring, QIPC_RING_DATA, raised, 60000));
    EXPECT_OK(qipc_ring_wake(ring.handle, QIPC_RING_DATA));
    CHECK(ring.table.header->data_word == raised + 1);
}

CASE(ring_wait_arguments_are_checked) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    const uint32_t wait[8] = {ring.handle, 0, 0, 0, ring.handle, 2, 0, 0};
    const uint8_t* bytes = (const uint8_t*)wait;
    EXPECT(QIPC_E_NULL, qipc_ring_wait(NULL, 1, 0));
    EXPECT(QIPC_E_OPTION, qipc_ring_wait(bytes, 0, 0));
    EXPECT(QIPC_E_OPTION, qipc_ring_wait(bytes, QIPC_RING_WAITS_MAX + 1, 0));
    EXPECT(QIPC_E_OPTION, qipc_ring_wait(bytes, 1, -1));
    EXPECT(QIPC_E_OPTION, qipc_ring_wait(bytes, 1, 3e9));
    EXPECT(QIPC_E_OPTION, qipc_ring_wait(bytes, 2, 0));
}

CASE(ring_wait_wakes_for_each_change) {
    if (!begin("ring_wait_wakes_for_each_change")) {
        return;
    }
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    struct Waker waker = {ring.epoch, QIPC_RING_ROOM, 200};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wake_when_raised, &waker) == 0);
    for (uint32_t i = 0; i < waker.rounds; ++i) {
        EXPECT_OK(wait_one(&ring, QIPC_RING_ROOM, raise_flag(&ring, QIPC_RING_ROOM), 60000));
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(ring.table.header->room_word == 2 * waker.rounds);
}

CASE(ring_wait_wakes_for_any_of_many) {
    if (!begin("ring_wait_wakes_for_any_of_many")) {
        return;
    }
    const uint32_t runtime = open_runtime("");
    uint32_t waits[QIPC_RING_WAITS_MAX][4];
    struct Ring rings[QIPC_RING_WAITS_MAX];
    for (uint32_t i = 0; i < QIPC_RING_WAITS_MAX; ++i) {
        rings[i] = make_ring(runtime, "s");
    }
    for (uint32_t i = 0; i < 8; ++i) {
        const uint32_t changes = i * 9;
        for (uint32_t k = 0; k < QIPC_RING_WAITS_MAX; ++k) {
            const uint32_t wait[4] = {rings[k].handle, QIPC_RING_DATA, raise_flag(&rings[k], QIPC_RING_DATA), 0};
            memcpy(waits[k], wait, sizeof wait);
        }
        EXPECT(QIPC_TIMED_OUT, qipc_ring_wait((const uint8_t*)waits, QIPC_RING_WAITS_MAX, 3));
        struct Waker waker = {rings[changes].epoch, QIPC_RING_DATA, 1};
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, wake_when_raised, &waker) == 0);
        EXPECT_OK(qipc_ring_wait((const uint8_t*)waits, QIPC_RING_WAITS_MAX, 60000));
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK((rings[changes].table.header->data_word & 1u) == 0);
    }
}

static void* wait_for_ever(void* status) {
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    const uint32_t raised = raise_flag(&ring, QIPC_RING_DATA);
    *(_Atomic int32_t*)status = 100;
    *(_Atomic int32_t*)status = wait_one(&ring, QIPC_RING_DATA, raised, 2147483647.0);
    return NULL;
}

CASE(ring_wait_ends_with_the_process) {
    if (!begin("ring_wait_ends_with_the_process")) {
        return;
    }
    open_runtime("");
    pthread_t thread;
    _Atomic int32_t status = 0;
    CHECK(pthread_create(&thread, NULL, wait_for_ever, (void*)&status) == 0);
    EVENTUALLY(status == 100);
    EXPECT_OK(qipc_process_exit());
    CHECK(pthread_join(thread, NULL) == 0);
    /* The end of the ring changes the word, too. */
    CHECK(status == QIPC_E_CLOSED || status == QIPC_OK);
    CHECK(count_ring_files() == 0);
}

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
    if (!begin("ring_waiter_is_woken_once")) {
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
    if (!begin("ring_waiters_of_one_ring_cost_one_wake_up")) {
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
    if (!begin("ring_waiters_sleep_on_hundreds_of_words")) {
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
    EVENTUALLY(count_threads("qipc-ring-wait") == (is_refused() ? RINGS : 3));
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
    if (!begin("ring_waiters_and_rings_close_in_any_order")) {
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
