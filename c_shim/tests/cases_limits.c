/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits of the daemon: each is a status, and the daemon survives it.
 */
#include "test.h"

#include <signal.h>

static void expect_healthy_daemon(void) {
    CHECK(kill(daemon_pid(), 0) == 0);
}

CASE(too_many_publishers) {
    const uint32_t runtime = open_runtime("timeout_ms=5000\n");
    static uint32_t publisher[600];
    uint32_t count = 0;
    int32_t status = QIPC_OK;
    while (count < 600 && (status = try_publisher(runtime, "s", 0, 0)) == QIPC_OK) {
        publisher[count++] = WORD(0);
    }
    EXPECT(QIPC_E_TOO_MANY_PUBLISHERS, status);
    EXPECT_DETAIL(507, 506);
    CHECK(count == 506);
    expect_healthy_daemon();
    /* A place that is given back can be taken at once, although the daemon frees it a moment later. */
    for (int i = 0; i < 3; ++i) {
        EXPECT_OK(qipc_publisher_close(publisher[i]));
        open_publisher(runtime, "s");
    }
    EXPECT(QIPC_E_TOO_MANY_PUBLISHERS, try_publisher(runtime, "s", 0, 0));
    publish_word(runtime, publisher[505], 1);
    EXPECT_OK(qipc_runtime_close(runtime));
    expect_healthy_daemon();
    open_publisher(open_runtime(""), "s");
}

CASE(too_many_subscribers) {
    const uint32_t runtime = open_runtime("timeout_ms=5000\n");
    static uint32_t subscriber[1100];
    uint32_t count = 0;
    int32_t status = QIPC_OK;
    while (count < 1100 && (status = try_subscriber(runtime, "s", 1, 0, 0)) == QIPC_OK) {
        subscriber[count++] = WORD(0);
    }
    EXPECT(QIPC_E_TOO_MANY_SUBSCRIBERS, status);
    EXPECT_DETAIL(1025, 1024);
    CHECK(count == 1024);
    expect_healthy_daemon();
    EXPECT_OK(qipc_subscriber_close(subscriber[5]));
    open_subscriber(runtime, "s");
    EXPECT(QIPC_E_TOO_MANY_SUBSCRIBERS, try_subscriber(runtime, "s", 1, 0, 0));
    EXPECT_OK(qipc_runtime_close(runtime));
    open_subscriber(open_runtime(""), "s");
}

CASE(stream_is_full) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    static uint32_t subscriber[256];
    for (int i = 0; i < 256; ++i) {
        subscriber[i] = open_subscriber(runtime, "s");
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT(QIPC_E_STREAM_FULL, try_subscriber(runtime, "s", 256, 0, 0));
        EXPECT_DETAIL(257, 256);
    }
    publish_word(runtime, publisher, 9);
    for (int i = 0; i < 256; ++i) {
        CHECK(take_word(runtime, subscriber[i]) == 9);
    }
    EXPECT_OK(qipc_publisher_info(publisher, RESULT));
    CHECK(WORD(0) == 256);
    open_subscriber(runtime, "another");
    /* A lossless subscriber would not connect to this publisher, full or not. */
    EXPECT_OK(try_subscriber(runtime, "s", 1, 0, QIPC_SUBSCRIBER_BLOCKING));
    EXPECT_OK(qipc_subscriber_close(subscriber[0]));
    const uint32_t late = open_subscriber(runtime, "s");
    publish_word(runtime, publisher, 10);
    CHECK(take_word(runtime, late) == 10);
}

CASE(stream_is_full_for_another_process) {
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("");
        EXPECT(QIPC_E_STREAM_FULL, try_subscriber(runtime, "s", 256, 0, 0));
        return;
    }
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    for (int i = 0; i < 256; ++i) {
        open_subscriber(runtime, "s");
    }
    CHECK(in_process("stream_is_full_for_another_process", "child") == 0);
    publish_word(runtime, publisher, 9);
}

CASE(too_many_condition_variables) {
    const uint32_t runtime = open_runtime("timeout_ms=5000\n");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    /* Every runtime handle gets a condition variable of its own at its first wait. */
    int32_t status = QIPC_TIMED_OUT;
    uint32_t count = 1; /* the runtime's own */
    while (status == QIPC_TIMED_OUT && count < 1100) {
        const uint32_t handle = open_runtime("timeout_ms=5000\n");
        EXPECT_OK(try_subscriber(handle, "s", 1, 0, 0));
        const uint32_t own = WORD(0);
        status = qipc_subscriber_wait(own, 0.001);
        EXPECT_OK(qipc_subscriber_close(own));
        ++count;
    }
    EXPECT(QIPC_E_TOO_MANY_WAITERS, status);
    EXPECT_DETAIL(1025, 1024);
    CHECK(count == 1025);
    EXPECT(QIPC_E_TOO_MANY_WAITERS, qipc_subscriber_wait(subscriber, 10));
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    EXPECT(QIPC_E_TOO_MANY_WAITERS, qipc_waiter_arm(WORD(0), subscriber));
    expect_healthy_daemon();
    const uint32_t publisher = open_publisher(runtime, "s");
    publish_word(runtime, publisher, 1);
    CHECK(take_word(runtime, subscriber) == 1);
}
