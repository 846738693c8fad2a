/* SPDX-License-Identifier: Apache-2.0
 *
 * Attaching again by itself: nobody in this file calls qipc_runtime_attach_again.
 */
#include "daemon_cases.h"
#include "ring_cases.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t state_of(uint32_t runtime) {
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    return WORD(0);
}

static uint32_t generation_of(uint32_t runtime) {
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    return WORD(1);
}

static uint32_t open_waiter(uint32_t runtime, int* fd) {
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    *fd = (int)WORD(1);
    return WORD(0);
}

static bool has_byte(int fd) {
    struct pollfd wanted = {fd, POLLIN, 0};
    return poll(&wanted, 1, 0) == 1;
}

static void read_byte(uint32_t waiter, int fd) {
    EVENTUALLY(has_byte(fd));
    char bytes[64];
    CHECK(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0);
    EXPECT_OK(qipc_waiter_clear(waiter));
}

/** One block from a publisher to a subscriber, both of which are new and closed again, with the window that it lay in. */
static void exchange_once(uint32_t runtime, uint32_t value) {
    uint32_t publisher;
    EVENTUALLY(try_publisher(runtime, "s", 0, 0) == QIPC_OK);
    publisher = WORD(0);
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    const uint32_t written = WORD(1);
    EXPECT_OK(qipc_publisher_publish(publisher, WORD(0), 0));
    EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
    const uint32_t taken = WORD(1);
    publish_word(runtime, publisher, value);
    CHECK(take_word(runtime, subscriber) == value);
    EXPECT_OK(qipc_publisher_close(publisher));
    EXPECT_OK(qipc_subscriber_close(subscriber));
    EXPECT_OK(qipc_window_unmap(written));
    EXPECT_OK(qipc_window_unmap(taken));
}

static _Atomic uint32_t g_waits_begun;
static _Atomic uint32_t g_waits_ended;

/** Waits for data that never comes. */
static void* wait_for_nothing(void* argument) {
    const int rounds = *(const int*)argument;
    const uint32_t runtime = open_runtime("");
    for (int round = 0; round < rounds; ++round) {
        EVENTUALLY(try_subscriber(runtime, "nothing", 16, 0, 0) == QIPC_OK);
        const uint32_t subscriber = WORD(0);
        ++g_waits_begun;
        EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_wait(subscriber, 60000));
        EXPECT_OK(qipc_subscriber_close(subscriber));
        ++g_waits_ended;
    }
    EXPECT_OK(qipc_runtime_close(runtime));
    return NULL;
}

CASE(supervisor_attaches_again_whenever_there_is_a_daemon) {
    static int rounds = 5;
    const uint32_t runtime = open_runtime("");
    const struct Ring ring = make_ring(runtime, "s");
    int idle_fd;
    const uint32_t idle = open_waiter(runtime, &idle_fd);
    int fd;
    const uint32_t waiter = open_waiter(runtime, &fd);
    pthread_t parked;
    CHECK(pthread_create(&parked, NULL, wait_for_nothing, &rounds) == 0);
    int daemon = 0;
    for (int round = 0; round < rounds; ++round) {
        const uint32_t publisher = open_publisher(runtime, "s");
        const uint32_t subscriber = open_subscriber(runtime, "s");
        EXPECT_OK(qipc_ring_set_publishers(ring.handle, 0, publisher));
        EXPECT_OK(qipc_waiter_arm(waiter, subscriber));
        const uint32_t generation = generation_of(runtime);
        CHECK(!has_byte(fd) && !has_byte(idle_fd));
        EVENTUALLY(g_waits_begun > (uint32_t)round);
        if (daemon == 0) {
            kill_daemon();
        } else {
            end_daemon(daemon);
        }
        CHECK(state_of(runtime) == 2 && generation_of(runtime) == generation);
        daemon = start_daemon();
        EVENTUALLY(state_of(runtime) == 1);
        CHECK(generation_of(runtime) > generation);
        read_byte(waiter, fd);
        read_byte(idle, idle_fd);
        EXPECT(QIPC_E_DAEMON_GONE, qipc_waiter_arm(waiter, subscriber));
        EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_loan(publisher, RESULT));
        EVENTUALLY(QAULTRA_RING_LOAD(&ring.header->queue_subscribers) == QAULTRA_RING_QUEUE_GONE);
        EXPECT_OK(qipc_publisher_close(publisher));
        EXPECT_OK(qipc_subscriber_close(subscriber));
        exchange_once(runtime, (uint32_t)round);
        EVENTUALLY(g_waits_ended > (uint32_t)round);
        while (has_byte(fd)) {
            read_byte(waiter, fd);
        }
        while (has_byte(idle_fd)) {
            read_byte(idle, idle_fd);
        }
    }
    CHECK(pthread_join(parked, NULL) == 0);
    CHECK(ring.header->state == QAULTRA_RING_LIVE);
    EXPECT_OK(qipc_runtime_close(runtime));
    end_daemon(daemon);
}

