/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for data: blocking, and through a waiter's socket.
 */
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

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

CASE(wait_times_out) {
    const uint32_t runtime = open_runtime("");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(subscriber, 0));
    const double before = now_ms();
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(subscriber, 50));
    CHECK(now_ms() - before >= 50);
    for (int i = 0; i < 100; ++i) {
        EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(subscriber, 0.1));
    }
}

static void* publish_later(void* stream) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, stream);
    for (uint32_t i = 0; i < 50; ++i) {
        sleep_ms(2);
        publish_word(runtime, publisher, i);
    }
    EXPECT_OK(qipc_runtime_close(runtime));
    return NULL;
}

CASE(wait_wakes_for_data) {
    const uint32_t runtime = open_runtime("");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, publish_later, "s") == 0);
    for (uint32_t i = 0; i < 50; ++i) {
        EXPECT_OK(qipc_subscriber_wait(subscriber, 10000));
        CHECK(take_word(runtime, subscriber) == i);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(subscriber, 1));
}

CASE(wait_returns_at_once_when_data_is_there) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    publish_word(runtime, publisher, 1);
    for (int i = 0; i < 10; ++i) {
        EXPECT_OK(qipc_subscriber_wait(subscriber, 0));
        EXPECT_OK(qipc_subscriber_wait(subscriber, 10000));
    }
    CHECK(take_word(runtime, subscriber) == 1);
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(subscriber, 1));
}

CASE(wait_any_wakes_for_each) {
    const uint32_t runtime = open_runtime("");
    static uint64_t handles[33];
    uint32_t* subscriber = (uint32_t*)handles;
    for (int i = 0; i < 64; ++i) {
        subscriber[i] = open_subscriber(runtime, "none");
    }
    EXPECT_OK(qipc_subscriber_close(subscriber[63]));
    subscriber[63] = open_subscriber(runtime, "s");
    const uint8_t* bytes = (const uint8_t*)subscriber;
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait_any(bytes, 64, 5));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, publish_later, "s") == 0);
    for (uint32_t i = 0; i < 50; ++i) {
        EXPECT_OK(qipc_subscriber_wait_any(bytes, 64, 10000));
        CHECK(take_word(runtime, subscriber[63]) == i);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    /* The same one twice is allowed. */
    subscriber[1] = subscriber[0];
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait_any(bytes, 2, 1));
    EXPECT_OK(qipc_subscriber_close(subscriber[0]));
    EXPECT(QIPC_E_CLOSED, qipc_subscriber_wait_any(bytes, 2, 1));
}

CASE(waiter_wakes_once_until_it_is_armed_again) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    int fd;
    const uint32_t waiter = open_waiter(runtime, &fd);
    CHECK(drain(fd, 0) == 0);
    for (int round = 0; round < 20; ++round) {
        EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
        CHECK(drain(fd, 0) == 0);
        for (uint32_t i = 0; i < 5; ++i) {
            publish_word(runtime, publisher, i);
        }
        CHECK(drain(fd, 10000) == 1);
        EXPECT_OK(qipc_waiter_clear(waiter));
        EXPECT(1, qipc_waiter_arm(waiter, subscriber));
        EXPECT(5, qipc_subscriber_take(subscriber, 8, RESULT));
        for (uint32_t i = 0; i < 5; ++i) {
            EXPECT_OK(qipc_subscriber_release(subscriber, WORD(8 * i)));
        }
        CHECK(drain(fd, 5) == 0);
    }
    /* Not armed: data comes without a byte. */
    publish_word(runtime, publisher, 1);
    CHECK(drain(fd, 20) == 0);
    CHECK(take_word(runtime, subscriber) == 1);
    EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
    EXPECT_OK(qipc_waiter_disarm(waiter, subscriber));
    EXPECT_OK(qipc_waiter_disarm(waiter, subscriber));
    publish_word(runtime, publisher, 2);
    CHECK(drain(fd, 20) == 0);
    CHECK(take_word(runtime, subscriber) == 2);
    EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
    publish_word(runtime, publisher, 3);
    CHECK(drain(fd, 10000) == 1);
    EXPECT_OK(qipc_waiter_close(waiter));
    close(fd);
}

