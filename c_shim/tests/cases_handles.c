/* SPDX-License-Identifier: Apache-2.0
 *
 * Handles: stale ones, those of another kind, of another thread, and the order of closing.
 */
#include "test.h"

#include <unistd.h>

static uint32_t g_runtime;
static uint32_t g_publisher;
static uint32_t g_subscriber;
static uint32_t g_waiter;

static void open_all(void) {
    g_runtime = open_runtime("");
    g_publisher = open_publisher(g_runtime, "s");
    g_subscriber = open_subscriber(g_runtime, "s");
    EXPECT_OK(qipc_waiter_open(g_runtime, RESULT));
    g_waiter = WORD(0);
}

/** Every call on the handles, each expected to say `status`. */
static void expect_everywhere(int32_t status, uint32_t runtime, uint32_t publisher, uint32_t subscriber, uint32_t waiter) {
    EXPECT(status, qipc_runtime_state(runtime, RESULT));
    EXPECT(status, qipc_runtime_streams(runtime, NULL, 0, RESULT));
    EXPECT(status, qipc_runtime_bind_numa(runtime, RESULT));
    EXPECT(status, qipc_window_map(runtime, 1, RESULT));
    EXPECT(status, try_publisher(runtime, "t", 0, 0));
    EXPECT(status, try_subscriber(runtime, "t", 1, 0, 0));
    EXPECT(status, qipc_waiter_open(runtime, RESULT));
    EXPECT(status, qipc_runtime_close(runtime));
    EXPECT(status, qipc_publisher_loan(publisher, RESULT));
    EXPECT(status, qipc_publisher_publish(publisher, 0, 0));
    EXPECT(status, qipc_publisher_discard(publisher, 0));
    EXPECT(status, qipc_publisher_info(publisher, RESULT));
    EXPECT(status, qipc_publisher_has_room(publisher));
    EXPECT(status, qipc_publisher_close(publisher));
    EXPECT(status, qipc_subscriber_take(subscriber, 1, RESULT));
    EXPECT(status, qipc_subscriber_release(subscriber, 0));
    EXPECT(status, qipc_subscriber_has_data(subscriber));
    EXPECT(status, qipc_subscriber_wait(subscriber, 0));
    EXPECT(status, qipc_subscriber_wait_any((const uint8_t*)&subscriber, 1, 0));
    EXPECT(status, qipc_subscriber_close(subscriber));
    EXPECT(status, qipc_waiter_arm(waiter, subscriber));
    EXPECT(status, qipc_waiter_disarm(waiter, subscriber));
    EXPECT(status, qipc_waiter_clear(waiter));
    EXPECT(status, qipc_waiter_close(waiter));
}

