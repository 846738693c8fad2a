/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of the process, by itself and announced.
 */
#include "test.h"

#include <pthread.h>
#include <unistd.h>

CASE(process_exit_closes_everything) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    const uint32_t waiter = WORD(0);
    EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
    publish_word(runtime, publisher, 1);
    EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
    EXPECT_OK(qipc_window_map(runtime, WORD(1), RESULT));
    uint64_t base;
    memcpy(&base, RESULT, 8);
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    EXPECT_OK(qipc_process_exit());
    EXPECT_OK(qipc_process_exit());
    EXPECT(QIPC_E_CLOSED, qipc_publisher_loan(publisher, RESULT));
    EXPECT(QIPC_E_CLOSED, qipc_publisher_publish(publisher, 0, 0));
    EXPECT(QIPC_E_CLOSED, qipc_subscriber_take(subscriber, 1, RESULT));
    EXPECT(QIPC_E_CLOSED, qipc_subscriber_wait(subscriber, 10));
    EXPECT(QIPC_E_CLOSED, qipc_waiter_arm(waiter, subscriber));
    EXPECT(QIPC_E_CLOSED, qipc_runtime_state(runtime, RESULT));
    EXPECT(QIPC_E_CLOSED, qipc_runtime_close(runtime));
    EXPECT(QIPC_E_CLOSED, qipc_runtime_open((const uint8_t*)"", 0, RESULT));
    /* What was mapped stays readable. */
    CHECK(*(volatile uint8_t*)(uintptr_t)base == *(volatile uint8_t*)(uintptr_t)base);
}

static void* wait_for_ever(void* status) {
    const uint32_t runtime = open_runtime("");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    *(_Atomic int32_t*)status = 100;
    *(_Atomic int32_t*)status = qipc_subscriber_wait(subscriber, 60000);
    return NULL;
}

CASE(process_exit_wakes_parked_threads) {
    open_runtime("");
    pthread_t thread;
    _Atomic int32_t status = 0;
    CHECK(pthread_create(&thread, NULL, wait_for_ever, (void*)&status) == 0);
    EVENTUALLY(status == 100);
    sleep_ms(50);
    const double before = now_ms();
    EXPECT_OK(qipc_process_exit());
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(now_ms() - before < 5000);
    CHECK(status == QIPC_E_CLOSED);
}

static _Atomic int g_at_work;

static void* publish_until_closed(void* stream) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, stream);
    const uint32_t subscriber = open_subscriber(runtime, stream);
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    const uint32_t waiter = WORD(0);
    EXPECT(QIPC_OK, qipc_waiter_arm(waiter, subscriber));
    ++g_at_work;
    for (;;) {
        int32_t status = qipc_waiter_arm(waiter, subscriber);
        if (status >= 0) {
            status = qipc_publisher_loan(publisher, RESULT);
        }
        if (status >= 0) {
            status = qipc_publisher_publish(publisher, WORD(0), 1);
        }
        if (status >= 0) {
            status = qipc_subscriber_take(subscriber, 1, RESULT);
        }
        if (status == 1) {
            status = qipc_subscriber_release(subscriber, WORD(0));
        }
        if (status < 0) {
            EXPECT(QIPC_E_CLOSED, status);
            return NULL;
        }
    }
}

/** Threads are at work when the process ends: by return from main, by exit, or announced; never by a fault. */
CASE(ends_while_threads_work) {
    if (g_argument == NULL) {
        for (int round = 0; round < 10; ++round) {
            CHECK(in_process("ends_while_threads_work", "return") == 0);
            CHECK(in_process("ends_while_threads_work", "exit") == 0);
            CHECK(in_process("ends_while_threads_work", "announced") == 0);
        }
        const uint32_t runtime = open_runtime("");
        EVENTUALLY(qipc_runtime_streams(runtime, NULL, 0, RESULT) == QIPC_OK && WORD(0) == 0);
        return;
    }
    const uint32_t runtime = open_runtime("");
    open_publisher(runtime, "main");
    pthread_t threads[2];
    CHECK(pthread_create(&threads[0], NULL, publish_until_closed, "a") == 0);
    CHECK(pthread_create(&threads[1], NULL, publish_until_closed, "b") == 0);
    EVENTUALLY(g_at_work == 2);
    sleep_ms(10);
    if (strcmp(g_argument, "announced") == 0) {
        EXPECT_OK(qipc_process_exit());
        CHECK(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
    } else if (strcmp(g_argument, "exit") == 0) {
        exit(0);
    }
}

CASE(nothing_is_left_after_exit) {
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("name=leaver\n");
        open_publisher(runtime, "left");
        open_subscriber(runtime, "left");
        return;
    }
    const uint32_t runtime = open_runtime("");
    for (int i = 0; i < 10; ++i) {
        CHECK(in_process("nothing_is_left_after_exit", "child") == 0);
        /* It took leave, so the daemon knows at once and nothing is left of its name. */
        static uint64_t buffer[64];
        EXPECT_OK(qipc_runtime_streams(runtime, (uint8_t*)buffer, sizeof buffer, RESULT));
        CHECK(WORD(0) == 0);
        CHECK(access("/tmp/leaver", F_OK) != 0 && access("/tmp/leaver.lock", F_OK) != 0);
    }
}