CASE(waiter_sends_one_byte_for_many_subscribers) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    int fd;
    const uint32_t waiter = open_waiter(runtime, &fd);
    /* More than one listener of the stack has room for. */
    enum { COUNT = 256 };
    static uint32_t subscriber[COUNT + 44];
    for (int i = 0; i < COUNT; ++i) {
        subscriber[i] = open_subscriber(runtime, "s");
    }
    for (int i = COUNT; i < COUNT + 44; ++i) {
        subscriber[i] = open_subscriber(runtime, "other");
    }
    for (int i = 0; i < COUNT + 44; ++i) {
        EXPECT_OK(qipc_waiter_arm(waiter, subscriber[i]));
    }
    publish_word(runtime, publisher, 4);
    CHECK(drain(fd, 10000) == 1);
    for (int i = 0; i < COUNT; ++i) {
        CHECK(take_word(runtime, subscriber[i]) == 4);
    }
    CHECK(drain(fd, 50) == 0);
    EXPECT_OK(qipc_waiter_clear(waiter));
    const uint32_t other = open_publisher(runtime, "other");
    publish_word(runtime, other, 5);
    CHECK(drain(fd, 10000) == 1);
    CHECK(take_word(runtime, subscriber[COUNT + 43]) == 5);
    EXPECT_OK(qipc_waiter_close(waiter));
    close(fd);
}

CASE(waiter_closed_first_leaves_its_subscribers_usable) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    int fd;
    uint32_t waiter = open_waiter(runtime, &fd);
    EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
    EXPECT_OK(qipc_waiter_close(waiter));
    close(fd);
    publish_word(runtime, publisher, 1);
    CHECK(take_word(runtime, subscriber) == 1);
    waiter = open_waiter(runtime, &fd);
    EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
    int other_fd;
    const uint32_t other = open_waiter(runtime, &other_fd);
    EXPECT_OK(qipc_waiter_arm(other, subscriber));
    publish_word(runtime, publisher, 2);
    CHECK(drain(other_fd, 10000) == 1);
    CHECK(drain(fd, 10) == 0);
}

CASE(wait_and_waiter_together) {
    const uint32_t runtime = open_runtime("");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    int fd;
    const uint32_t waiter = open_waiter(runtime, &fd);
    EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, publish_later, "s") == 0);
    bool is_armed = true;
    for (uint32_t i = 0; i < 50; ++i) {
        EXPECT_OK(qipc_subscriber_wait(subscriber, 10000));
        /* When the waiter was armed meanwhile, it is told as well. */
        if (is_armed) {
            CHECK(drain(fd, 10000) == 1);
        }
        EXPECT_OK(qipc_waiter_clear(waiter));
        CHECK(take_word(runtime, subscriber) == i);
        const int32_t status = qipc_waiter_arm(waiter, subscriber);
        CHECK(status >= 0);
        is_armed = status == QIPC_OK; /* else the next block was there already */
    }
    CHECK(pthread_join(thread, NULL) == 0);
}

static _Atomic bool g_stop;

static void* publish_fast(void* stream) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, stream);
    while (!g_stop) {
        publish_word(runtime, publisher, 1);
    }
    EXPECT_OK(qipc_runtime_close(runtime));
    return NULL;
}

CASE(ports_close_while_callbacks_run) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, publish_fast, "s") == 0);
    for (int round = 0; round < 100; ++round) {
        const uint32_t runtime = open_runtime("");
        int fd;
        const uint32_t waiter = open_waiter(runtime, &fd);
        uint32_t subscriber[4];
        bool is_any_armed = false;
        for (int i = 0; i < 4; ++i) {
            subscriber[i] = open_subscriber(runtime, "s");
            const int32_t has_data = qipc_waiter_arm(waiter, subscriber[i]);
            CHECK(has_data >= 0);
            is_any_armed = is_any_armed || has_data == 0;
        }
        CHECK(!is_any_armed || drain(fd, 10000) == 1);
        CHECK(qipc_waiter_arm(waiter, subscriber[0]) >= 0);
        EXPECT_OK(qipc_subscriber_close(subscriber[0]));
        if (round % 2 == 0) {
            EXPECT_OK(qipc_waiter_close(waiter));
            EXPECT_OK(qipc_subscriber_close(subscriber[1]));
        }
        EXPECT_OK(qipc_runtime_close(runtime));
        close(fd);
    }
    g_stop = true;
    CHECK(pthread_join(thread, NULL) == 0);
}

CASE(waiter_end_is_closed_for_its_reader) {
    const uint32_t runtime = open_runtime("");
    int fd;
    const uint32_t waiter = open_waiter(runtime, &fd);
    EXPECT_OK(qipc_waiter_close(waiter));
    struct pollfd wanted = {fd, POLLIN, 0};
    CHECK(poll(&wanted, 1, 10000) == 1);
    char byte;
    CHECK(recv(fd, &byte, 1, 0) == 0);
    close(fd);
}