CASE(supervisor_leaves_opening_again_what_it_is) {
    const uint32_t runtime = open_runtime("timeout_ms=500\n");
    const uint32_t generation = generation_of(runtime);
    kill_daemon();
    EXPECT(QIPC_E_DAEMON_ABSENT, qipc_runtime_open((const uint8_t*)"timeout_ms=500\n", 15, RESULT));
    EXPECT(QIPC_E_OPTIONS_DIFFER, qipc_runtime_open((const uint8_t*)"", 0, RESULT));
    const int daemon = start_daemon();
    EVENTUALLY(qipc_runtime_open((const uint8_t*)"timeout_ms=500\n", 15, RESULT) == QIPC_OK);
    const uint32_t second = WORD(0);
    CHECK(state_of(runtime) == 1 && generation_of(runtime) == generation_of(second));
    CHECK(generation_of(second) > generation);
    exchange_once(second, 3);
    EXPECT_OK(qipc_runtime_close(runtime));
    exchange_once(second, 4);
    EXPECT_OK(qipc_runtime_close(second));
    end_daemon(daemon);
}

static _Atomic bool g_stop;

/** Opens and closes runtimes and waiters without a pause; that a daemon is absent, hung or gone is all that may be said. */
static void* open_and_close(void* ignored) {
    while (!g_stop) {
        if (qipc_runtime_open((const uint8_t*)"", 0, RESULT) != QIPC_OK) {
            sleep_ms(1);
            continue;
        }
        const uint32_t runtime = WORD(0);
        for (int i = 0; i < 20; ++i) {
            int fd;
            EXPECT_OK(qipc_waiter_close(open_waiter(runtime, &fd)));
            CHECK(close(fd) == 0);
        }
        if (try_subscriber(runtime, "s", 16, 0, 0) == QIPC_OK) {
            qipc_subscriber_wait(WORD(0), 1);
        }
        EXPECT_OK(qipc_runtime_close(runtime));
    }
    return ignored;
}

CASE(supervisor_works_beside_threads_that_open_and_close) {
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
        CHECK(pthread_create(&threads[i], NULL, open_and_close, NULL) == 0);
    }
    int daemon = 0;
    for (int round = 0; round < 8; ++round) {
        uint32_t runtime;
        EVENTUALLY(qipc_runtime_open((const uint8_t*)"", 0, RESULT) == QIPC_OK);
        runtime = WORD(0);
        const uint32_t generation = generation_of(runtime);
        if (daemon == 0) {
            kill_daemon();
        } else {
            end_daemon(daemon);
        }
        daemon = start_daemon();
        EVENTUALLY(generation_of(runtime) > generation && state_of(runtime) == 1);
        if (round % 2 == 0) {
            EXPECT_OK(qipc_runtime_close(runtime));
        }
    }
    g_stop = true;
    for (int i = 0; i < 2; ++i) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    end_daemon(daemon);
}

/** A process ends at once at any moment: with its daemon gone, coming, and there. */
CASE(supervisor_does_not_hold_up_the_end_of_the_process) {
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("");
        const uint32_t generation = generation_of(runtime);
        const int daemon = atoi(g_argument);
        if (daemon == daemon_pid()) {
            kill_daemon();
        } else {
            kill_all_threads(daemon);
        }
        const int next = start_daemon();
        printf("%d\n", next);
        fflush(stdout);
        if (next % 2 == 0) {
            EVENTUALLY(generation_of(runtime) > generation);
        } else {
            sleep_ms((uint32_t)next % 160);
        }
        exit(0);
    }
    int daemon = daemon_pid();
    for (int round = 0; round < 6; ++round) {
        char argument[16];
        snprintf(argument, sizeof argument, "%d", daemon);
        int ends[2];
        CHECK(pipe(ends) == 0);
        const pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            dup2(ends[1], 1);
            execl("/proc/self/exe", "qipc_tests", "supervisor_does_not_hold_up_the_end_of_the_process", argument, (char*)NULL);
            _exit(127);
        }
        close(ends[1]);
        char text[16] = {0};
        CHECK(read(ends[0], text, sizeof text - 1) > 0);
        daemon = atoi(text);
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close(ends[0]);
        uint32_t runtime;
        EVENTUALLY(qipc_runtime_open((const uint8_t*)"", 0, RESULT) == QIPC_OK);
        runtime = WORD(0);
        EXPECT_OK(qipc_runtime_close(runtime));
    }
    CHECK(kill(daemon, SIGKILL) == 0);
}