CASE(handles_that_never_were) {
    expect_everywhere(QIPC_E_BAD_HANDLE, 0, 0, 0, 0);
    expect_everywhere(QIPC_E_BAD_HANDLE, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    expect_everywhere(QIPC_E_BAD_HANDLE, 0x00010000, 0x00010001, 0x00010002, 0x00010003);
    open_all();
    expect_everywhere(QIPC_E_BAD_HANDLE, 0x00020000, 0x00020001, 0x00020002, 0x00020003);
    expect_everywhere(QIPC_E_BAD_HANDLE, 0x00010004, 0x00010fff, 0x00011000, 0x0001ffff);
}

CASE(handles_of_another_kind) {
    open_all();
    expect_everywhere(QIPC_E_BAD_HANDLE, g_publisher, g_subscriber, g_waiter, g_runtime);
    expect_everywhere(QIPC_E_BAD_HANDLE, g_waiter, g_runtime, g_publisher, g_subscriber);
}

CASE(handles_that_are_closed) {
    open_all();
    const uint32_t fd = WORD(1);
    EXPECT_OK(qipc_waiter_close(g_waiter));
    EXPECT_OK(qipc_publisher_close(g_publisher));
    EXPECT_OK(qipc_subscriber_close(g_subscriber));
    EXPECT_OK(qipc_runtime_close(g_runtime));
    close((int)fd);
    expect_everywhere(QIPC_E_CLOSED, g_runtime, g_publisher, g_subscriber, g_waiter);
}

static void* use_foreign_handles(void* ignored) {
    (void)ignored;
    expect_everywhere(QIPC_E_WRONG_THREAD, g_runtime, g_publisher, g_subscriber, g_waiter);
    const uint32_t own = open_runtime("");
    expect_everywhere(QIPC_E_WRONG_THREAD, g_runtime, g_publisher, g_subscriber, g_waiter);
    EXPECT_OK(qipc_runtime_close(own));
    return NULL;
}

CASE(handles_of_another_thread) {
    open_all();
    in_thread(use_foreign_handles, NULL);
    publish_word(g_runtime, g_publisher, 7);
    CHECK(take_word(g_runtime, g_subscriber) == 7);
}

CASE(a_slot_used_again_has_another_generation) {
    const uint32_t runtime = open_runtime("");
    const uint32_t first = open_publisher(runtime, "s");
    EXPECT_OK(qipc_publisher_close(first));
    /* Slots are used again only when all have been used, so that a stale handle is told for long. */
    uint32_t again = 0;
    uint32_t opened = 0;
    do {
        EXPECT_OK(qipc_waiter_open(runtime, RESULT));
        again = WORD(0);
        close((int)WORD(1));
        EXPECT_OK(qipc_waiter_close(again));
        CHECK(++opened <= 4096);
    } while ((again & 0xffff) != (first & 0xffff));
    CHECK(opened > 4000 && again >> 16 == 2);
    EXPECT(QIPC_E_CLOSED, qipc_publisher_loan(first, RESULT));
    EXPECT_OK(qipc_runtime_close(runtime));
}

CASE(closing_a_runtime_closes_its_ports) {
    open_all();
    const uint32_t other = open_runtime("");
    const uint32_t kept = open_publisher(other, "kept");
    EXPECT_OK(qipc_runtime_close(g_runtime));
    EXPECT(QIPC_E_CLOSED, qipc_publisher_loan(g_publisher, RESULT));
    EXPECT(QIPC_E_CLOSED, qipc_subscriber_take(g_subscriber, 1, RESULT));
    EXPECT(QIPC_E_CLOSED, qipc_waiter_clear(g_waiter));
    EXPECT_OK(qipc_publisher_loan(kept, RESULT));
    EXPECT_OK(qipc_runtime_close(other));
    EXPECT(QIPC_E_CLOSED, qipc_publisher_loan(kept, RESULT));
}

CASE(ports_can_be_closed_in_any_order_with_blocks_out) {
    for (int order = 0; order < 6; ++order) {
        open_all();
        EXPECT_OK(qipc_waiter_arm(g_waiter, g_subscriber));
        publish_word(g_runtime, g_publisher, 1);
        publish_word(g_runtime, g_publisher, 2);
        EXPECT(2, qipc_subscriber_take(g_subscriber, 2, RESULT));
        EXPECT_OK(qipc_publisher_loan(g_publisher, RESULT));
        for (int step = 0; step < 3; ++step) {
            switch ((order + step * (order < 3 ? 1 : 2)) % 3) {
            case 0:
                EXPECT_OK(qipc_publisher_close(g_publisher));
                break;
            case 1:
                EXPECT_OK(qipc_subscriber_close(g_subscriber));
                break;
            default:
                EXPECT_OK(qipc_waiter_close(g_waiter));
                break;
            }
        }
        EXPECT_OK(qipc_runtime_close(g_runtime));
    }
}

static void* open_and_leave(void* handles) {
    uint32_t* out = handles;
    out[0] = open_runtime("");
    out[1] = open_publisher(out[0], "thread");
    out[2] = open_subscriber(out[0], "thread");
    publish_word(out[0], out[1], 1);
    EXPECT(1, qipc_subscriber_take(out[2], 1, RESULT));
    EXPECT_OK(qipc_publisher_loan(out[1], RESULT));
    EXPECT_OK(qipc_waiter_open(out[0], RESULT));
    out[3] = WORD(0);
    EXPECT_OK(qipc_waiter_arm(out[3], out[2]));
    return NULL;
}

CASE(the_end_of_a_thread_closes_what_it_owned) {
    const uint32_t runtime = open_runtime("");
    uint32_t handles[4];
    for (int round = 0; round < 20; ++round) {
        in_thread(open_and_leave, handles);
        expect_everywhere(QIPC_E_CLOSED, handles[0], handles[1], handles[2], handles[3]);
    }
    /* The daemon removes what was closed, and no stream of it is left. */
    EVENTUALLY(qipc_runtime_streams(runtime, NULL, 0, RESULT) == QIPC_OK && WORD(0) == 0);
    EXPECT_OK(qipc_runtime_close(runtime));
}

CASE(too_many_handles) {
    const uint32_t runtime = open_runtime("");
    uint32_t count = 1;
    while (qipc_runtime_open((const uint8_t*)"", 0, RESULT) == QIPC_OK) {
        CHECK(++count <= 4096);
    }
    CHECK(count == 4096);
    EXPECT(QIPC_E_TOO_MANY_HANDLES, try_publisher(runtime, "s", 0, 0));
    EXPECT_DETAIL(4097, 4096);
    EXPECT(QIPC_E_TOO_MANY_HANDLES, try_subscriber(runtime, "s", 1, 0, 0));
    EXPECT(QIPC_E_TOO_MANY_HANDLES, qipc_waiter_open(runtime, RESULT));
    EXPECT_OK(qipc_runtime_close(runtime));
    open_runtime("");
}
