/* SPDX-License-Identifier: Apache-2.0
 *
 * Attaching again, with everything open: after the daemon died, and after it gave this process up.
 */
#include "daemon_cases.h"
#include "ring_cases.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static uint32_t state_of(uint32_t runtime) {
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    return WORD(0);
}

static uint32_t generation_of(uint32_t runtime) {
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    return WORD(1);
}

/** Bytes that lie in the socket, which are read away; waits for the first. */
static int drain(int fd) {
    struct pollfd wanted = {fd, POLLIN, 0};
    CHECK(poll(&wanted, 1, 10000) == 1);
    char bytes[64];
    return (int)recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
}

/** Everything a thread can have open. */
struct Open {
    uint32_t runtime;
    uint32_t publisher;
    uint32_t subscriber;
    uint32_t waiter;
    int fd;
};

static struct Open open_everything(void) {
    struct Open open = {0};
    open.runtime = open_runtime("timeout_ms=500\n");
    open.publisher = open_publisher(open.runtime, "s");
    open.subscriber = open_subscriber(open.runtime, "s");
    EXPECT_OK(qipc_waiter_open(open.runtime, RESULT));
    open.waiter = WORD(0);
    open.fd = (int)WORD(1);
    EXPECT_OK(qipc_waiter_arm(open.waiter, open.subscriber));
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(open.subscriber, 1));
    return open;
}

/** All calls on ports say that the daemon is gone; they are closed. */
static void expect_old_ports(const struct Open* open) {
    EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_loan(open->publisher, RESULT));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_info(open->publisher, RESULT));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_has_room(open->publisher));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_take(open->subscriber, 1, RESULT));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_has_data(open->subscriber));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_wait(open->subscriber, 0));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_wait(open->subscriber, 5000));
    EXPECT(QIPC_E_DAEMON_GONE, qipc_waiter_arm(open->waiter, open->subscriber));
    EXPECT_OK(qipc_waiter_disarm(open->waiter, open->subscriber));
    EXPECT_OK(qipc_publisher_close(open->publisher));
    EXPECT_OK(qipc_subscriber_close(open->subscriber));
    EXPECT(QIPC_E_CLOSED, qipc_publisher_loan(open->publisher, RESULT));
}

/** New ports of the same handles work, with every way of waiting. */
static void expect_new_ports(struct Open* open) {
    open->publisher = open_publisher(open->runtime, "s");
    open->subscriber = open_subscriber(open->runtime, "s");
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(open->subscriber, 1));
    EXPECT_OK(qipc_waiter_arm(open->waiter, open->subscriber));
    publish_word(open->runtime, open->publisher, 77);
    CHECK(drain(open->fd) == 1);
    EXPECT_OK(qipc_waiter_clear(open->waiter));
    EXPECT_OK(qipc_subscriber_wait(open->subscriber, 10000));
    CHECK(take_word(open->runtime, open->subscriber) == 77);
}

CASE(again_without_need_changes_nothing) {
    const struct Open open = open_everything();
    for (int i = 0; i < 3; ++i) {
        EXPECT_OK(qipc_runtime_attach_again(open.runtime));
        publish_word(open.runtime, open.publisher, 5);
        CHECK(take_word(open.runtime, open.subscriber) == 5);
    }
    EXPECT(QIPC_E_BAD_HANDLE, qipc_runtime_attach_again(0));
    EXPECT(QIPC_E_BAD_HANDLE, qipc_runtime_attach_again(open.publisher));
    EXPECT_OK(qipc_runtime_close(open.runtime));
    EXPECT(QIPC_E_CLOSED, qipc_runtime_attach_again(open.runtime));
}

CASE(again_after_the_daemon_died) {
    struct Open open = open_everything();
    const struct Ring ring = make_ring(open.runtime, "s");
    EXPECT_OK(qipc_ring_set_publishers(ring.handle, 0, open.publisher));
    CHECK(QAULTRA_RING_LOAD(&ring.header->queue_subscribers) == 1);
    publish_word(open.runtime, open.publisher, 1);
    EXPECT(1, qipc_subscriber_take(open.subscriber, 1, RESULT));
    const uint32_t window = WORD(1);
    const uint32_t offset = WORD(2);
    EXPECT_OK(qipc_window_map(open.runtime, window, RESULT));
    const volatile uint32_t* old_word = (const volatile uint32_t*)(uintptr_t)(t_result[0] + offset);
    EXPECT_OK(qipc_publisher_loan(open.publisher, RESULT));
    kill_daemon();
    for (int round = 0; round < 3; ++round) {
        /* Without a daemon nothing changes, and those who have its memory go on. */
        EXPECT(QIPC_E_DAEMON_ABSENT, qipc_runtime_attach_again(open.runtime));
        CHECK(state_of(open.runtime) == 2);
        publish_word(open.runtime, open.publisher, 2);
        CHECK(take_word(open.runtime, open.subscriber) == 2);
        const int daemon = start_daemon();
        EVENTUALLY(qipc_runtime_attach_again(open.runtime) == QIPC_OK);
        CHECK(state_of(open.runtime) == 1);
        if (round == 0) {
            CHECK(*old_word == 1);
            EXPECT(QIPC_E_DAEMON_GONE, qipc_window_map(open.runtime, window, RESULT));
            EXPECT_OK(qipc_window_unmap(window));
            EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_publish(open.publisher, 0, 0));
            EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_release(open.subscriber, 0));
        }
        EVENTUALLY(QAULTRA_RING_LOAD(&ring.header->queue_subscribers) == QAULTRA_RING_QUEUE_GONE);
        EXPECT(QIPC_E_DAEMON_GONE, qipc_ring_set_publishers(ring.handle, 0, open.publisher));
        expect_old_ports(&open);
        expect_new_ports(&open);
        EXPECT_OK(qipc_ring_set_publishers(ring.handle, 0, open.publisher));
        CHECK(QAULTRA_RING_LOAD(&ring.header->queue_subscribers) == 1);
        static uint64_t buffer[512];
        EXPECT_OK(qipc_runtime_streams(open.runtime, (uint8_t*)buffer, sizeof buffer, RESULT));
        CHECK(WORD(0) == 1);
        end_daemon(daemon);
    }
    /* The ring has noticed nothing of all this. */
    EXPECT(1, qipc_ring_writer_alive(attach_ring(open.runtime, ring.epoch).handle));
    CHECK(ring.header->state == QAULTRA_RING_LIVE && has_names(ring.epoch));
    EXPECT_OK(qipc_runtime_close(open.runtime));
    EXPECT(QIPC_E_DAEMON_ABSENT, qipc_runtime_open((const uint8_t*)"", 0, RESULT));
    CHECK(count_ring_files() == 0);
}

