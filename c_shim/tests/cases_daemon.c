/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon that is absent, hung or dead.
 */
#include "daemon_cases.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

CASE(no_daemon) {
    const double before = now_ms();
    EXPECT(QIPC_E_DAEMON_ABSENT, qipc_runtime_open((const uint8_t*)"", 0, RESULT));
    CHECK(now_ms() - before < 5000);
    for (int i = 0; i < 10; ++i) {
        EXPECT(QIPC_E_DAEMON_ABSENT, qipc_runtime_open((const uint8_t*)"timeout_ms=10\n", 14, RESULT));
    }
}

CASE(hung_daemon_at_open) {
    stop_daemon();
    EXPECT(QIPC_E_DAEMON_HUNG, qipc_runtime_open((const uint8_t*)"timeout_ms=200\n", 15, RESULT));
    EXPECT(QIPC_E_DAEMON_HUNG, qipc_runtime_open((const uint8_t*)"timeout_ms=200\n", 15, RESULT));
    CHECK(kill(daemon_pid(), SIGCONT) == 0);
    open_runtime("");
}

CASE(hung_daemon_later) {
    const uint32_t runtime = open_runtime("timeout_ms=300\n");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    stop_daemon();
    EXPECT(QIPC_E_DAEMON_HUNG, try_publisher(runtime, "late", 0, 0));
    /* While the answer is outstanding, nothing more is asked. */
    const double before = now_ms();
    EXPECT(QIPC_E_DAEMON_HUNG, try_subscriber(runtime, "late", 1, 0, 0));
    EXPECT(QIPC_E_DAEMON_HUNG, try_publisher(runtime, "late", 0, 0));
    CHECK(now_ms() - before < 250);
    /* Data goes on. */
    publish_word(runtime, publisher, 3);
    CHECK(take_word(runtime, subscriber) == 3);
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    CHECK(WORD(0) == 1);
    CHECK(kill(daemon_pid(), SIGCONT) == 0);
    /* The late answer is taken back, so nothing of it is left. */
    EVENTUALLY(try_subscriber(runtime, "after", 1, 0, 0) == QIPC_OK);
    static uint64_t buffer[512];
    EVENTUALLY(qipc_runtime_streams(runtime, (uint8_t*)buffer, sizeof buffer, RESULT) == QIPC_OK && WORD(0) == 2);
    CHECK(memmem(buffer, sizeof buffer, "late", 4) == NULL);
}

CASE(hung_daemon_at_close) {
    const uint32_t runtime = open_runtime("timeout_ms=200\n");
    open_publisher(runtime, "s");
    stop_daemon();
    EXPECT_OK(qipc_runtime_close(runtime));
    EXPECT(QIPC_E_DAEMON_HUNG, qipc_runtime_open((const uint8_t*)"timeout_ms=200\n", 15, RESULT));
    CHECK(kill(daemon_pid(), SIGCONT) == 0);
    EVENTUALLY(qipc_runtime_open((const uint8_t*)"", 0, RESULT) == QIPC_OK);
    open_publisher(WORD(0), "s");
}

CASE(dead_daemon) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    const uint32_t waiter = WORD(0);
    EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(subscriber, 1));
    kill_daemon();
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    CHECK(WORD(0) == 2);
    EXPECT(QIPC_E_DAEMON_GONE, try_publisher(runtime, "s", 0, 0));
    EXPECT(QIPC_E_DAEMON_GONE, try_subscriber(runtime, "s", 1, 0, 0));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_runtime_streams(runtime, NULL, 0, RESULT));
    EXPECT(QIPC_E_DAEMON_ABSENT, qipc_runtime_open((const uint8_t*)"", 0, RESULT));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_wait(subscriber, 5000));
    /* What is mapped still works, between those who have it. */
    publish_word(runtime, publisher, 5);
    CHECK(take_word(runtime, subscriber) == 5);
    const double before = now_ms();
    EXPECT_OK(qipc_runtime_close(runtime));
    CHECK(now_ms() - before < 900);
    EXPECT(QIPC_E_DAEMON_ABSENT, qipc_runtime_open((const uint8_t*)"", 0, RESULT));
}

