/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that sleep until a word of a ring changes.
 */
#include "ring_cases.h"

#include <pthread.h>

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
    if (!begin_sleeping("ring_wait_times_out")) {
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
    if (!begin_sleeping("ring_wait_wakes_for_each_change")) {
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
    if (!begin_sleeping("ring_wait_wakes_for_any_of_many")) {
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
    if (!begin_sleeping("ring_wait_ends_with_the_process")) {
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