CASE(again_with_a_daemon_that_hangs_or_dies_at_once) {
    struct Open open = open_everything();
    kill_daemon();
    const int daemon = start_daemon();
    EVENTUALLY(qipc_runtime_attach_again(open.runtime) == QIPC_OK);
    expect_old_ports(&open);
    expect_new_ports(&open);
    end_daemon(daemon);
    int other = start_daemon();
    /* As soon as it answers somebody it is stopped. */
    EVENTUALLY(access("/tmp/roudi", F_OK) == 0);
    CHECK(kill(other, SIGSTOP) == 0);
    int32_t status = QIPC_OK;
    EVENTUALLY((status = qipc_runtime_attach_again(open.runtime)) == QIPC_E_DAEMON_HUNG || status == QIPC_E_DAEMON_ABSENT);
    publish_word(open.runtime, open.publisher, 2);
    CHECK(take_word(open.runtime, open.subscriber) == 2);
    CHECK(kill(other, SIGCONT) == 0);
    EVENTUALLY(qipc_runtime_attach_again(open.runtime) == QIPC_OK);
    expect_old_ports(&open);
    expect_new_ports(&open);
    EXPECT_OK(qipc_runtime_close(open.runtime));
    end_daemon(other);
}

/** Stops this process for longer than the daemon waits, and sees to it that it has been given up. */
static void be_given_up(uint32_t runtime) {
    const pid_t self = getpid();
    const uint32_t generation = generation_of(runtime);
    do {
        const pid_t waker = fork();
        CHECK(waker >= 0);
        if (waker == 0) {
            sleep_ms(2500);
            kill(self, SIGCONT);
            _exit(0);
        }
        kill(self, SIGSTOP);
        CHECK(waitpid(waker, NULL, 0) == waker);
    } while (state_of(runtime) != 2 && generation_of(runtime) == generation);
}

/** A writer that is stopped goes on with its ring, and gets new ports. */
CASE(again_after_this_process_was_given_up) {
    if (g_argument == NULL) {
        CHECK(in_process("again_after_this_process_was_given_up", "child") == 0);
        return;
    }
    struct Open open = open_everything();
    const struct Ring ring = make_ring(open.runtime, "s");
    const struct Ring reader = attach_ring(open.runtime, ring.epoch);
    EXPECT_OK(qipc_ring_set_publishers(ring.handle, 0, open.publisher));
    qaultra_ring_writer writer = qaultra_ring_writer_bind(ring.header, &ring.shape, &ring.table);
    qaultra_ring_reader from;
    CHECK(qaultra_ring_reader_join(&from, reader.header, &reader.shape, &reader.table, &reader.identity, 0, 0, 0));
    for (int round = 0; round < 2; ++round) {
        EXPECT_OK(qipc_publisher_loan(open.publisher, RESULT));
        const uint32_t slot = WORD(0);
        be_given_up(open.runtime);
        EVENTUALLY(QAULTRA_RING_LOAD(&ring.header->queue_subscribers) == QAULTRA_RING_QUEUE_GONE);
        EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_publish(open.publisher, slot, 0));
        EXPECT_OK(qipc_runtime_attach_again(open.runtime));
        CHECK(state_of(open.runtime) == 1);
        expect_old_ports(&open);
        expect_new_ports(&open);
        EXPECT_OK(qipc_ring_set_publishers(ring.handle, 0, open.publisher));
        CHECK(QAULTRA_RING_LOAD(&ring.header->queue_subscribers) == 1);
        CHECK(qaultra_ring_writer_claim(&writer) != NULL);
        qaultra_ring_writer_commit(&writer);
        CHECK(qaultra_ring_reader_next(&from) != NULL && qaultra_ring_reader_release(&from));
    }
    EXPECT_OK(qipc_runtime_close(open.runtime));
    open = open_everything();
    publish_word(open.runtime, open.publisher, 4);
    CHECK(take_word(open.runtime, open.subscriber) == 4);
}

CASE(no_daemon_but_one_that_is_started_again) {
    const uint32_t runtime = open_runtime("daemon=spawn\n");
    CHECK(WORD(2) == 1);
    const uint32_t publisher = open_publisher(runtime, "s");
    CHECK(kill(spawned_daemon_pid(), SIGKILL) == 0);
    EVENTUALLY(state_of(runtime) == 2);
    EVENTUALLY(qipc_runtime_attach_again(runtime) == QIPC_OK);
    EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_loan(publisher, RESULT));
    const uint32_t subscriber = open_subscriber(runtime, "s");
    publish_word(runtime, open_publisher(runtime, "s"), 8);
    CHECK(take_word(runtime, subscriber) == 8);
    EXPECT_OK(qipc_runtime_close(runtime));
}