CASE(attaching_again_after_the_daemon_died) {
    int daemon = 0;
    uint32_t old_word_window = 0;
    volatile uint32_t* old_word = NULL;
    for (int round = 0; round < 3; ++round) {
        uint32_t runtime;
        EVENTUALLY(qipc_runtime_open((const uint8_t*)"name=phoenix\n", 13, RESULT) == QIPC_OK);
        runtime = WORD(0);
        const uint32_t publisher = open_publisher(runtime, "s");
        const uint32_t subscriber = open_subscriber(runtime, "s");
        if (old_word != NULL) {
            CHECK(*old_word == (uint32_t)round - 1);
            EXPECT_OK(qipc_window_unmap(old_word_window));
        }
        publish_word(runtime, publisher, (uint32_t)round);
        EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
        CHECK(taken_word(runtime, 0) == (uint32_t)round);
        old_word_window = WORD(1);
        const uint32_t offset = WORD(2);
        EXPECT_OK(qipc_window_map(runtime, old_word_window, RESULT));
        uint64_t base;
        memcpy(&base, RESULT, 8);
        old_word = (volatile uint32_t*)(uintptr_t)(base + offset);
        if (daemon == 0) {
            kill_daemon();
        } else {
            CHECK(kill(daemon, SIGKILL) == 0 && waitpid(daemon, NULL, 0) == daemon);
        }
        EXPECT_OK(qipc_runtime_state(runtime, RESULT));
        CHECK(WORD(0) == 2);
        EXPECT(QIPC_E_DAEMON_GONE, try_publisher(runtime, "t", 0, 0));
        daemon = start_daemon();
        EXPECT_OK(qipc_runtime_close(runtime));
    }
    CHECK(kill(daemon, SIGKILL) == 0 && waitpid(daemon, NULL, 0) == daemon);
}

CASE(a_hung_daemon_that_dies_frees_the_waiting_call) {
    const uint32_t runtime = open_runtime("timeout_ms=200\n");
    open_publisher(runtime, "s");
    stop_daemon();
    EXPECT(QIPC_E_DAEMON_HUNG, try_publisher(runtime, "late", 0, 0));
    kill_daemon();
    EXPECT(QIPC_E_DAEMON_GONE, try_publisher(runtime, "late", 0, 0));
    EXPECT_OK(qipc_runtime_close(runtime));
    const int daemon = start_daemon();
    EVENTUALLY(qipc_runtime_open((const uint8_t*)"", 0, RESULT) == QIPC_OK);
    open_publisher(WORD(0), "s");
    CHECK(kill(daemon, SIGKILL) == 0);
}

/** A child that is stopped for so long that the daemon takes it for dead, and continues. */
CASE(a_process_that_was_given_up) {
    if (g_argument == NULL) {
        CHECK(in_process("a_process_that_was_given_up", "child") == 0);
        return;
    }
    const uint32_t runtime = open_runtime("timeout_ms=500\n");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    const uint32_t waiter = WORD(0);
    EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(subscriber, 1));
    publish_word(runtime, publisher, 1);
    EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    const pid_t self = getpid();
    const pid_t waker = fork();
    if (waker == 0) {
        sleep_ms(2500);
        kill(self, SIGCONT);
        _exit(0);
    }
    kill(self, SIGSTOP);
    waitpid(waker, NULL, 0);
    EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_loan(publisher, RESULT));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_publish(publisher, 0, 0));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_discard(publisher, 0));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_info(publisher, RESULT));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_take(subscriber, 1, RESULT));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_release(subscriber, 0));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_wait(subscriber, 1000));
    EXPECT_OK(qipc_waiter_disarm(waiter, subscriber));
    EXPECT_OK(qipc_runtime_close(runtime));
    const uint32_t again = open_runtime("");
    const uint32_t publisher_again = open_publisher(again, "s");
    const uint32_t subscriber_again = open_subscriber(again, "s");
    publish_word(again, publisher_again, 2);
    CHECK(take_word(again, subscriber_again) == 2);
    EXPECT_OK(qipc_runtime_close(again));
}
